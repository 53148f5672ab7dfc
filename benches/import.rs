//! Users into SQLite and out of it, by the command line: time, rate, and the most memory that the command had.
//!
//! A million users with ten fields each, or as many as the first argument says.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

#[path = "../tests/support/bulk.rs"]
#[allow(dead_code)] // it needs a part
mod bulk;
mod support;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use bulk::watched;
use support::{Sidegate, serve, write_policies};

const USERS: usize = 1_000_000;

fn main() {
    // Cargo adds a flag of its own.
    let users = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(USERS);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_policies(&folder.join("policies/acme"), 1, "");
    drop(serve(folder));
    write_users(&folder.join("users.ndjson"), users);
    for (what, args) in [
        ("import of new users", ["import", "--tenant", "acme", "users.ndjson"].as_slice()),
        ("import of the same", &["import", "--tenant", "acme", "users.ndjson"]),
        ("export as lines", &["export", "--tenant", "acme", "--output", "out.ndjson"]),
        ("export as a table", &["export", "--tenant", "acme", "--output", "out.csv"]),
        ("import of the table", &["import", "--tenant", "acme", "out.csv"]),
        ("backup", &["backup", "all.ndjson"]),
        ("restore", &["restore", "--data", "restored", "all.ndjson"]),
    ] {
        measure(folder, what, args, users);
    }
    for name in ["users.ndjson", "out.ndjson", "out.csv", "all.ndjson", "data/sidegate.db"] {
        println!("{name:<24} {:>8.1} MiB", std::fs::metadata(folder.join(name)).unwrap().len() as f64 / 1_048_576.0);
    }
    waiting(users.min(100_000));
}

fn write_users(path: &Path, users: usize) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    for number in 0..users {
        writeln!(
            file,
            "{{\"userId\":\"user-{number:08}@example.com\",\"profile\":{{\"name\":\"User {number}\",\
             \"email\":\"user-{number:08}@example.com\",\"locale\":\"en-US\"}},\"traits\":{{\"plan\":\"enterprise\",\
             \"email_opt_in\":true,\"credits\":{number},\"score\":12.5,\"region\":\"eu-west\",\"seats\":7,\
             \"channel\":\"beta\"}}}}"
        )
        .unwrap();
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidegate"));
    command.args(args).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::inherit());
    command
}

fn measure(folder: &Path, what: &str, args: &[&str], users: usize) {
    let started = Instant::now();
    let most = watched(&mut command(folder, args));
    let seconds = started.elapsed().as_secs_f64();
    println!("{what:<24} {seconds:>8.1} s {:>10.0} users/s {most:>8.1} MiB", users as f64 / seconds);
}

/// How long one who writes to a server waits while another process imports into its database.
fn waiting(users: usize) {
    let sidegate = Sidegate::start(1);
    let file = sidegate.folder().join("users.ndjson");
    write_users(&file, users);
    let mut import = command(sidegate.folder(), &["import", "--tenant", "acme", "users.ndjson"]).spawn().unwrap();
    let mut millis = Vec::new();
    while import.try_wait().unwrap().is_none() {
        let started = Instant::now();
        sidegate.put("somebody", "n", &millis.len().to_string());
        millis.push(started.elapsed().as_secs_f64() * 1e3);
    }
    millis.sort_by(f64::total_cmp);
    let at = |part: f64| millis[((millis.len() - 1) as f64 * part) as usize];
    println!("writes meanwhile         p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms", at(0.5), at(0.99), at(1.0));
}
