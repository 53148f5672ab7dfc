//! How far a long command has come, on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a terminal shows it, and how often a log has a line of it.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const IN_LOG: Duration = Duration::from_secs(5);

/// Runs something to its end, and says now and then how far it has come: `stage` gives the word for what is being done,
/// how many there are done, and how many there are in all, if that is known.
pub(super) async fn shown<T>(work: impl Future<Output = T>, stage: impl Fn() -> (&'static str, u64, Option<u64>)) -> T {
    let terminal = std::io::stderr().is_terminal();
    let started = Instant::now();
    let mut ticks = tokio::time::interval(if terminal { ON_TERMINAL } else { IN_LOG });
    ticks.tick().await;
    let mut work = std::pin::pin!(work);
    let mut shown = false;
    loop {
        tokio::select! {
            done = &mut work => {
                if shown && terminal {
                    eprint!("\r\x1b[K");
                }
                return done;
            }
            _ = ticks.tick() => {
                let (word, count, all) = stage();
                let of_all = all.map_or_else(String::new, |all| format!(" of {all}"));
                let line = format!("{word} {count}{of_all}, {:.0} a second", rate(count, started.elapsed()));
                let mut err = std::io::stderr();
                // Whoever does not look does not need it.
                let _ = if terminal { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
                let _ = err.flush();
                shown = true;
            }
        }
    }
}

/// How many a second.
pub(super) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(0.001)
}
