//! Sidecars whose files differ say so.

use serde_json::Value;

use super::{Fleet, POLICY};
use crate::support::{Setup, eventually, postgres::Postgres};

#[test]
fn sidecars_with_other_keys_are_named() {
    let url = Postgres::shared().database();
    let fleet = Fleet::of(2, POLICY, || Setup::new().on(url.clone()));
    let ready = |of: usize| fleet.admin(of).get("/readyz").json();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(ready(0)["status"], "ready");
    let _stranger = Setup::new().on(url.clone()).policy("acme/fleet.policy", POLICY).start();
    let says = || ready(0)["reasons"].to_string().contains("the keys here are not those of the sidecar at http://");
    eventually("the first to say so", says);
}

#[test]
fn sidecars_with_other_policies_are_named() {
    let url = Postgres::shared().database();
    let fleet = Fleet::of(2, POLICY, || Setup::new().on(url.clone()));
    let ready = |of: usize| -> Value { fleet.admin(of).get("/readyz").json() };
    let says = |of: usize, what: &str| ready(of)["reasons"].to_string().contains(what);
    assert_eq!(ready(0)["status"], "ready");
    fleet.servers[1].write_policy("acme/fleet.policy", &POLICY.replace("pro", "gold"));
    let there = format!("http://{}", fleet.servers[1].address);
    eventually("the first to say so", || says(0, &format!("are not those of the sidecar at {there}")));
    eventually("the second to say so", || says(1, "acme: the policies here ("));
    assert_eq!(ready(0)["status"], "degraded");
    // What does not compile leaves the last good ones in force, and is no other set.
    fleet.servers[1].write_policy("acme/fleet.policy", POLICY);
    eventually("both to agree", || ready(0)["status"] == "ready" && ready(1)["status"] == "ready");
    fleet.servers[1].write_policy("acme/fleet.policy", "allow {");
    eventually("the second to say that", || says(1, "the last good policies stay in force"));
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(ready(0)["status"], "ready");
}
