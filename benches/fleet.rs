//! Two sidecars over one PostgreSQL and one Redis: how soon the other decides by what was written at one, and what a decision
//! takes whose facts come from memory, from Redis and from the database.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a benchmark may panic

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports)] // it needs a part
mod harness;
mod support;

use std::fmt::Write;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::postgres::Postgres;
use harness::redis::Redis;
use harness::{Server, Setup, run};
use support::asking::Asking;
use support::median;

/// How often a write is followed.
const WRITES: usize = 500;

/// How many users are asked about.
const USERS: usize = 2000;

const POLICY: &str = r#"allow pro { action "use" resource "tool" when user.traits.plan == "pro" }"#;
const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";

fn main() {
    let redis = Redis::start();
    println!("from an acknowledged write to the other sidecar's decision, in milliseconds");
    let with = two(Some(&redis));
    propagation("PostgreSQL and Redis tell", &with);
    propagation("PostgreSQL tells", &two(None));
    bare_publish(&redis);
    println!("a decision over HTTP, by where the user is found, in microseconds");
    reads(&with);
}

fn two(redis: Option<&Redis>) -> [Server; 2] {
    let setup = || {
        let setup = Setup::new().policy("acme/pro.policy", POLICY);
        match redis {
            Some(redis) => setup.args(&["--redis", &redis.url(), "--redis-timeout", "100"]),
            None => setup,
        }
    };
    let first = setup().on(Postgres::shared().database()).start();
    let second = setup().beside(&first).start();
    [first, second]
}

fn connect(servers: &[Server; 2], of: usize) -> Asking {
    let token = std::fs::read_to_string(servers[0].data().join("admin-token")).unwrap();
    Asking::new(servers[of].address, token.trim())
}

fn may(asking: &mut Asking, user: &str) -> (bool, Duration) {
    let body = format!(
        "{{\"subject\":{{\"type\":\"user\",\"id\":\"{user}\"}},\"action\":{{\"name\":\"use\"}},\
         \"resource\":{{\"type\":\"tool\",\"id\":\"7\"}}}}"
    );
    let (answer, took) = asking.ask("POST", "/t/acme/access/v1/evaluation", &body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    (answer.contains("\"decision\":true"), took)
}

fn propagation(what: &str, servers: &[Server; 2]) {
    let (mut here, mut there) = (connect(servers, 0), connect(servers, 1));
    let mut millis = Vec::new();
    for round in 0..WRITES + 20 {
        let plan = if round % 2 == 0 { "pro" } else { "free" };
        let (answer, _) = here.ask("PUT", PLAN, &format!("{{\"value\":\"{plan}\"}}"));
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        let acknowledged = Instant::now();
        while may(&mut there, "alice").0 != (plan == "pro") {
            assert!(acknowledged.elapsed() < Duration::from_secs(5), "the other follows");
        }
        millis.push(acknowledged.elapsed().as_secs_f64() * 1e3);
        // So that each write finds both at rest, at another moment of their rounds.
        std::thread::sleep(Duration::from_millis(3 + round as u64 % 7));
    }
    tell(what, millis.split_off(20));
}

/// What Redis itself takes from a publish to its message.
fn bare_publish(redis: &Redis) {
    let client = ::redis::Client::open(redis.url()).unwrap();
    let (sender, received) = mpsc::channel();
    let mut subscribed = client.get_connection().unwrap();
    let (ready, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        let mut messages = subscribed.as_pubsub();
        messages.subscribe("bench").unwrap();
        ready.send(()).unwrap();
        while messages.get_message().is_ok() && sender.send(Instant::now()).is_ok() {}
    });
    is_ready.recv().unwrap();
    let mut publishing = client.get_connection().unwrap();
    let millis = (0..WRITES).map(|_| {
        let started = Instant::now();
        let heard: usize = ::redis::cmd("PUBLISH").arg("bench").arg("").query(&mut publishing).unwrap();
        assert_eq!(heard, 1);
        received.recv().unwrap().duration_since(started).as_secs_f64() * 1e3
    });
    tell("a bare publish of Redis", millis.collect());
}

/// Asks the first sidecar about users whom only the database knows, then the other, which finds them in Redis.
fn reads(servers: &[Server; 2]) {
    let file = servers[0].folder().join("users.ndjson");
    let mut lines = String::new();
    for number in 0..USERS {
        let traits = r#"{"plan":"pro","seats":7,"region":"eu-west","tier":"gold","beta":true,"score":12.5}"#;
        writeln!(lines, "{{\"userId\":\"user-{number}\",\"traits\":{traits}}}").unwrap();
    }
    std::fs::write(&file, lines).unwrap();
    let mut import = servers[0].command(&["import", "--tenant", "acme"]);
    let (output, _, err) = run(import.arg(&file).arg("--policies").arg(servers[0].policies()));
    assert!(output.status.success(), "{err}");
    std::thread::sleep(Duration::from_secs(1));
    let ask = |of: usize| -> Vec<f64> {
        let mut asking = connect(servers, of);
        let one = |number: usize| {
            let (allowed, took) = may(&mut asking, &format!("user-{number}"));
            assert!(allowed);
            took.as_secs_f64() * 1e6
        };
        (0..USERS).map(one).collect()
    };
    tell("PostgreSQL", ask(0));
    // What is put into Redis is put there behind the answer.
    std::thread::sleep(Duration::from_secs(1));
    let before = redis_hits(&servers[1]);
    tell("Redis", ask(1));
    assert!(redis_hits(&servers[1]) - before > USERS as f64 * 0.95, "they were there");
    tell("memory", ask(1));
}

fn redis_hits(server: &Server) -> f64 {
    let metrics = server.client(None).get("/metrics");
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("sidegate_redis_lookups_total{outcome=\"hit\"} "));
    line.expect("a counter").parse().unwrap()
}

fn tell(what: &str, mut values: Vec<f64>) {
    let middle = median(&mut values);
    let share = |percent: usize| values[(values.len() * percent / 100).min(values.len() - 1)];
    let (low, high) = (values[0], values[values.len() - 1]);
    println!("  {what:<28} p50 {middle:>7.2}  p90 {:>7.2}  p99 {:>7.2}  ({low:.2}-{high:.2})", share(90), share(99));
}
