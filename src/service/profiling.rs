//! Progressive profiling: at a login, whether the profile is complete; before it, what would be asked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::{
    Author, Consent, Definitions, FieldChange, Identity, Object, ObjectRef, ProfilingSettings, Source, UserId,
    UserRecord, Value, ValueRef, field_of_claim, is_name,
};
use crate::profiling::{RuleSet, Verdict, Visit, ask, asks, verdicts};
use crate::store::Report;

use super::tenants::Tenant;
use super::tickets::NewTicket;
use super::{Fault, Result, Service, ServiceError, traits};

/// How long a user may take with the page.
pub(super) const TICKET_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// How many users a dry run reads at once.
const BATCH: i64 = 500;

/// A login as an identity provider reports it.
#[derive(Debug)]
pub struct Login<'a> {
    /// Who signs in.
    pub user: UserId,
    /// Names the login; asked twice with the same, it is one login.
    pub login_id: &'a str,
    /// Where the user goes after the page.
    pub return_to: Cow<'a, str>,
    /// Whether the user can be sent to a page.
    pub interactive: bool,
    /// The client that the user signs in to.
    pub client: Option<&'a str>,
    /// Claims that the identity provider knows.
    pub profile: Object<'a>,
    /// Identities at other providers.
    pub identities: Vec<Identity>,
    /// Consents.
    pub consents: Vec<Consent>,
}

/// Whether the identity provider may finish.
#[derive(Debug)]
pub enum Checked {
    /// It may; traits for the session.
    Complete(Object<'static>),
    /// The user is to be asked first.
    Incomplete {
        /// Whether there is no way round it.
        required: bool,
        /// The rule that asks.
        rule: String,
        /// The fields that it asks.
        fields: Vec<String>,
        /// Where to send the user; `None` if the login is not interactive.
        redirect_to: Option<String>,
    },
}

impl Service {
    /// Takes in what an identity provider knows of a user, counts the login, and tells whether the profile is complete.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for claims of the wrong type and for a login of somebody else, or the store's.
    pub async fn check_login(&self, tenant: &Tenant, login: Login<'_>, author: &Author) -> Result<Checked> {
        let Login { user, login_id, client, .. } = &login;
        let faults = bad_names(&login);
        if !faults.is_empty() {
            return Err(ServiceError::Invalid(faults));
        }
        let rules = tenant.rules()?;
        let fields = claims(tenant, &login.profile)?;
        let report = Report {
            login_id,
            client: *client,
            fields,
            identities: login.identities.clone(),
            consents: login.consents.clone(),
        };
        let author = Author { source: Source::Idp, ..author.clone() };
        let changed = self.store.report_login(&tenant.id, user, &report, &author).await?;
        self.user_changed(tenant, user, changed).await?;

        let record = self
            .user(tenant, user.as_str())
            .await?
            .unwrap_or_else(|| Arc::new(UserRecord::new(user.as_str(), Object::new())));
        let states = self.store.prompts(&tenant.id, user).await?;
        let prompted = self.store.prompted(&tenant.id, login_id).await?;
        let visit = Visit {
            user: user.as_str(),
            record: &record,
            login: record.login(),
            states: &states,
            login_id,
            client: *client,
            prompted,
            access: None,
            now: author.at,
        };
        let Some(asked) = ask(rules, tenant.profiling, &visit) else {
            return Ok(Checked::Complete(session(&record, &tenant.definitions)));
        };
        let redirect_to = if login.interactive {
            let ticket = NewTicket {
                user,
                rule: &asked.rule.id,
                login_id,
                return_to: &login.return_to,
                expires_at: author.at.saturating_add(TICKET_LIFETIME).unwrap_or(author.at),
            };
            Some(self.issue_ticket(tenant, &ticket).await?)
        } else {
            None
        };
        Ok(Checked::Incomplete {
            required: asked.rule.rule.required,
            rule: asked.rule.id.clone(),
            fields: asked.fields.iter().map(|field| field.slug.to_string()).collect(),
            redirect_to,
        })
    }

    /// What each of some rules would ask a user now, and why, whether or not profiling is switched on.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn preview_draft<'r>(
        &self,
        tenant: &Tenant,
        draft: &'r RuleSet,
        user: &UserId,
    ) -> Result<Vec<Verdict<'r>>> {
        let settings = ProfilingSettings { enabled: true, ..tenant.profiling };
        self.verdicts(tenant, draft, settings, user).await
    }

    /// What each rule would ask a user now, and why.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn preview<'t>(&self, tenant: &'t Tenant, user: &UserId) -> Result<Vec<Verdict<'t>>> {
        self.verdicts(tenant, tenant.rules()?, tenant.profiling, user).await
    }

    async fn verdicts<'r>(
        &self,
        tenant: &Tenant,
        rules: &'r RuleSet,
        settings: ProfilingSettings,
        user: &UserId,
    ) -> Result<Vec<Verdict<'r>>> {
        let record = self.user(tenant, user.as_str()).await?;
        let record = record.ok_or(ServiceError::NotFound("nobody stored this user"))?;
        let states = self.store.prompts(&tenant.id, user).await?;
        let now = self.clock.now();
        let visit = Visit {
            user: user.as_str(),
            record: &record,
            login: record.login(),
            states: &states,
            login_id: "",
            client: None,
            prompted: 0,
            access: None,
            now,
        };
        Ok(verdicts(rules, settings, &visit))
    }

    /// How many known users a draft of rules would ask at their next login, and how many there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn dry_run(&self, tenant: &Tenant, draft: &RuleSet) -> Result<(u64, u64)> {
        let settings = ProfilingSettings { enabled: true, ..tenant.profiling };
        let nothing = HashMap::new();
        let (mut asked, mut all) = (0, 0);
        let mut after = String::new();
        let now = self.clock.now();
        loop {
            let users = self.store.records_after(&tenant.id, &after, BATCH).await?;
            let Some((last, _)) = users.last() else { return Ok((asked, all)) };
            let states = self.store.prompts_between(&tenant.id, &after, last).await?;
            after.clone_from(last);
            for (user, record) in users {
                let login = one_more(record.login(), now);
                let states = states.get(&user).unwrap_or(&nothing);
                let visit = Visit {
                    user: &user,
                    record: &record,
                    login: (&login).into(),
                    states,
                    login_id: "",
                    client: None,
                    prompted: 0,
                    access: None,
                    now,
                };
                all += 1;
                asked += u64::from(draft.rules.iter().any(|rule| asks(rule, settings, &visit)));
            }
        }
    }
}

/// A user's logins as of the next one.
fn one_more(login: ObjectRef<'_>, now: jiff::Timestamp) -> Object<'_> {
    let mut next = login.to_object();
    let count = match login.get("count") {
        Some(ValueRef::Int(count)) => count.saturating_add(1),
        _ => 1,
    };
    next.set("count", Value::Int(count));
    if login.get("first_at").is_none() {
        next.set("first_at", Value::Time(now));
    }
    next
}

/// What is wrong with the names that a report gives: they come from elsewhere, and are kept.
fn bad_names(login: &Login<'_>) -> Vec<Fault> {
    let mut named = vec![("/loginId".to_owned(), login.login_id)];
    named.extend(login.client.map(|client| ("/client".to_owned(), client)));
    named.extend(names_told(&login.identities, &login.consents));
    let wrong = |(pointer, _): (String, &str)| {
        let detail = "this is 1 to 255 bytes without control characters".to_owned();
        Fault { pointer, detail, code: "bad_name" }
    };
    let mut faults: Vec<Fault> = named.into_iter().filter(|(_, text)| !is_name(text)).map(wrong).collect();
    if login.return_to.contains('\0') {
        let detail = "no address holds the character U+0000".to_owned();
        faults.push(Fault { pointer: "/returnTo".to_owned(), detail, code: "bad_address" });
    }
    faults
}

/// What identities and consents are named by, each with the pointer to it: in columns with indexes, so they are bounded.
pub(super) fn names_told<'l>(identities: &'l [Identity], consents: &'l [Consent]) -> Vec<(String, &'l str)> {
    let mut named = Vec::new();
    for (place, identity) in identities.iter().enumerate() {
        let Identity { kind, provider, subject, .. } = identity;
        let members = [("kind", kind), ("provider", provider), ("subject", subject)];
        named.extend(members.map(|(member, text)| (format!("/identities/{place}/{member}"), text.as_str())));
    }
    for (place, Consent { purpose, version, .. }) in consents.iter().enumerate() {
        named.push((format!("/consents/{place}/purpose"), purpose.as_str()));
        // A text without versions has an empty one.
        named.extend((!version.is_empty()).then(|| (format!("/consents/{place}/version"), version.as_str())));
    }
    named
}

/// Claims as changes of profile fields.
fn claims<'a>(tenant: &Tenant, profile: &Object<'a>) -> Result<Vec<FieldChange<'a>>> {
    let (mut changes, mut faults) = (Vec::new(), Vec::new());
    for (claim, value) in profile.iter() {
        match change_by(tenant, claim, value) {
            Ok(change) => changes.extend(change),
            Err(detail) => faults.push(Fault { pointer: format!("/profile/{claim}"), detail, code: "not_as_defined" }),
        }
    }
    if faults.is_empty() { Ok(changes) } else { Err(ServiceError::Invalid(faults)) }
}

/// The claims that the tenant's definitions admit: whoever signs in cannot mend the others, and need not wait for it.
pub(super) fn fitting<'a>(tenant: &Tenant, claims: &Object<'a>) -> Object<'a> {
    let fits = |(claim, value): &(&str, &Value<'a>)| {
        let unfit = change_by(tenant, claim, value).err();
        if let Some(why) = &unfit {
            tracing::warn!(tenant = %tenant.id, claim, why, "a claim of an identity provider is left out");
        }
        unfit.is_none()
    };
    claims.iter().filter(fits).map(|(claim, value)| (claim.to_owned(), value.clone())).collect()
}

/// The change of a profile field that a claim makes, if it makes one; what is wrong with its value.
fn change_by<'a>(
    tenant: &Tenant,
    claim: &str,
    value: &Value<'a>,
) -> std::result::Result<Option<FieldChange<'a>>, String> {
    let definition = tenant.definitions.get(field_of_claim(claim));
    let Some(definition) = definition.filter(|field| field.writable_by.contains(&Source::Idp)) else { return Ok(None) };
    if *value == Value::Null {
        return Ok(None);
    }
    traits::unusable(value).map_or(Ok(()), |(_, why)| Err(why))?;
    definition.check(value)?;
    Ok(Some(tenant.definitions.change(definition.slug.clone(), Some(value.clone()))))
}

/// What the identity provider puts into the session.
fn session(record: &UserRecord, definitions: &Definitions) -> Object<'static> {
    let marked = definitions.iter().filter(|definition| definition.in_session);
    let value = |definition: &crate::model::Definition| {
        let slug = definition.slug.as_str();
        let value = record.field(definition.kind, slug).or(definition.default.as_ref().map(ValueRef::from))?;
        Some((slug.to_owned(), value.to_value().into_owned()))
    };
    marked.filter_map(value).collect()
}
