//! Rules that ask on the first access to something sensitive: what a decision that would allow it waits for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::model::{Decision, Denial, Object, Query, TenantId, UserId, UserRecord};
use crate::profiling::{Visit, asks};

use super::decide::{Outcome, Within, Without, by};
use super::profiling::TICKET_LIFETIME;
use super::tenants::Tenant;
use super::tickets::NewTicket;
use super::{Result, Service, ServiceError, entropy};

/// No address that somebody goes back to is longer.
const MAX_ADDRESS: usize = 4096;

/// Links that programs were given lately: of a tenant, a user, a rule, and where the user goes from there.
pub(super) type Offers = Cache<(TenantId, UserId, String, String), String>;

/// For how long a program is given the same link: a browser that has opened it keeps it to itself.
const OFFERED: Duration = Duration::from_secs(60);

/// How many of them are remembered.
const MAX_OFFERS: u64 = 10_000;

pub(super) fn offers() -> Offers {
    Cache::builder().max_capacity(MAX_OFFERS).time_to_live(OFFERED).build()
}

/// Why nothing is allowed of which nobody knows whether a rule guards it.
const NO_RULES: &str = "the profiling rules cannot be used, so that nobody knows whether the profile is complete";

impl Service {
    /// An outcome with what rules ask: one that is required stands in its way, others are told. Reads what is in memory, but
    /// for how optional rules stand with a user who lacks what they ask.
    pub(super) async fn guarded<'t>(
        &self,
        tenant: &'t Tenant,
        query: &Query<'_>,
        outcome: Outcome<'t>,
        within: Within,
    ) -> Outcome<'t> {
        if !tenant.profiling.enabled || !outcome.decision.is_allow() {
            return outcome;
        }
        let Some(id) = query.subject.user_id() else { return outcome };
        let Some(rules) = tenant.rules.as_deref() else {
            return Outcome { decision: Decision::Deny(Denial::NoProgram(NO_RULES)), ..outcome };
        };
        if rules.guards(&query.action.name, &query.resource.kind).next().is_none() {
            return outcome;
        }
        Box::pin(self.ask_on_access(tenant, query, id, outcome, within)).await
    }

    async fn ask_on_access<'t>(
        &self,
        tenant: &'t Tenant,
        query: &Query<'_>,
        id: &str,
        outcome: Outcome<'t>,
        within: Within,
    ) -> Outcome<'t> {
        let access = (&*query.action.name, &*query.resource.kind);
        let guards = || tenant.rules.iter().flat_map(|rules| rules.guards(access.0, access.1));
        // What does not count for the decision does not count here.
        let read = match within.lost {
            Some(why) => Err(why().into()),
            None => by(within.deadline, self.user(tenant, id)).await,
        };
        let record = match self.noted(read, tenant) {
            Ok(record) => record.unwrap_or_else(|| Arc::new(UserRecord::new(id, Object::new()))),
            Err(_) => {
                // Unknown is not complete.
                let without = outcome.without.or(Some(Without::Facts));
                return match guards().find(|rule| rule.rule.required) {
                    Some(rule) => incomplete(&rule.id, Outcome { without, ..outcome }),
                    None => outcome,
                };
            }
        };
        let visit = |states| Visit {
            user: id,
            record: &record,
            login: record.login(),
            states,
            login_id: "",
            client: None,
            prompted: 0,
            access: Some(access),
            now: query.now,
        };
        let nothing = HashMap::new();
        let fresh = visit(&nothing);
        if let Some(rule) = guards().find(|rule| rule.rule.required && asks(rule, tenant.profiling, &fresh)) {
            return incomplete(&rule.id, outcome);
        }
        if !guards().any(|rule| asks(rule, tenant.profiling, &fresh)) {
            return outcome;
        }
        // Nobody is bothered with a question that may be answered already.
        let Ok(user) = UserId::parse(id) else { return outcome };
        let read = async { Ok(self.store.prompts(&tenant.id, &user).await?) };
        let Ok(states) = by(within.deadline, read).await else { return outcome };
        let told = visit(&states);
        let obligations = guards().filter(|rule| asks(rule, tenant.profiling, &told)).map(|rule| &*rule.id).collect();
        Outcome { obligations, ..outcome }
    }

    /// The same link for a program, which may ask again and again before somebody opens it.
    ///
    /// # Errors
    /// Those of [`Service::make_ticket`].
    pub async fn offer_ticket(&self, tenant: &Tenant, user: &UserId, rule: &str, return_to: &str) -> Result<String> {
        let offer = (tenant.id.clone(), user.clone(), rule.to_owned(), return_to.to_owned());
        if let Some(link) = self.offers.get(&offer) {
            return Ok(link);
        }
        let link = self.make_ticket(tenant, user, rule, return_to).await?;
        self.offers.insert(offer, link.clone());
        Ok(link)
    }

    /// Makes the link to the page that asks a user what a rule asks, wherever the user is on the way to.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody stored, [`ServiceError::Invalid`] for a rule that there is not, or
    /// the store's.
    pub async fn make_ticket(&self, tenant: &Tenant, user: &UserId, rule: &str, return_to: &str) -> Result<String> {
        if tenant.rules()?.get(rule).is_none() {
            return Err(ServiceError::invalid("/rule", "unknown_rule", format!("there is no rule {rule:?}")));
        }
        if return_to.len() > MAX_ADDRESS || return_to.chars().any(char::is_control) {
            let detail = format!("an address has at most {MAX_ADDRESS} bytes, and no control characters");
            return Err(ServiceError::invalid("/returnTo", "bad_address", detail));
        }
        if self.user(tenant, user.as_str()).await?.is_none() {
            return Err(ServiceError::NotFound("nobody stored this user"));
        }
        let now = self.now();
        // No login is counted: it stands for this access alone.
        let login_id = format!("access {}", entropy::id(now));
        let expires_at = now.saturating_add(TICKET_LIFETIME).unwrap_or(now);
        self.issue_ticket(tenant, &NewTicket { user, rule, login_id: &login_id, return_to, expires_at }).await
    }
}

fn incomplete<'t>(rule: &'t str, outcome: Outcome<'t>) -> Outcome<'t> {
    Outcome { decision: Decision::Deny(Denial::Incomplete { rule }), ..outcome }
}
