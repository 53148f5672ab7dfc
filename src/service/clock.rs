//! The time of day. Everything below takes "now" as an argument.

use jiff::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock(());

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(())
    }

    /// The time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(self) -> Timestamp {
        Timestamp::now()
    }
}
