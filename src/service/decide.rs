//! Decisions: the tenant's program, the facts that it reads, the engine's verdict, the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::engine::{self, Program, Reveal};
use crate::model::{Decision, Denial, Entity, Facts, Object, Query, Stored, UserRecord};
use crate::store::{Known, Name, StoreError};

use super::decision_log::Entry as LogEntry;
use super::derivation::Derivation;
use super::staleness::Age;
use super::tenants::{Policies, Tenant};
use super::{Result, Service, entropy};

/// How long a decision waits for the store before it decides without: what the store knows is then unknown.
const STORE_PATIENCE: Duration = Duration::from_millis(1000);

/// A decision and what an answer says beside it.
#[derive(Debug)]
pub struct Answer<'t> {
    /// The decision.
    pub decision: Decision<'t>,
    /// Profiling rules that ask for something at this access, and may be skipped.
    pub obligations: Vec<&'t str>,
    /// Names this decision in the answer and in the log.
    pub id: Uuid,
    /// What decided, if anything was in force.
    pub policy_revision: Option<&'t str>,
    /// The tenant's data that was decided upon.
    pub data_revision: i64,
    /// Whether it was made from memory while the store could not be asked for changes.
    pub stale: bool,
    /// What it was made without.
    pub without: Option<Without>,
    /// All that led to it, if somebody asked.
    pub derivation: Option<Derivation<'t>>,
}

/// What nobody could say in time: conditions that read it were unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Without {
    /// The data that the caller knows of.
    #[serde(rename = "revision_unavailable")]
    Revision,
    /// What is stored of the user or the resource.
    #[serde(rename = "facts_unavailable")]
    Facts,
}

/// How to decide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'w> {
    /// With an explanation, for whose eyes.
    pub explain: Option<Reveal>,
    /// As one decides who has not seen the data that the caller knows of: nothing that is stored is known.
    pub unseen: bool,
    /// By the verified claims of an access token.
    pub claims: Option<&'w Object<'static>>,
}

impl Service {
    /// Decides a query for a tenant. Nothing is awaited when the user's facts are in memory.
    pub async fn decide<'t>(&self, tenant: &'t Tenant, query: &Query<'_>, wish: Wish<'_>) -> Answer<'t> {
        let started = Instant::now();
        let age = self.heard.age(started);
        let data_revision = tenant.revision();
        let within = Within { lost: lost(age, wish), deadline: started + STORE_PATIENCE };
        let outcome = match in_force(tenant) {
            Ok(program) => {
                let (user, resource) = match within.lost {
                    Some(why) => (Err(why().into()), Err(why().into())),
                    None => {
                        let user = self.user_at_hand(tenant, program, query);
                        let resource = self.resource_at_hand(tenant, program, query);
                        match (user, resource) {
                            (Some(user), Some(resource)) => (Ok(user), Ok(resource)),
                            (user, resource) => Box::pin(self.gather(tenant, query, user, resource)).await,
                        }
                    }
                };
                self.decide_by(program, query, wish, (&user, &resource))
            }
            Err(why) => Outcome::none(why),
        };
        let outcome = self.guarded(tenant, query, outcome, within).await;
        self.answer(tenant, query, outcome, (started, age, data_revision))
    }

    /// Decides one query after the other, of a tenant as it is at one moment, until `goes_on` says that it is enough. What is
    /// known of a user or a resource is asked for once, and is the same for all of them.
    pub async fn decide_each<'t, 'q>(
        &self,
        tenant: &'t Tenant,
        queries: impl IntoIterator<Item = &'q Query<'q>>,
        wish: Wish<'_>,
        mut goes_on: impl FnMut(Answer<'t>) -> bool,
    ) {
        let (age, data_revision) = (self.heard.age(Instant::now()), tenant.revision());
        let within = Within { lost: lost(age, wish), deadline: Instant::now() + STORE_PATIENCE };
        let (mut users, mut resources) = (HashMap::new(), HashMap::new());
        for query in queries {
            let started = Instant::now();
            let outcome = match in_force(tenant) {
                Ok(program) => {
                    let who = query.subject.user_id();
                    // What one query supplies itself, another may not.
                    let what = Some(&query.resource).filter(|_| self.reads_stored(tenant, program, query));
                    let what = what.map(|resource| (&resource.kind, &resource.id));
                    if let Some(why) = within.lost {
                        users.entry(who).or_insert_with(|| Err(why().into()));
                        resources.entry(what).or_insert_with(|| Err(why().into()));
                    }
                    let user = match users.entry(who) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(place) => place.insert(match self.user_at_hand(tenant, program, query) {
                            Some(known) => Ok(known),
                            None => self.noted(by(within.deadline, self.user(tenant, &query.subject.id)).await, tenant),
                        }),
                    };
                    let resource = match resources.entry(what) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(place) => place.insert(match self.resource_at_hand(tenant, program, query) {
                            Some(known) => Ok(known),
                            None => {
                                let Entity { kind, id, .. } = &query.resource;
                                self.noted(by(within.deadline, self.resource(tenant, kind, id)).await, tenant)
                            }
                        }),
                    };
                    self.decide_by(program, query, wish, (user, resource))
                }
                Err(why) => Outcome::none(why),
            };
            let outcome = self.guarded(tenant, query, outcome, within).await;
            if !goes_on(self.answer(tenant, query, outcome, (started, age, data_revision))) {
                return;
            }
        }
    }

    /// What is known of a user, if what is in memory counts just now.
    pub(super) async fn facts_that_count(&self, tenant: &Tenant, user: &str) -> Result<Known<UserRecord>> {
        match lost(self.heard.age(Instant::now()), Wish::default()) {
            Some(why) => Err(why().into()),
            None => within_patience(self.user(tenant, user)).await,
        }
    }

    /// Decides by the policies in force.
    fn decide_by<'t>(
        &self,
        program: &'t Program,
        query: &Query<'_>,
        wish: Wish<'_>,
        (user, resource): (&Result<Known<UserRecord>>, &Result<Known<Object<'static>>>),
    ) -> Outcome<'t> {
        let nobody_knows = user.is_err() || resource.is_err();
        let without = wish.unseen.then_some(Without::Revision).or(nobody_knows.then_some(Without::Facts));
        let facts = Facts { token: wish.claims, ..facts(user, resource) };
        Outcome {
            decision: engine::decide(program, query, &facts),
            obligations: Vec::new(),
            policy_revision: Some(program.revision()),
            derivation: wish.explain.map(|reveal| Derivation::new(program, query, &facts, reveal)),
            without,
            // Nobody watches shadows but the log.
            shadows: if self.decision_log.is_open() { engine::shadows(program, query, &facts) } else { Vec::new() },
        }
    }

    /// The answer of an outcome, counted and written down.
    fn answer<'t>(
        &self,
        tenant: &Tenant,
        query: &Query<'_>,
        outcome: Outcome<'t>,
        (started, age, data_revision): (Instant, Age, i64),
    ) -> Answer<'t> {
        let Outcome { decision, obligations, policy_revision, derivation, without, shadows } = outcome;
        let (id, stale) = (entropy::id(query.now), age != Age::Fresh);
        let answer = Answer { decision, obligations, id, policy_revision, data_revision, stale, without, derivation };
        self.metrics.decided(&answer.decision, stale, started.elapsed());
        self.decision_log.write(|| LogEntry::new(tenant, query, &answer, &shadows));
        answer
    }

    /// What the store said, with its failures told.
    pub(super) fn noted<T>(&self, answer: Result<T>, tenant: &Tenant) -> Result<T> {
        if let Err(error) = &answer {
            self.metrics.store_failed();
            tracing::warn!(tenant = %tenant.id, %error, "deciding without stored facts");
        }
        answer
    }

    /// The time, for queries.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// What is known of the subject without asking anybody; nothing, if no policy reads it.
    fn user_at_hand(&self, tenant: &Tenant, program: &Program, query: &Query<'_>) -> Option<Known<UserRecord>> {
        match query.subject.user_id().filter(|_| program.reads_user()) {
            Some(id) => self.users.get(&tenant.id, Name::user(id)),
            None => Some(None),
        }
    }

    /// What is known of the resource without asking anybody; nothing, if the request supplies all that is read, or no
    /// resource of its type has stored attributes.
    fn resource_at_hand(
        &self,
        tenant: &Tenant,
        program: &Program,
        query: &Query<'_>,
    ) -> Option<Known<Object<'static>>> {
        let Entity { kind, id, .. } = &query.resource;
        if !self.reads_stored(tenant, program, query) {
            return Some(None);
        }
        self.resources.get(&tenant.id, Name::resource(kind, id))
    }

    /// Whether a decision could read stored attributes of the resource.
    fn reads_stored(&self, tenant: &Tenant, program: &Program, query: &Query<'_>) -> bool {
        program.reads_resource(query) && self.stores_type(&tenant.id, &query.resource.kind)
    }

    /// Asks the store for what is not at hand, for at most [`STORE_PATIENCE`].
    async fn gather(
        &self,
        tenant: &Tenant,
        query: &Query<'_>,
        user: Option<Known<UserRecord>>,
        resource: Option<Known<Object<'static>>>,
    ) -> Gathered {
        let Query { subject, resource: asked, .. } = query;
        let user = async {
            match user {
                Some(known) => Ok(known),
                None => within_patience(self.user(tenant, &subject.id)).await,
            }
        };
        let resource = async {
            match resource {
                Some(known) => Ok(known),
                None => within_patience(self.resource(tenant, &asked.kind, &asked.id)).await,
            }
        };
        let (user, resource) = tokio::join!(user, resource);
        (self.noted(user, tenant), self.noted(resource, tenant))
    }
}

/// What is known of a subject and a resource.
type Gathered = (Result<Known<UserRecord>>, Result<Known<Object<'static>>>);

/// What bounds the facts of a decision.
#[derive(Clone, Copy)]
pub(super) struct Within {
    /// Why nothing that is stored counts, if nothing does.
    pub(super) lost: Option<fn() -> StoreError>,
    /// Until when the store may answer.
    pub(super) deadline: Instant,
}

/// What came of a decision.
pub(super) struct Outcome<'t> {
    pub(super) decision: Decision<'t>,
    /// Rules that ask for something and may be skipped.
    pub(super) obligations: Vec<&'t str>,
    pub(super) policy_revision: Option<&'t str>,
    pub(super) derivation: Option<Derivation<'t>>,
    pub(super) without: Option<Without>,
    /// What shadow policies would have decided.
    pub(super) shadows: Vec<&'t str>,
}

impl<'t> Outcome<'t> {
    /// Nothing was in force that could decide.
    fn none(why: &'t str) -> Self {
        let decision = Decision::Deny(Denial::NoProgram(why));
        Self {
            decision,
            obligations: Vec::new(),
            policy_revision: None,
            derivation: None,
            without: None,
            shadows: Vec::new(),
        }
    }
}

/// What decides for a tenant, or why nothing does.
pub(super) fn in_force(tenant: &Tenant) -> std::result::Result<&Program, &str> {
    match (&tenant.suspended, &tenant.policies) {
        (Some(why), _) | (None, Policies::None { why, .. }) => Err(why),
        (None, Policies::InForce { program, .. }) => Ok(program),
    }
}

/// Why nothing that is stored counts, if nothing does.
fn lost(age: Age, wish: Wish<'_>) -> Option<fn() -> StoreError> {
    match age {
        _ if wish.unseen => Some(|| StoreError::Behind),
        // Nothing in memory counts, and nobody answers.
        Age::Expired => Some(|| StoreError::TimedOut),
        Age::Fresh | Age::Stale => None,
    }
}

async fn within_patience<T>(reading: impl Future<Output = Result<T>>) -> Result<T> {
    by(Instant::now() + STORE_PATIENCE, reading).await
}

pub(super) async fn by<T>(deadline: Instant, reading: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout_at(deadline.into(), reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::TimedOut.into()),
    }
}

/// Facts as the engine takes them. What the store did not answer is unreachable, never absent.
fn facts<'f>(user: &'f Result<Known<UserRecord>>, resource: &'f Result<Known<Object<'static>>>) -> Facts<'f> {
    let resource = match resource {
        Ok(Some(attributes)) => Stored::Present(attributes.as_ref().into()),
        Ok(None) => Stored::Absent,
        Err(_) => Stored::Unreachable,
    };
    match user {
        Ok(Some(record)) => Facts { resource, ..Facts::of_user(record) },
        Ok(None) => Facts { resource, ..Facts::default() },
        Err(_) => Facts { user: Stored::Unreachable, login: Stored::Unreachable, resource, ..Facts::default() },
    }
}
