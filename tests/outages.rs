//! The database away: what callers see in each phase, and that it heals by itself. On a PostgreSQL server of its own,
//! whatever database the other tests run on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::support::client::question;
use crate::support::postgres::Postgres;
use crate::support::{Client, Server, Setup, eventually};

const EVALUATION: &str = "/t/acme/access/v1/evaluation";

/// No request may take longer, whatever the database does.
const BOUND: Duration = Duration::from_secs(20);

fn start(postgres: &Postgres, grace: &str) -> Server {
    let both = "allow look { action \"look\" resource \"doc\" when user.traits.plan == \"enterprise\" OR resource.open == true }";
    let server =
        Setup::new().policy("acme/look.policy", both).on(postgres.database()).args(&["--stale-grace", grace]).start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("enterprise"));
    admin.set("alice", "email_opt_in", json!(true));
    server
}

/// The decision about alice, and whether it was stale.
fn ask(app: &Client) -> (bool, bool) {
    decided(app, &question("alice", "export", "report"))
}

/// The same about a resource with stored attributes.
fn look(app: &Client, id: &str) -> (bool, bool) {
    let mut question = question("alice", "look", "doc");
    question["resource"]["id"] = json!(id);
    decided(app, &question)
}

fn decided(app: &Client, question: &serde_json::Value) -> (bool, bool) {
    let answer = app.json(Method::POST, EVALUATION, question);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    (answer["decision"] == true, answer["context"]["stale"] == true)
}

/// Writes a trait of somebody else than alice: between a write and the reading of what it made, a user is in nobody's memory.
/// `None` for a 503, which says when to ask again.
fn write(admin: &Client, value: u64) -> Option<()> {
    let asked = Instant::now();
    let path = "/t/acme/api/v1/abac/users/counted/attributes/counter";
    let answer = admin.json(Method::PUT, path, &json!({ "value": value }));
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    match answer.status.as_u16() {
        200 | 201 => Some(()),
        503 => {
            assert_eq!(answer.header("retry-after"), "2");
            None
        }
        _ => panic!("{answer:?}"),
    }
}

#[test]
fn decisions_go_on_from_memory_for_the_grace_and_then_know_nothing() {
    let mut postgres = Postgres::start();
    let server = start(&postgres, "6");
    let (admin, app) = (server.admin(), server.app("decide"));
    assert_eq!(ask(&app), (true, false));
    let doc = "/t/acme/api/v1/abac/resources/doc/seen/attributes";
    assert_eq!(admin.json(Method::PUT, doc, &json!({ "open": false })).status, 201);
    assert_eq!(look(&app, "seen"), (true, false));
    postgres.stop();
    assert!(ask(&app).0, "what is in memory decides");
    assert_eq!(write(&admin, 1), None);
    eventually("the answer to say that it is stale", || ask(&app) == (true, true));
    let ready = || server.client(None).get("/readyz");
    let while_stale = ready();
    assert_eq!((while_stale.status.as_u16(), &while_stale.json()["status"]), (200, &json!("degraded")), "it decides");
    eventually("the end of the grace", || ask(&app) == (false, true));
    assert_eq!(ready().status, 503);
    // The user is in memory and the resource is not: the user counts no more for that.
    assert_eq!(look(&app, "unseen"), (false, true));
    let stranger = app.json(Method::POST, EVALUATION, &question("bob", "export", "report"));
    assert_eq!((stranger.status.as_u16(), &stranger.json()["decision"]), (200, &json!(false)));
    postgres.resume();
    eventually("decisions to be fresh again", || ask(&app) == (true, false));
    eventually("writes to go on", || write(&admin, 2).is_some());
    assert_eq!(server.client(None).get("/readyz").status, 200);
}

#[test]
fn tokens_count_for_twice_the_grace() {
    let mut postgres = Postgres::start();
    let server = start(&postgres, "2");
    let (admin, app) = (server.admin(), server.app("decide"));
    // The news of the token itself has every token looked up once more.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(ask(&app), (true, false));
    postgres.stop();
    let ask = || app.json(Method::POST, EVALUATION, &question("alice", "export", "report"));
    eventually("the end of the grace of facts", || ask().json()["decision"] == false);
    eventually("the end of that of tokens", || ask().status == 503);
    assert_eq!(
        admin.json(Method::POST, EVALUATION, &question("alice", "export", "report")).status,
        200,
        "not in the database"
    );
    postgres.resume();
    eventually("tokens to count again", || ask().status == 200 && ask().json()["decision"] == true);
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn under_load_no_write_that_was_acknowledged_is_lost_and_no_answer_is_wrong() {
    let mut postgres = Postgres::start();
    let server = start(&postgres, "300");
    let (done, acknowledged, refused, decided) =
        (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let admin = server.admin();
            for value in 1.. {
                if done.load(Ordering::Acquire) {
                    return;
                }
                match write(&admin, value) {
                    Some(()) => acknowledged.store(value, Ordering::Release),
                    None => {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        let apps = [server.app("decide"), server.app("decide")];
        // A new token has all of them looked up anew, once the feed tells of it.
        std::thread::sleep(Duration::from_secs(1));
        for app in apps {
            assert!(ask(&app).0, "a token is looked up once");
            let (done, decided) = (&done, &decided);
            threads.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    assert!(ask(&app).0, "alice is in memory all the time");
                    decided.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // The others end, however this ends.
        let _end = End(&done);
        let goes_on = |what: &str, counter: &AtomicU64| {
            let before = counter.load(Ordering::Acquire);
            eventually(what, || counter.load(Ordering::Acquire) > before + 1);
        };
        for _ in 0..2 {
            goes_on("writes", &acknowledged);
            postgres.stop();
            goes_on("refusals while it is away", &refused);
            goes_on("decisions while it is away", &decided);
            postgres.resume();
            goes_on("writes afterwards", &acknowledged);
        }
    });
    let last = acknowledged.load(Ordering::Acquire);
    let admin = server.admin();
    let stored = admin.get("/t/acme/api/v1/users/counted").json()["traits"]["counter"].as_u64();
    assert!(stored >= Some(last), "{stored:?} is stored, and {last} was acknowledged");
    assert_eq!(admin.get("/t/acme/api/v1/audit/verify").json()["valid"], true);
}

#[test]
fn a_database_that_says_nothing_keeps_nobody_waiting_for_long() {
    let postgres = Postgres::start();
    let server = start(&postgres, "300");
    let (admin, app) = (server.admin(), server.app("decide"));
    ask(&app);
    // What the making of the token told has come, and it is known once more.
    std::thread::sleep(Duration::from_millis(500));
    ask(&app);
    postgres.signal("STOP");
    let asked = Instant::now();
    assert_eq!(write(&admin, 1), None, "within {BOUND:?}");
    assert!(ask(&app).0);
    let unknown = app.json(Method::POST, EVALUATION, &question("nobody", "export", "report"));
    let unknown = unknown.json();
    assert_eq!((&unknown["decision"], &unknown["context"]["error"]), (&json!(false), &json!("facts_unavailable")));
    assert!(asked.elapsed() < 2 * BOUND, "{:?}", asked.elapsed());
    postgres.signal("CONT");
    eventually("writes to go on", || write(&admin, 2).is_some());
    eventually("decisions to be fresh again", || ask(&app) == (true, false));
}
