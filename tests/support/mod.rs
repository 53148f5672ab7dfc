//! The real server as a child process, and a client for it.

pub mod bulk;
pub mod client;
#[cfg(test)]
pub mod contract;
pub mod database;
pub mod disk;
pub mod http2;
pub mod issuer;
pub mod postgres;
pub mod preload;
pub mod redis;
mod server;
pub mod service;
pub mod trail;

pub use client::{Answer, Client, question};
pub use database::Database;
pub use server::{Server, Setup, run, sidegate, with_input, write_file};

/// `short` in an ordinary run, `long` with `tests/run --long`.
pub fn count(short: usize, long: usize) -> usize {
    if std::env::var_os("SIDEGATE_TEST_LONG").is_some() { long } else { short }
}

/// Asks again and again until it holds; panics if it does not within ten seconds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "not within ten seconds: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Runs something asynchronous to its end.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Sends a signal. One that stops a process is taken by one of its threads, and only then do the others stop.
pub fn signal(pid: u32, signal: &str) {
    let (output, _, err) = run(std::process::Command::new("kill").args([signal, &pid.to_string()]));
    assert!(output.status.success(), "{err}");
    if signal == "-STOP" {
        let tasks = || std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let state = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        eventually("all threads have stopped", || tasks().map(state).all(|stat| stat.contains(") T ")));
    }
}

/// The root of the repository.
pub fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
