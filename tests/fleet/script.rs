//! `deploy/fleet`: the whole topology on one machine, by one command.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Client, eventually, root, run};

/// Two ports in a row that nobody has.
fn ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

#[test]
fn one_command_runs_a_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let port = ports();
    let log = std::fs::File::create(folder.path().join("out")).unwrap();
    let mut fleet = Command::new("bash")
        .arg(root().join("deploy/fleet"))
        .arg("2")
        .arg(folder.path().join("fleet"))
        .env("PORT", port.to_string())
        .env("SIDEGATE", env!("CARGO_BIN_EXE_sidegate"))
        .stdout(log.try_clone().unwrap())
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap();
    let said = || std::fs::read_to_string(folder.path().join("out")).unwrap();
    let started = std::time::Instant::now();
    while !said().contains("Ctrl-C ends it") {
        assert!(fleet.try_wait().unwrap().is_none(), "{}", said());
        assert!(started.elapsed().as_secs() < 60, "{}", said());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let token = std::fs::read_to_string(folder.path().join("fleet/sidecar-0/admin-token")).unwrap();
    let [here, there] = [port, port + 1].map(|port| Client::new(([127, 0, 0, 1], port).into(), Some(token.trim())));
    here.set("alice", "plan", json!("enterprise"));
    here.set("alice", "email_opt_in", json!(true));
    eventually("the other decides by it", || there.may("alice", "export", "report"));
    let metrics = String::from_utf8(there.get("/metrics").body.to_vec()).unwrap();
    assert!(metrics.contains("sidegate_redis_circuit_open 0"), "{metrics}");
    let (output, _, err) = run(Command::new("kill").arg(fleet.id().to_string()));
    assert!(output.status.success(), "{err}");
    fleet.wait().unwrap();
    eventually("everything it started has ended", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
