//! Following the change feed: what another process wrote is seen here within a fraction of a second.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::model::{ResourceId, TenantId};
use crate::store::{Change, ChangeKind, Name};

use super::{Result, Service};

/// How often the feed is asked.
const EVERY: Duration = Duration::from_millis(200);

/// How many changes are taken at once.
const BATCH: i64 = 1000;

impl Service {
    /// Follows the feed until it is dropped.
    pub async fn follow_feed(&self) {
        let mut failing = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let outcome = self.catch_up().await;
            if let (Err(error), false) = (&outcome, failing) {
                tracing::error!(%error, "the change feed cannot be read; what is in memory may be stale");
            }
            failing = outcome.is_err();
        }
    }

    /// Waits until definitions, rules or settings have changed, here or elsewhere.
    pub async fn documents_have_changed(&self) {
        self.documents.notified().await;
    }

    /// The last change that this process has seen.
    fn seen(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Takes in all changes that are there.
    pub(super) async fn catch_up(&self) -> Result<()> {
        loop {
            let asked = Instant::now();
            let changes = self.store.changes_since(self.seen(), BATCH).await?;
            let Some(last) = changes.last().map(|change| change.seq) else {
                self.heard.at(asked);
                return Ok(());
            };
            for change in changes {
                match change.kind {
                    ChangeKind::User => {
                        if let Ok(tenant) = TenantId::parse(&change.tenant) {
                            self.users.changed(&tenant, Name::user(&change.key), change.seq);
                        }
                    }
                    ChangeKind::Users => self.users_changed(&change),
                    ChangeKind::Resource => self.resource_changed(&change),
                    ChangeKind::Token => self.credentials.changed(),
                    ChangeKind::Documents if change.seq == self.own_documents.load(Ordering::Acquire) => {}
                    ChangeKind::Documents => self.documents.notify_one(),
                    // A kind of a later version may concern anything that is in memory.
                    ChangeKind::Other => {
                        self.users.clear(change.seq);
                        self.resources.clear(change.seq);
                        self.credentials.changed();
                    }
                }
                self.tenants.changed(&change.tenant, change.revision);
            }
            // Two may catch up at the same time.
            self.seen.fetch_max(last, Ordering::AcqRel);
        }
    }

    fn users_changed(&self, change: &Change) {
        let Ok(tenant) = TenantId::parse(&change.tenant) else { return };
        match serde_json::from_str::<Vec<Cow<'_, str>>>(&change.key) {
            Ok(ids) => ids.iter().for_each(|id| self.users.changed(&tenant, Name::user(id), change.seq)),
            // Nobody knows whom it concerned.
            Err(_) => self.users.clear(change.seq),
        }
    }

    fn resource_changed(&self, change: &Change) {
        let Ok(tenant) = TenantId::parse(&change.tenant) else { return };
        let Some((kind, id)) = ResourceId::split_key(&change.key) else { return };
        self.resources.changed(&tenant, Name::resource(kind, id), change.seq);
        self.stores_now(&tenant, kind);
    }
}
