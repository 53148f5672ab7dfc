//! Whether this instance can be asked.

use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use super::Service;
use super::staleness::Age;
use super::tenants::Policies;

/// How an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Ready,
    /// It decides, but somebody should look.
    Degraded,
    /// Do not send requests here.
    Unavailable,
}

/// The status, and why it is not better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Readiness {
    /// The worst of all that was found.
    pub status: Status,
    /// A sentence for each finding.
    pub reasons: Vec<String>,
}

impl Service {
    /// Whether every tenant has had a good set of policies, and facts can be had: from the database, or while it does not
    /// answer from memory, for as long as that counts.
    pub async fn readiness(&self) -> Readiness {
        let mut readiness = Readiness { status: Status::Ready, reasons: Vec::new() };
        for tenant in self.tenants() {
            if let Some(problem) = &tenant.rules_problem {
                let status = if tenant.rules.is_some() { Status::Degraded } else { Status::Unavailable };
                readiness.worsen(status, format!("{}: the profiling rules cannot be used: {problem}", tenant.id));
            }
            match &tenant.policies {
                Policies::InForce { problem: None, .. } => {}
                Policies::InForce { problem: Some(problem), .. } => readiness.worsen(
                    Status::Degraded,
                    format!("{}: the last good policies stay in force: {problem}", tenant.id),
                ),
                Policies::None { why, awaited: false } => readiness.worsen(Status::Degraded, why.clone()),
                Policies::None { why, awaited: true } => {
                    readiness.worsen(Status::Unavailable, format!("{}: {why}", tenant.id));
                }
            }
        }
        if let Some((trouble, ago)) = self.store.refuses_writes() {
            readiness
                .worsen(Status::Degraded, format!("the last write failed {} seconds ago: {trouble}", ago.as_secs()));
        }
        let now = Instant::now();
        let lag = self.heard.lag(now);
        match self.heard.age(now) {
            Age::Fresh => {
                if let Err(error) = self.store.ping().await {
                    tracing::error!(%error, "the database cannot be read");
                    readiness.worsen(Status::Degraded, error.trouble().to_string());
                }
            }
            // Whoever asks need not wait to hear what is known.
            Age::Stale => readiness.worsen(
                Status::Degraded,
                format!("changes were last read {} seconds ago; what is in memory decides for now", lag.as_secs()),
            ),
            Age::Expired => readiness.worsen(
                Status::Unavailable,
                format!("changes were last read {} seconds ago; what is stored counts as unknown", lag.as_secs()),
            ),
        }
        for disagreement in self.disagreements() {
            readiness.worsen(Status::Degraded, disagreement);
        }
        if self.shared.as_ref().is_some_and(|shared| shared.stats().open) {
            readiness.worsen(Status::Degraded, "Redis does not answer; the database is asked instead".to_owned());
        }
        readiness
    }
}

impl Readiness {
    fn worsen(&mut self, status: Status, why: String) {
        if status == Status::Unavailable || self.status == Status::Ready {
            self.status = status;
        }
        self.reasons.push(why);
    }
}
