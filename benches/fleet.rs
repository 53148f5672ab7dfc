//! Two sidecars over one PostgreSQL and one Redis: how soon the other decides by what was written at one, and what a decision
//! takes whose facts come from memory, from Redis and from the database.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a benchmark may panic

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports)] // it needs a part
mod harness;
mod support;

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::postgres::Postgres;
use harness::redis::Redis;
use harness::{Server, Setup, run};
use support::asking::Asking;
use support::median;

/// How often a write is followed.
const WRITES: usize = 500;

/// How often a user was found in Redis.
const HITS: &str = r#"sidegate_redis_lookups_total{outcome="hit"}"#;

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
    println!("decisions of a quiet tenant over HTTP, by what another tenant does meanwhile, in microseconds");
    neighbours(&with);
    println!("writes a second of 16 writers at one sidecar, by how many others hear of each");
    listeners();
}

fn two(redis: Option<&Redis>) -> [Server; 2] {
    let setup = || {
        let setup = Setup::new().policy("acme/pro.policy", POLICY).policy("noisy/pro.policy", POLICY);
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
    may_in("acme", asking, user)
}

fn may_in(tenant: &str, asking: &mut Asking, user: &str) -> (bool, Duration) {
    let body = format!(
        "{{\"subject\":{{\"type\":\"user\",\"id\":\"{user}\"}},\"action\":{{\"name\":\"use\"}},\
         \"resource\":{{\"type\":\"tool\",\"id\":\"7\"}}}}"
    );
    let (answer, took) = asking.ask("POST", &format!("/t/{tenant}/access/v1/evaluation"), &body);
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
    let before = servers[1].metric(HITS);
    tell("Redis", ask(1));
    assert!(servers[1].metric(HITS) - before > USERS as f64 * 0.95, "they were there");
    tell("memory", ask(1));
}

/// Decides about one user of a tenant while another tenant does nothing, asks about users in memory, or asks about users
/// whom nobody knows and writes as fast as it can. (All share two processors with those who ask.)
fn neighbours(servers: &[Server; 2]) {
    let (mut quiet, mut admin) = (connect(servers, 0), connect(servers, 0));
    admin.ask("PUT", PLAN, r#"{"value":"pro"}"#);
    type Noise = fn(&mut Asking, usize);
    let noises: [(&str, Noise); 3] = [
        ("nothing", |_, _| std::thread::sleep(Duration::from_millis(1))),
        ("decisions from memory", |noise, _| {
            may_in("noisy", noise, "nobody");
        }),
        ("cold decisions and writes", |noise, number| {
            may_in("noisy", noise, &format!("nobody-{number}"));
            let path = format!("/t/noisy/api/v1/abac/users/user-{}/attributes/n", number % 100);
            noise.ask("PUT", &path, &format!("{{\"value\":{number}}}"));
        }),
    ];
    for (what, noise) in noises {
        let over = AtomicBool::new(false);
        let micros = std::thread::scope(|scope| {
            for thread in 0..2 {
                let (over, mut asking) = (&over, connect(servers, 0));
                scope.spawn(move || {
                    for number in (thread..).step_by(2) {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        noise(&mut asking, number);
                    }
                });
            }
            let started = Instant::now();
            let mut micros = Vec::new();
            while started.elapsed() < Duration::from_secs(3) {
                let (allowed, took) = may(&mut quiet, "alice");
                assert!(allowed);
                micros.push(took.as_secs_f64() * 1e6);
                std::thread::sleep(Duration::from_micros(500));
            }
            over.store(true, Ordering::Relaxed);
            micros
        });
        tell(what, micros);
    }
}

fn listeners() {
    let first = Setup::new().policy("acme/pro.policy", POLICY).on(Postgres::shared().database()).start();
    let mut others = Vec::new();
    for (count, rounds) in [(0, 3), (4, 3)] {
        while others.len() < count {
            others.push(Setup::new().policy("acme/pro.policy", POLICY).beside(&first).start());
        }
        let token = std::fs::read_to_string(first.data().join("admin-token")).unwrap();
        let written = |_| {
            let (done, started) = (AtomicU64::new(0), Instant::now());
            std::thread::scope(|scope| {
                for writer in 0..16 {
                    let (done, mut asking) = (&done, Asking::new(first.address, token.trim()));
                    scope.spawn(move || {
                        let path = format!("/t/acme/api/v1/abac/users/writer-{writer}/attributes/n");
                        while started.elapsed() < Duration::from_secs(2) {
                            let value = done.fetch_add(1, Ordering::Relaxed);
                            let (answer, _) = asking.ask("PUT", &path, &format!("{{\"value\":{value}}}"));
                            assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
                        }
                    });
                }
            });
            done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
        };
        tell(&format!("{count} others"), (0..rounds).map(written).collect());
    }
}

fn tell(what: &str, mut values: Vec<f64>) {
    let middle = median(&mut values);
    let share = |percent: usize| values[(values.len() * percent / 100).min(values.len() - 1)];
    let (low, high) = (values[0], values[values.len() - 1]);
    println!("  {what:<28} p50 {middle:>7.2}  p90 {:>7.2}  p99 {:>7.2}  ({low:.2}-{high:.2})", share(90), share(99));
}
