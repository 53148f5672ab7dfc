//! `kill -9` while everything is written at once: what was acknowledged is there, nothing is there by half, and the
//! audit trail tells what is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::complete_profile::Page;
use crate::support::{Answer, Client, Server, count, database, trail, wait_for};

const API: &str = "/t/acme/api/v1";

/// Writes that go on step by step; after each, what is stored says which step it was.
struct Writer {
    what: &'static str,
    step: fn(&Server, &Client, u64) -> Answer,
    /// The last step that what is stored stands for.
    stored: fn(&Client) -> u64,
}

const WRITERS: [Writer; 4] = [
    Writer {
        what: "several traits at once",
        step: |_, admin, step| {
            let (odd, even) = if step % 2 == 1 { (json!(step), Value::Null) } else { (Value::Null, json!(step)) };
            let patch =
                json!({ "a": step, "b": { "of": step }, "company": step.to_string(), "odd": odd, "even": even });
            admin.json(Method::PATCH, &format!("{API}/abac/users/alice/attributes"), &patch)
        },
        stored: |admin| {
            let answer = admin.get(&format!("{API}/abac/users/alice/attributes"));
            if answer.status == 404 {
                return 0;
            }
            let stored = answer.json()["attributes"].clone();
            let step = stored["a"].as_u64().unwrap();
            let parity = if step % 2 == 1 { "odd" } else { "even" };
            let whole = json!({ "a": step, "b": { "of": step }, "company": step.to_string(), parity: step });
            assert_eq!(stored, whole, "all of a step or nothing");
            step
        },
    },
    Writer {
        what: "a resource",
        step: |_, admin, step| {
            let attributes = json!({ "x": step, "y": [step] });
            admin.json(Method::PUT, &format!("{API}/abac/resources/doc/7/attributes"), &attributes)
        },
        stored: |admin| {
            let answer = admin.get(&format!("{API}/abac/resources/doc/7/attributes"));
            if answer.status == 404 {
                return 0;
            }
            let stored = answer.json()["attributes"].clone();
            assert_eq!(stored["y"], json!([stored["x"]]));
            stored["x"].as_u64().unwrap()
        },
    },
    Writer {
        what: "a user made and erased",
        step: |_, admin, step| match step % 2 {
            1 => admin.json(
                Method::PATCH,
                &format!("{API}/abac/users/gone/attributes"),
                &json!({ "p": step, "q": step }),
            ),
            _ => admin.delete(&format!("{API}/users/gone")),
        },
        stored: |admin| {
            // What was erased says nothing any more; the trail counts.
            let entries = admin.get(&format!("{API}/audit?user=gone&action=user.erase&limit=500")).json();
            let erased = 2 * entries["entries"].as_array().unwrap().len() as u64;
            let answer = admin.get(&format!("{API}/abac/users/gone/attributes"));
            if answer.status == 404 {
                return erased;
            }
            let stored = answer.json()["attributes"].clone();
            assert_eq!(stored, json!({ "p": erased + 1, "q": erased + 1 }));
            erased + 1
        },
    },
    Writer {
        what: "answers to a profiling rule",
        step: |server, admin, step| {
            let login = json!({ "userId": "asked", "loginId": format!("l{step}") });
            let checked = admin.json(Method::POST, &format!("{API}/profiling/check"), &login);
            let checked = checked.json();
            let address = checked["redirectTo"].as_str().unwrap_or_else(|| panic!("{checked}"));
            let address = address.split_once("/t/acme/").map(|(_, rest)| format!("/t/acme/{rest}")).unwrap();
            let page = Page::open(server, &address);
            let company = format!("c{step}");
            page.post(&[("csrf", page.csrf()), ("f-company", &company), ("action", "save")], &[])
        },
        stored: |admin| {
            let answer = admin.get(&format!("{API}/abac/users/asked/attributes/company"));
            if answer.status == 404 {
                return 0;
            }
            answer.json()["value"].as_str().unwrap()[1..].parse().unwrap()
        },
    },
];

#[test]
fn kill_9_leaves_whole_writes_and_a_true_trail() {
    // A fresh start now and then: the trail is read whole after every crash.
    for _ in 0..count(1, 10) {
        let mut server = Server::start();
        let admin = server.admin();
        let (rules, settings) = (format!("{API}/profiling/rules"), format!("{API}/profiling/settings"));
        let rule = json!([{ "fields": ["company"], "condition": "missing", "confirm": true }]);
        assert_eq!(admin.json(Method::PUT, &rules, &rule).status, 200);
        assert_eq!(admin.json(Method::PUT, &settings, &json!({ "enabled": true })).status, 200);
        let mut steps = [0; WRITERS.len()];
        // More of them on a machine so busy that a writer had no turn.
        let (rounds, most) = (count(4, 10), 50);
        for round in 0..most {
            if round >= rounds && steps.iter().all(|step| *step > 2) {
                break;
            }
            crash(&mut server, &mut steps, round as u64);
        }
        assert!(steps.iter().all(|step| *step > 2), "all of them wrote: {steps:?}");
    }
}

/// Writes until the server is killed, starts it again, and looks at what is there.
fn crash(server: &mut Server, steps: &mut [u64; WRITERS.len()], round: u64) {
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let acknowledged: Vec<AtomicU64> = steps.iter().map(|step| AtomicU64::new(*step)).collect();
    let (dying, wrong) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for (writer, acknowledged) in WRITERS.iter().zip(&acknowledged) {
            let (server, token, dying, wrong) = (&*server, token.trim(), &dying, &wrong);
            scope.spawn(move || {
                let client = server.client(Some(token));
                loop {
                    let next = acknowledged.load(Ordering::SeqCst) + 1;
                    // A panic is how a client says that the server is gone.
                    match catch_unwind(AssertUnwindSafe(|| (writer.step)(server, &client, next))) {
                        Ok(answer) if answer.status.is_success() || answer.status == 303 => {
                            acknowledged.store(next, Ordering::SeqCst);
                        }
                        Ok(answer) => return wrong.lock().unwrap().push(format!("{}: {answer:?}", writer.what)),
                        Err(_) if dying.load(Ordering::SeqCst) => return,
                        Err(_) => return wrong.lock().unwrap().push(format!("{}: step {next} failed", writer.what)),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(100 + 61 * (round % 7)));
        dying.store(true, Ordering::SeqCst);
        server.signal("-KILL");
    });
    assert_eq!(wrong.into_inner().unwrap(), Vec::<String>::new());
    server.kill();
    server.restart();

    let admin = server.admin();
    for ((writer, acknowledged), before) in WRITERS.iter().zip(acknowledged).zip(steps.iter_mut()) {
        let (acknowledged, stored) = (acknowledged.into_inner(), (writer.stored)(&admin));
        // The one that was under way may have been committed and not acknowledged.
        let known = stored == acknowledged || stored == acknowledged + 1;
        assert!(known, "{}: {stored} is stored, and {acknowledged} was acknowledged", writer.what);
        *before = stored;
    }
    trail::agrees(&admin, "acme");
    // An answer, the end of its ticket, how its rule stands and what the trail says are one.
    let answers = format!("{API}/audit?user=asked&action=rule.answer&limit=500");
    assert_eq!(admin.get(&answers).json()["entries"].as_array().unwrap().len() as u64, steps[3]);
    let rows = |query: &str| wait_for(database::numbers(&server.database(), query));
    assert_eq!(rows("SELECT COUNT(*) FROM tickets WHERE used_at IS NOT NULL"), [steps[3] as i64]);
    let done = format!("SELECT COUNT(*) FROM prompts WHERE done_at_login = 'l{}'", steps[3]);
    assert_eq!(rows(&done), [i64::from(steps[3] > 0)]);
}
