//! When to read the policy files again: when the file system tells of a change, when a look at the files shows one,
//! and on SIGHUP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::service::Service;

/// Editors and deployments write several files: a reload waits until they have been quiet for this long.
const QUIET: Duration = Duration::from_millis(150);

/// And no longer than this, if they never are.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the files are looked at: news of the file system end when the folder itself is replaced, and do not come
/// from behind every link, nor from every network.
const LOOK: Duration = Duration::from_secs(2);

/// News of changes in a folder.
pub(super) struct Watched {
    changed: Arc<Notify>,
    hangup: Signal,
    /// News come until it is dropped; without it, looking must do.
    watcher: Option<RecommendedWatcher>,
}

impl Watched {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let changed = Arc::new(Notify::new());
        let watcher = watch(folder, &changed);
        Ok(Self { changed, hangup: signal(SignalKind::hangup())?, watcher })
    }

    /// Reloads for ever.
    pub(super) async fn reload(&mut self, service: &Arc<Service>) {
        let mut fingerprint = look(service).await;
        loop {
            tokio::select! {
                () = self.changed.notified() => self.quiet().await,
                () = service.documents_have_changed() => {}
                _ = self.hangup.recv() => tracing::info!("SIGHUP: reading the policies again"),
                () = tokio::time::sleep(LOOK) => {
                    let now = look(service).await;
                    if std::mem::replace(&mut fingerprint, now) == now {
                        continue;
                    }
                }
            }
            // Anew each time: the folder may be another one by now.
            self.watcher = watch(service.policies_folder(), &self.changed);
            fingerprint = look(service).await;
            while let Err(error) = service.reload(None).await {
                tracing::error!(%error, "definitions and rules could not be read; trying again");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn quiet(&self) {
        let latest = Instant::now() + PATIENCE;
        while timeout_at(latest.min(Instant::now() + QUIET), self.changed.notified()).await.is_ok() {}
    }
}

async fn look(service: &Arc<Service>) -> u64 {
    let service = service.clone();
    tokio::task::spawn_blocking(move || service.policies_fingerprint()).await.unwrap_or_default()
}

fn watch(folder: &Path, changed: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let notify = changed.clone();
    let on_event = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event, too; an error may hide a change.
        if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
            notify.notify_one();
        }
    };
    let watcher = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    watcher.inspect_err(|error| tracing::warn!(%error, "changes of policies are seen only every two seconds")).ok()
}
