//! A start where nothing can be written: it fails with what is wrong and what mends it, and the next one goes well.

use std::path::Path;
use std::process::Child;

use crate::support::{Server, eventually, run};

use super::on_a_disk;

/// Starts a server, which ends by itself; what it says.
fn fails_to_start(spawn: impl FnOnce() -> Child, folder: &Path) -> String {
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let before = log().len();
    let mut child = spawn();
    eventually("the end of a server that cannot start", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    log().split_off(before)
}

/// Writes and decides, and a command finds the same data.
fn works(server: &Server) {
    let admin = server.admin();
    admin.set("alice", "plan", "enterprise".into());
    admin.set("alice", "email_opt_in", true.into());
    assert!(server.app("decide").may("alice", "export", "report"));
}

#[test]
fn the_first_start_without_room_or_leave_makes_nothing() {
    let (setup, disk) = on_a_disk();
    disk.protect();
    let said = fails_to_start(|| setup.spawn(), setup.folder());
    assert!(said.contains("token.key: Read-only file system") && said.contains("help: it must be writable"), "{said}");
    disk.mend();
    disk.fill();
    let said = fails_to_start(|| setup.spawn(), setup.folder());
    assert!(said.contains("token.key: No space left") && said.contains("help: make room"), "{said}");
    let files: Vec<_> = std::fs::read_dir(setup.folder().join("data")).unwrap().collect();
    assert!(files.is_empty(), "no half of a file: {files:?}");
    disk.mend();
    works(&setup.start());
}

#[test]
fn a_start_with_room_for_the_keys_and_none_for_the_database() {
    let (setup, disk) = on_a_disk();
    let mut server = setup.start();
    server.kill();
    for name in ["sidegate.db", "sidegate.db-wal", "sidegate.db-shm", "database", "url"] {
        let _ = std::fs::remove_file(server.data().join(name));
    }
    disk.fill();
    let said = fails_to_start(|| server.spawn(), server.folder());
    assert!(said.contains("sidegate.db") && said.contains("full") && said.contains("help: "), "{said}");
    disk.protect();
    let said = fails_to_start(|| server.spawn(), server.folder());
    assert!(said.contains("sidegate.lock cannot be opened: Read-only") && said.contains("help: "), "{said}");
    disk.mend();
    server.restart();
    works(&server);
}

#[test]
fn a_later_start_without_room_leaves_everything_as_it_was() {
    let (setup, disk) = on_a_disk();
    let mut server = setup.start();
    works(&server);
    server.signal("-TERM");
    server.wait();
    disk.fill();
    let said = fails_to_start(|| server.spawn(), server.folder());
    assert!(said.contains("full") && said.contains("help: "), "{said}");
    // What every start writes says what it said.
    let (output, _, err) = run(&mut server.command(&["token", "--tenant", "acme", "--user", "alice"]));
    assert!(output.status.success(), "{err}");
    disk.mend();
    server.restart();
    assert!(server.app("decide").may("alice", "export", "report"));
    works(&server);
}
