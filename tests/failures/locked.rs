//! Somebody else holds a lock for longer than anybody waits.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::support::database::{self, Held};
use crate::support::postgres::{self, Postgres};
use crate::support::{Server, Setup, eventually, wait_for};

use super::{LARGE, SMALL, Scene, unavailable};

const WHY: &str = "is locked by somebody else";

/// Locks what writes of acme take on PostgreSQL.
const TENANT: &str = "SELECT pg_advisory_lock(('x' || left(encode(sha256('acme'), 'hex'), 16))::bit(64)::bigint)";

#[test]
fn sqlite_locked_by_another_process_is_read_and_not_written() {
    let scene = Scene::start(Setup::new().on_sqlite());
    let held = Held::new(&scene.server.database(), "BEGIN EXCLUSIVE");
    let took = scene.refuses(&[LARGE, SMALL].concat(), WHY);
    assert!(took > Duration::from_secs(4), "a short lock is waited for: {took:?}");
    unavailable("a sign-in", &scene.sign_in(), WHY);
    assert!(scene.may("alice") && scene.may_cold() && !scene.may("nobody"));
    assert_eq!(scene.admin.get("/t/acme/api/v1/users/alice").status, 200);
    drop(held);
    scene.has_healed(&[], &[LARGE, SMALL].concat());
    assert_eq!(scene.sign_in().status, 303);
}

#[test]
fn postgres_with_locked_tables_decides_from_memory_and_waits_for_nothing_for_long() {
    let scene = Scene::start(Setup::new().on(Postgres::shared().database()));
    let held = Held::new(&scene.server.database(), "BEGIN; LOCK TABLE users, fields IN ACCESS EXCLUSIVE MODE");
    assert!(!scene.may_cold(), "what cannot be read is unknown");
    scene.refuses(&[&LARGE, &SMALL[1..]].concat(), WHY);
    assert!(scene.may("alice"), "what is in memory decides");
    let asked = Instant::now();
    unavailable("a reading", &scene.admin.get("/t/acme/api/v1/users/alice"), WHY);
    assert!(asked.elapsed() < super::BOUND, "{:?}", asked.elapsed());
    drop(held);
    scene.has_healed(&[], &[LARGE, SMALL].concat());
}

#[test]
fn a_tenant_that_is_locked_on_postgres_keeps_neither_decisions_nor_other_tenants_waiting() {
    let setup = Setup::new().on(Postgres::shared().database());
    let scene = Scene::start(setup.policy("other/a.policy", "allow a { action any resource any }"));
    let held = Held::new(&scene.server.database(), TENANT);
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| scene.refuses(&[LARGE, SMALL].concat(), WHY));
        while !waiting.is_finished() {
            assert!(scene.may("alice") && scene.may_cold() && !scene.may("nobody"));
            let asked = Instant::now();
            let path = "/t/other/api/v1/abac/users/olga/attributes/n";
            let answer = scene.server.admin().json(Method::PUT, path, &json!({ "value": 1 }));
            assert!(answer.status.is_success() && asked.elapsed() < Duration::from_secs(2), "{answer:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
        waiting.join().unwrap();
    });
    drop(held);
    scene.has_healed(&[], &[LARGE, SMALL].concat());
}

#[test]
fn an_import_that_a_lock_interrupts_says_what_is_written() {
    let server = Server::start();
    let admin = server.admin();
    let line = |number: usize| format!("{{\"userId\":\"user-{number:05}\",\"traits\":{{\"n\":{number}}}}}\n");
    let file: String = (0..20_000).map(line).collect();
    let import = || {
        let path = "/t/acme/api/v1/users:import?format=ndjson&onError=skip";
        server.admin().send(Method::POST, path, &[], file.clone())
    };
    let users = || wait_for(database::numbers(&server.database(), "SELECT COUNT(*) FROM users"))[0];
    std::thread::scope(|threads| {
        let importing = threads.spawn(import);
        eventually("the first users", || users() > 0);
        let held = Held::new(&server.database(), if postgres::wanted() { TENANT } else { "BEGIN EXCLUSIVE" });
        let answer = importing.join().unwrap();
        let said = format!("{WHY}; the users on {} lines before are written", users());
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2"), "{answer:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains(&said), "{said}: {answer:?}");
        drop(held);
    });
    assert_eq!(import().status, 200, "once more");
    assert_eq!(users(), 20_000);
    assert_eq!(admin.get("/t/acme/api/v1/audit/verify").json()["valid"], true);
}
