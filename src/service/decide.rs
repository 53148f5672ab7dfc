//! Decisions: the tenant's program, the facts that it reads, the engine's verdict, the log.

use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

use crate::engine::{self, Candidate, Explanation, Nearest, Program, Reveal, Unknown};
use crate::model::{Decision, Denial, Facts, Query, Stored};
use crate::store::{Known, StoreError};

use super::decision_log::Entry;
use super::tenants::{Policies, Tenant};
use super::{Result, Service, entropy};

/// How long a decision waits for the store before it decides without: what the store knows is then unknown.
const STORE_PATIENCE: Duration = Duration::from_millis(1000);

/// A decision and what an answer says beside it.
#[derive(Debug)]
pub struct Answer<'t> {
    /// The decision.
    pub decision: Decision<'t>,
    /// Names this decision in the answer and in the log.
    pub id: Uuid,
    /// What decided, if anything was in force.
    pub policy_revision: Option<&'t str>,
    /// The tenant's data that was decided upon.
    pub data_revision: i64,
    /// All that led to it, if somebody asked.
    pub derivation: Option<Derivation<'t>>,
}

/// All that led to a decision.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Derivation<'t> {
    /// All policies of the winning effect that apply.
    pub policies: Vec<&'t str>,
    /// What made the condition of a candidate unknown.
    pub unknowns: Vec<Unknown<'t>>,
    /// The policies that speak of the action and the type of the resource.
    pub candidates: Vec<Candidate<'t>>,
    /// How many more of them there are.
    pub more_candidates: usize,
    /// The single fact that would turn the outcome, if there is one.
    pub nearest: Option<Nearest<'t>>,
}

impl<'t> Derivation<'t> {
    fn new(program: &'t Program, query: &Query<'_>, facts: &Facts<'_>, reveal: Reveal) -> Self {
        let Explanation { policies, unknowns, candidates, more_candidates, .. } =
            engine::explain(program, query, facts, reveal);
        let nearest = engine::nearest(program, query, facts);
        Self { policies, unknowns, candidates, more_candidates, nearest }
    }
}

impl Service {
    /// Decides a query for a tenant. Nothing is awaited when the user's facts are in memory.
    /// An explanation, for whose eyes, is made only if somebody asks for it.
    pub async fn decide<'t>(&self, tenant: &'t Tenant, query: &Query<'_>, explain: Option<Reveal>) -> Answer<'t> {
        let started = Instant::now();
        let data_revision = tenant.revision();
        let mut derivation = None;
        let (decision, policy_revision, shadows) = match &tenant.policies {
            Policies::None { why, .. } => (Decision::Deny(Denial::NoProgram(why)), None, Vec::new()),
            Policies::InForce { program, .. } => {
                let user = match query.subject.user_id().filter(|_| program.reads_user()) {
                    Some(id) => match self.users.get(&tenant.id, id) {
                        Some(known) => Ok(known),
                        None => Box::pin(self.user_within_patience(tenant, id)).await,
                    },
                    None => Ok(None),
                };
                let facts = facts(&user);
                derivation = explain.map(|reveal| Derivation::new(program, query, &facts, reveal));
                // Nobody watches shadows but the log.
                let shadows =
                    if self.decision_log.is_open() { engine::shadows(program, query, &facts) } else { Vec::new() };
                (engine::decide(program, query, &facts), Some(program.revision()), shadows)
            }
        };
        let answer = Answer { decision, id: entropy::id(query.now), policy_revision, data_revision, derivation };
        self.metrics.decided(&answer.decision, started.elapsed());
        self.decision_log.write(|| Entry::new(tenant, query, &answer, &shadows));
        answer
    }

    /// The time, for queries.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    async fn user_within_patience(&self, tenant: &Tenant, id: &str) -> Result<Known> {
        let outcome = match tokio::time::timeout(STORE_PATIENCE, self.user(tenant, id)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::TimedOut.into()),
        };
        if let Err(error) = &outcome {
            self.metrics.store_failed();
            tracing::warn!(tenant = %tenant.id, %error, "deciding without stored facts");
        }
        outcome
    }
}

/// Facts as the engine takes them. What the store did not answer is unreachable, never absent.
fn facts(user: &Result<Known>) -> Facts<'_> {
    match user {
        Ok(Some(record)) => Facts {
            user: Stored::Present(&record.facts),
            login: Stored::Present(&record.login),
            self_asserted: &record.self_asserted,
            ..Facts::default()
        },
        Ok(None) => Facts::default(),
        Err(_) => Facts {
            user: Stored::Unreachable,
            resource: Stored::Unreachable,
            login: Stored::Unreachable,
            ..Facts::default()
        },
    }
}
