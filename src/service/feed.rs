//! Following the change feed: what another process wrote is seen here within milliseconds where there is news of it, and
//! within a fraction of a second in any case.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::model::{ResourceId, TenantId};
use crate::store::{Change, ChangeKind, Name};

use super::tenants::Tenant;
use super::{Result, Service};

/// How often the feed is asked.
const EVERY: Duration = Duration::from_millis(200);

/// The least time between two readings.
const PAUSE: Duration = Duration::from_millis(2);

/// When to listen again after the connection was lost.
const RECONNECT: Duration = Duration::from_secs(1);

/// How long a decision waits for a revision that it must have seen.
const REVISION_PATIENCE: Duration = Duration::from_millis(200);

/// How often it looks: definitions and rules take a moment to be put in force after they were read.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How many changes are taken at once.
const BATCH: i64 = 1000;

impl Service {
    /// Follows the feed until it is dropped: at once when there is news of it, and in any case every [`EVERY`].
    pub async fn follow_feed(self: &Arc<Self>) {
        let beside = async { tokio::join!(self.remember(), self.warm_up(), self.meet_peers()) };
        tokio::join!(self.read_on(), self.listen(), self.listen_to_others(), beside);
    }

    async fn read_on(&self) {
        let mut failing = false;
        loop {
            // Whoever is told of every write in a busy fleet reads many of them at once.
            tokio::time::sleep(PAUSE).await;
            // No news within that time is as good as news.
            let _ = tokio::time::timeout(EVERY, self.news.notified()).await;
            let outcome = self.catch_up().await;
            if let (Err(error), false) = (&outcome, failing) {
                tracing::error!(%error, "the change feed cannot be read; what is in memory may be stale");
            }
            failing = outcome.is_err();
            self.caught_up.notify_waiters();
        }
    }

    /// Passes on what other sidecars tell over Redis.
    async fn listen_to_others(self: &Arc<Self>) {
        let Some(shared) = &self.shared else { return };
        let service = Arc::downgrade(self);
        let told = move || {
            if let Some(service) = service.upgrade() {
                service.news.notify_one();
            }
        };
        shared.listen(told).await;
    }

    /// Learns which facts have changed lately, from before the start: what others have put into Redis since then counts
    /// for this process, too.
    async fn remember(&self) {
        if self.shared.is_none() {
            return;
        }
        let mut before = self.seen().saturating_add(1);
        loop {
            let earlier = match self.store.changes_before(before, BATCH).await {
                Ok(earlier) => earlier,
                Err(_) => {
                    tokio::time::sleep(RECONNECT).await;
                    continue;
                }
            };
            let floor = earlier.last().map_or(0, |change| change.seq.saturating_sub(1));
            if self.remember_some(&earlier, floor) != Some(true) || earlier.is_empty() {
                return;
            }
            before = floor.saturating_add(1);
        }
    }

    /// Takes in some of them; `None` if nobody knows what one of them concerned. Whether there is room for more.
    fn remember_some(&self, earlier: &[Change], floor: i64) -> Option<bool> {
        let tenants: Vec<Option<TenantId>> =
            earlier.iter().map(|change| TenantId::parse(&change.tenant).ok()).collect();
        let (mut many, mut users, mut resources) = (Vec::new(), Vec::new(), Vec::new());
        for (change, tenant) in earlier.iter().zip(&tenants) {
            let Some(tenant) = tenant else { continue };
            match change.kind {
                ChangeKind::User => users.push((tenant, Name::user(&change.key), change.seq)),
                ChangeKind::Users => many.push((tenant, change.seq, ids(change)?)),
                ChangeKind::Resource => {
                    let (kind, id) = ResourceId::split_key(&change.key)?;
                    resources.push((tenant, Name::resource(kind, id), change.seq));
                }
                // What there was of one that is gone has gone from the feed, too.
                ChangeKind::TenantGone => return None,
                ChangeKind::Token | ChangeKind::Documents | ChangeKind::Tenant => {}
                ChangeKind::Other => return None,
            }
        }
        let many = many.iter().flat_map(|(tenant, seq, ids)| ids.iter().map(|id| (*tenant, Name::user(id), *seq)));
        users.extend(many);
        Some(self.users.remember(users, floor) & self.resources.remember(resources, floor))
    }

    /// Passes on the news that the database has.
    async fn listen(&self) {
        loop {
            match self.store.news().await {
                Ok(None) => return,
                Ok(Some(mut news)) => {
                    while news.next().await.is_ok() {
                        self.news.notify_one();
                    }
                }
                Err(error) => tracing::debug!(%error, "no news from the database"),
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    /// The tenant as of a revision of its data or later, for which one waits a little; `None` if it did not come.
    pub async fn as_of(&self, tenant: &Tenant, revision: i64) -> Option<Arc<Tenant>> {
        let reached = async {
            loop {
                let caught_up = self.caught_up.notified();
                if tenant.has_reached(revision) {
                    return self.tenant(tenant.id.as_str());
                }
                self.news.notify_one();
                let _ = tokio::time::timeout(LOOK_AGAIN, caught_up).await;
            }
        };
        tokio::time::timeout(REVISION_PATIENCE, reached).await.ok().flatten()
    }

    /// Waits until definitions, rules or settings have changed, here or elsewhere.
    pub async fn documents_have_changed(&self) {
        self.documents.notified().await;
    }

    /// The last change that this process has seen.
    pub(super) fn seen(&self) -> i64 {
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
                            self.forget_user(&tenant, &change.key, change.seq);
                        }
                    }
                    ChangeKind::Users => self.users_changed(&change),
                    ChangeKind::Resource => self.resource_changed(&change),
                    ChangeKind::Token => self.credentials.changed(),
                    ChangeKind::Documents if change.seq == self.own_documents.load(Ordering::Acquire) => {}
                    ChangeKind::Documents => {
                        self.tenants.changed(&change.tenant, 0);
                        if let Some(tenant) = self.tenant(&change.tenant) {
                            tenant.documents_changed(change.revision);
                        }
                        self.documents.notify_one();
                    }
                    ChangeKind::Tenant => {
                        self.suspension_changed(&change.tenant).await?;
                        self.documents.notify_one();
                    }
                    ChangeKind::TenantGone => {
                        // Whoever has read it before puts it in force before, and not afterwards.
                        let _alone = self.reloading.lock().await;
                        self.tenants.remove(&change.tenant);
                        self.forget_all(change.seq);
                        continue;
                    }
                    // A kind of a later version may concern anything that is in memory.
                    ChangeKind::Other => self.forget_all(change.seq),
                }
                self.tenants.changed(&change.tenant, change.revision);
            }
            // Two may catch up at the same time.
            self.seen.fetch_max(last, Ordering::AcqRel);
        }
    }

    /// Whether a tenant is suspended counts whatever becomes of its files.
    async fn suspension_changed(&self, tenant: &str) -> Result<()> {
        let Ok(id) = TenantId::parse(tenant) else { return Ok(()) };
        if let Some(row) = self.store.tenant(&id).await? {
            self.tenants.note_row(&row);
        }
        Ok(())
    }

    pub(super) fn forget_user(&self, tenant: &TenantId, id: &str, seq: i64) {
        self.users.changed(tenant, Name::user(id), seq);
        self.issuers.user_changed(tenant, id);
    }

    /// Anything may have changed, so that nothing that is in memory counts.
    pub(super) fn forget_all(&self, seq: i64) {
        self.users.clear(seq);
        self.resources.clear(seq);
        self.credentials.changed();
        self.issuers.users_changed();
    }

    fn users_changed(&self, change: &Change) {
        let Ok(tenant) = TenantId::parse(&change.tenant) else { return };
        match ids(change) {
            Some(ids) => ids.iter().for_each(|id| self.forget_user(&tenant, id, change.seq)),
            // Nobody knows whom it concerned.
            None => {
                self.users.clear(change.seq);
                self.issuers.users_changed();
            }
        }
    }

    fn resource_changed(&self, change: &Change) {
        let Ok(tenant) = TenantId::parse(&change.tenant) else { return };
        let Some((kind, id)) = ResourceId::split_key(&change.key) else { return };
        self.resources.changed(&tenant, Name::resource(kind, id), change.seq);
        self.stores_now(&tenant, kind);
    }
}

/// The users whom a change of several concerned.
fn ids(change: &Change) -> Option<Vec<Cow<'_, str>>> {
    serde_json::from_str(&change.key).ok()
}
