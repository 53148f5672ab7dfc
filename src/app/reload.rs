//! When to read the policy files again: when they change on the disk, and on SIGHUP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::service::Service;

/// Editors and deployments write several files: a reload waits until they have been quiet for this long.
const QUIET: Duration = Duration::from_millis(150);

/// A folder that is being watched; it is, until this is dropped.
pub(super) struct Watched {
    changed: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Watched {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let changed = Arc::new(Notify::new());
        let notify = changed.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event, too; an error may hide a change.
            if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
                notify.notify_one();
            }
        })?;
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .with_context(|| format!("the folder of policies {} cannot be watched", folder.display()))?;
        Ok(Self { changed, _watcher: watcher })
    }

    /// Reloads for ever.
    pub(super) async fn reload(&self, service: &Arc<Service>) -> Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                () = self.changed.notified() => self.quiet().await,
                _ = hangup.recv() => tracing::info!("SIGHUP: reading the policies again"),
            }
            if let Err(error) = service.reload_policies().await {
                tracing::error!(%error, "a new tenant could not be noted");
            }
        }
    }

    async fn quiet(&self) {
        while tokio::time::timeout(QUIET, self.changed.notified()).await.is_ok() {}
    }
}
