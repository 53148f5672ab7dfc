//! Many users, and what commands take that work on them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Lines of users with three traits each.
pub fn write_users(path: &Path, users: usize) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for number in 0..users {
        let name = format!("\"profile\":{{\"name\":\"User {number}\",\"email\":\"u{number}@example.com\"}}");
        let traits = format!("{{\"plan\":\"pro\",\"seats\":{number},\"opt_in\":true}}");
        writeln!(file, "{{\"userId\":\"user-{number:08}\",{name},\"traits\":{traits}}}").unwrap();
    }
}

/// Runs a command, and tells the most memory that it had for itself while it ran, in MiB.
pub fn watched(command: &mut Command) -> f64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
        most = most.max(line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0);
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
    most
}
