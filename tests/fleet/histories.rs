//! What callers of two sidecars saw, held against what was promised, while everything around them breaks at random.
//!
//! Each user has a number that only rises. An answer is explained by a state no older than its promise: whatever was
//! acknowledged longer ago than the bound counts (unless the answer says that it is stale), what a caller asked for by its
//! revision counts, a sidecar never goes back behind what it has shown, and nobody sees what was not written yet.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http::Method;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{BOUND, Fleet, setup};
use crate::support::redis::Redis;
use crate::support::{Client, count, postgres, preload};

const USERS: usize = 4;
const POLICY: &str = r#"allow reached { action "reach" resource "number" when user.traits.n >= resource.n }"#;

/// What is known of a user's number.
#[derive(Default)]
struct Number {
    /// The greatest that somebody began to write.
    sent: AtomicU64,
    /// What was acknowledged, when, and at which revision.
    acknowledged: Mutex<Vec<(u64, Instant, String)>>,
}

impl Number {
    fn acknowledged(&self) -> MutexGuard<'_, Vec<(u64, Instant, String)>> {
        self.acknowledged.lock().unwrap()
    }

    /// The greatest that had been acknowledged at a moment.
    fn at(&self, moment: Instant) -> Option<u64> {
        self.acknowledged().iter().rev().find(|(_, at, _)| *at < moment).map(|(number, ..)| *number)
    }
}

struct History<'f> {
    fleet: &'f Fleet,
    numbers: [Number; USERS],
    over: AtomicBool,
    asked: AtomicU64,
}

impl History<'_> {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Raises a user's number, at one sidecar or the other.
    fn write(&self, user: usize, mut dice: impl Rng) {
        let admins = [self.fleet.admin(0), self.fleet.admin(1)];
        let number = &self.numbers[user];
        while self.goes_on() {
            let next = number.sent.fetch_add(1, Ordering::SeqCst) + 1;
            let path = format!("/t/acme/api/v1/abac/users/user-{user}/attributes/n");
            let answer = admins[dice.random_range(0..2)].json(Method::PUT, &path, &json!({ "value": next }));
            assert!(answer.status.is_success() || answer.status == 503, "{answer:?}");
            if answer.status.is_success() {
                let revision = answer.header("sidegate-revision").to_owned();
                number.acknowledged().push((next, Instant::now(), revision));
            }
            std::thread::sleep(Duration::from_millis(dice.random_range(0..60)));
        }
    }

    /// Asks a sidecar what it knows.
    fn read(&self, of: usize, mut dice: impl Rng) {
        let client = self.fleet.admin(of);
        let mut shown = [0; USERS];
        while self.goes_on() {
            let user = dice.random_range(0..USERS);
            let number = &self.numbers[user];
            let asked = Instant::now();
            match dice.random_range(0..4) {
                // What was acknowledged a while ago counts.
                0 => {
                    let Some(known) = asked.checked_sub(BOUND).and_then(|moment| number.at(moment)) else { continue };
                    let answer = reached(&client, user, known, None);
                    let stale = answer["context"]["stale"] == true || is_unknown(&answer);
                    assert!(answer["decision"] == true || stale, "user-{user} has {known} at {of}: {answer}");
                }
                // What somebody has just written counts for whoever asks for it.
                1 => {
                    let Some((last, _, revision)) = number.acknowledged().last().cloned() else { continue };
                    let answer = reached(&client, user, last, Some(&revision));
                    assert!(
                        answer["decision"] == true || is_unknown(&answer),
                        "user-{user} has {last} at {revision}: {answer}"
                    );
                }
                // What nobody has written does not.
                2 => {
                    let never = number.sent.load(Ordering::SeqCst) + 1_000_000;
                    let answer = reached(&client, user, never, None);
                    assert_eq!(answer["decision"], false, "{answer}");
                }
                // A sidecar does not go back.
                _ => {
                    let answer = reached(&client, user, shown[user], None);
                    let seen = shown[user] == 0 || answer["decision"] == true || is_unknown(&answer);
                    assert!(seen, "user-{user} had {} at {of}: {answer}", shown[user]);
                    let more = shown[user] + dice.random_range(1..4);
                    if reached(&client, user, more, None)["decision"] == true {
                        assert!(more <= number.sent.load(Ordering::SeqCst), "nobody has written {more}");
                        shown[user] = more;
                    }
                }
            }
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Breaks things, and mends them.
    fn disturb(&self, redis: &mut Redis, mut dice: impl Rng) {
        let mut kept: Option<String> = None;
        while self.goes_on() {
            std::thread::sleep(Duration::from_millis(dice.random_range(50..500)));
            let pause = Duration::from_millis(dice.random_range(50..1200));
            match dice.random_range(0..8) {
                0 => {
                    redis.stop();
                    std::thread::sleep(pause);
                    redis.resume();
                }
                1 => {
                    redis.signal("STOP");
                    std::thread::sleep(pause);
                    redis.signal("CONT");
                }
                2 => drop(redis.ask(&["FLUSHALL"])),
                3 => drop(redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"])),
                // A value of before comes back.
                4 => match kept.take() {
                    Some(key) => drop(redis.ask(&["COPY", "kept", &key, "REPLACE"])),
                    None => {
                        kept = redis.keys().into_iter().find(|key| key.contains("user-"));
                        kept.iter().for_each(|key| drop(redis.ask(&["COPY", key, "kept", "REPLACE"])));
                    }
                },
                5 if postgres::wanted() => self.fleet.servers[0].execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'",
                ),
                // One sleeps for longer than everybody has patience, sometimes.
                6 => {
                    let sleeper = &self.fleet.servers[dice.random_range(0..2)];
                    sleeper.signal("-STOP");
                    std::thread::sleep(if dice.random_ratio(1, 6) { pause * 6 } else { pause });
                    sleeper.signal("-CONT");
                }
                _ => {
                    redis.ask(&["CONFIG", "SET", "maxmemory", if dice.random() { "1" } else { "0" }]);
                }
            }
        }
    }
}

fn reached(client: &Client, user: usize, number: u64, revision: Option<&str>) -> Value {
    let mut question = json!({
        "subject": { "type": "user", "id": format!("user-{user}") },
        "action": { "name": "reach" },
        "resource": { "type": "number", "id": "1", "properties": { "n": number } },
    });
    if let Some(revision) = revision {
        question["options"] = json!({ "minRevision": revision });
    }
    let answer = client.json(Method::POST, "/t/acme/access/v1/evaluation", &question);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Whether the database did not answer in time, so that nothing was known of the user: that grants nothing.
fn is_unknown(answer: &Value) -> bool {
    answer["context"]["error"].is_string()
}

#[test]
fn every_answer_is_explained() {
    let mut redis = Redis::start();
    // Their clocks are an hour apart.
    let ahead = Cell::new(0);
    let fleet = Fleet::of(2, POLICY, || {
        let clock = preload::wrong_clock(ahead.replace(3600));
        clock.iter().fold(setup(Some(&redis.url()), POLICY), |setup, (name, value)| setup.env(name, value))
    });
    let noted_at = |of: usize| -> jiff::Timestamp {
        fleet.admin(of).set("watch", "n", json!(of));
        let newest = fleet.admin(0).get("/t/acme/api/v1/audit?limit=1").json();
        newest["entries"][0]["at"].as_str().unwrap().parse().unwrap()
    };
    let apart = noted_at(1).duration_since(noted_at(0)).as_secs();
    assert!((3500..3700).contains(&apart), "{apart}");
    let history =
        History { fleet: &fleet, numbers: Default::default(), over: AtomicBool::new(false), asked: AtomicU64::new(0) };
    let seed: u64 = std::env::var("SIDEGATE_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("SIDEGATE_TEST_SEED={seed}");
    let dice = |part: u64| StdRng::seed_from_u64(seed.wrapping_add(part));
    std::thread::scope(|scope| {
        let history = &history;
        // A thread that fails ends the others.
        let guarded = |work: &mut dyn FnMut()| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            history.over.store(true, Ordering::Relaxed);
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        };
        for user in 0..USERS {
            scope.spawn(move || guarded(&mut || history.write(user, dice(user as u64))));
        }
        for reader in 0..4 {
            scope.spawn(move || guarded(&mut || history.read(reader % 2, dice(100 + reader as u64))));
        }
        let redis = &mut redis;
        scope.spawn(move || guarded(&mut || history.disturb(redis, dice(200))));
        let end = Instant::now() + Duration::from_secs(count(10, 180) as u64);
        while Instant::now() < end && history.goes_on() {
            std::thread::sleep(Duration::from_millis(50));
        }
        history.over.store(true, Ordering::Relaxed);
    });
    let writes: usize = history.numbers.iter().map(|number| number.acknowledged().len()).sum();
    let asked = history.asked.load(Ordering::Relaxed);
    println!("{asked} questions, {writes} writes");
    assert!(asked > 200 && writes > 20, "{asked} questions, {writes} writes");
}
