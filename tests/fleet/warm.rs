//! `--warm-up`: a restart does not send everybody to the database.

use serde_json::json;

use super::POLICY;
use crate::support::{Setup, eventually};

#[test]
fn users_of_the_last_run_are_in_memory_again() {
    let mut server = Setup::new().policy("acme/fleet.policy", POLICY).args(&["--warm-up", "3"]).start();
    for user in ["alice", "a/b", "ä", "dora", "emil"] {
        server.admin().set(&user.replace('/', "%2F").replace('ä', "%C3%A4"), "plan", json!("pro"));
        assert!(server.admin().may(user, "use", "tool"));
    }
    server.signal("-TERM");
    server.wait();
    let kept = std::fs::read_to_string(server.data().join("warm-users")).unwrap();
    assert_eq!(kept.lines().count(), 3, "{kept}");
    server.restart();
    eventually("the log to say so", || server.log().contains("warmed up users=3"));
    let metric = |outcome| server.metric(&format!("sidegate_user_lookups_total{{outcome=\"{outcome}\"}}"));
    let before = metric("miss");
    for line in kept.lines() {
        let (tenant, user): (String, String) = serde_json::from_str(line).unwrap();
        assert_eq!(tenant, "acme");
        assert!(server.admin().may(&user, "use", "tool"));
    }
    assert_eq!((metric("miss") - before, metric("hit")), (0.0, 3.0), "found in memory");
}
