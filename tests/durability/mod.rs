//! What was acknowledged is there after `kill -9`, and decisions follow it.

mod crashes;
mod imports;
mod upgrades;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::{Client, Server, count, eventually};

#[test]
fn acknowledged_writes_survive_kill_9() {
    let mut server = Server::start();
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let mut last_acknowledged = 0;
    for round in 0..count(3, 100) {
        let acknowledged = AtomicU64::new(last_acknowledged);
        let stop = AtomicBool::new(false);
        let address = server.address;
        std::thread::scope(|scope| {
            scope.spawn(|| write_until_refused(&Client::new(address, Some(token.trim())), &acknowledged, &stop));
            std::thread::sleep(Duration::from_millis(150 + 37 * (round as u64 % 7)));
            eventually("something is written", || acknowledged.load(Ordering::SeqCst) > last_acknowledged);
            server.kill();
            stop.store(true, Ordering::SeqCst);
        });
        let acknowledged = acknowledged.into_inner();
        assert!(acknowledged > last_acknowledged, "round {round}: nothing was written");
        server.restart();

        let admin = server.admin();
        let read = |slug: &str| admin.get(&format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}")).json();
        let counter = read("counter")["value"].as_u64().unwrap();
        // The one that was under way when the process died may have been committed and not acknowledged.
        assert!(counter == acknowledged || counter == acknowledged + 1, "{counter}, acknowledged {acknowledged}");
        admin.set("alice", "email_opt_in", json!(true));
        let plan = read("plan")["value"].clone();
        assert_eq!(server.app("decide").may("alice", "export", "report"), plan == "enterprise");
        last_acknowledged = counter;
    }
}

/// Writes a counter, and with it a plan that decides, one after the other.
fn write_until_refused(client: &Client, acknowledged: &AtomicU64, stop: &AtomicBool) {
    let put = |slug: &str, value: serde_json::Value| {
        let path = format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}");
        // A panic of the client is how it says that the server is gone.
        let send = std::panic::AssertUnwindSafe(|| client.json(Method::PUT, &path, &json!({ "value": value })).status);
        std::panic::catch_unwind(send).is_ok_and(|status| status.is_success())
    };
    while !stop.load(Ordering::SeqCst) {
        let next = acknowledged.load(Ordering::SeqCst) + 1;
        let plan = if next.is_multiple_of(2) { "enterprise" } else { "free" };
        if !put("plan", json!(plan)) || !put("counter", json!(next)) {
            return;
        }
        acknowledged.store(next, Ordering::SeqCst);
    }
}
