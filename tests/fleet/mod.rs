//! Many sidecars over one database, with a Redis between memory and that.

mod histories;
mod peers;
mod redis;
mod revisions;
mod script;
mod warm;

use std::time::Duration;

use crate::support::{Client, Server, Setup};

const POLICY: &str = r#"allow pro { action "use" resource "tool" when user.traits.plan == "pro" }"#;

/// How late a sidecar may be that does not say that it is stale, however slow the machine is.
const BOUND: Duration = Duration::from_secs(2);

/// Sidecars over one database, and over one Redis if there is one.
pub struct Fleet {
    pub servers: Vec<Server>,
    token: String,
    policy: &'static str,
}

impl Fleet {
    pub fn new(size: usize, redis: Option<&str>) -> Self {
        Self::of(size, POLICY, || setup(redis, POLICY))
    }

    /// The same, each set up like that.
    pub fn of(size: usize, policy: &'static str, setup: impl Fn() -> Setup) -> Self {
        let setup = || setup().policy("acme/fleet.policy", policy);
        let first = setup().start();
        let token = std::fs::read_to_string(first.data().join("admin-token")).unwrap().trim().to_owned();
        let mut fleet = Self { servers: vec![first], token, policy };
        while fleet.servers.len() < size {
            fleet.servers.push(setup().beside(&fleet.servers[0]).start());
        }
        fleet
    }

    /// One more.
    pub fn grow(&mut self, redis: Option<&str>) {
        self.servers.push(setup(redis, self.policy).beside(&self.servers[0]).start());
    }

    /// An admin's client of one of them.
    pub fn admin(&self, of: usize) -> Client {
        self.servers[of].client(Some(&self.token))
    }

    /// How often one of them found that in Redis.
    pub fn redis(&self, of: usize, outcome: &str) -> f64 {
        self.servers[of].metric(&format!("sidegate_redis_lookups_total{{outcome=\"{outcome}\"}}"))
    }
}

fn setup(redis: Option<&str>, policy: &str) -> Setup {
    let setup = Setup::new().policy("acme/fleet.policy", policy);
    match redis {
        // A patience that slow machines keep, too.
        Some(url) => setup.args(&["--redis", url, "--redis-timeout", "300"]),
        None => setup,
    }
}
