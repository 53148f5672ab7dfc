//! A connection that takes too long to get as far as a request is closed: one that sends nothing, sends a head byte by
//! byte, or stays open with nothing to ask.
//!
//! hyper would make, set and drop a timer for each request; here is one for each connection, which looks at the
//! time only when it runs out. (That was 5 % of what a decision took.)

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Version;
use tokio::time::Instant;

pub(super) struct Watchdog {
    start: Instant,
    /// Requests that are being answered.
    under_way: AtomicUsize,
    /// Milliseconds from the start until the last answer.
    answered: AtomicU64,
}

/// A request that is being answered.
pub(super) struct UnderWay(Arc<Watchdog>);

impl Watchdog {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), under_way: AtomicUsize::new(0), answered: AtomicU64::new(0) }
    }

    /// A request has come.
    pub(super) fn request(self: Arc<Self>, version: Version) -> UnderWay {
        // HTTP/2 looks after its connections by pings: from its first request on, this one is never idle.
        let requests = if version == Version::HTTP_2 { 2 } else { 1 };
        self.under_way.fetch_add(requests, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Returns when nothing was asked, or not to its end, for so long.
    pub(super) async fn barks(&self, patience: Duration) {
        let mut deadline = self.start + patience;
        loop {
            tokio::time::sleep_until(deadline).await;
            let idle_since = match self.under_way.load(Ordering::Relaxed) {
                0 => self.start + Duration::from_millis(self.answered.load(Ordering::Relaxed)),
                _ => Instant::now(),
            };
            deadline = idle_since + patience;
            if deadline <= Instant::now() {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Watchdog { start, under_way, answered } = &*self.0;
        answered.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
        under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
