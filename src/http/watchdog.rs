//! A connection that never gets as far as a request is closed.
//!
//! hyper bounds the time for reading a request's head, but only once it knows which version of HTTP is spoken:
//! whoever sends nothing at all, or half of HTTP/2's preface, would stay for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Watchdog(AtomicBool);

impl Watchdog {
    /// A request has come.
    pub(super) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns only if no request came in time.
    pub(super) async fn barks(&self, patience: Duration) {
        tokio::time::sleep(patience).await;
        if self.0.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}
