//! What another process writes is seen within half a second.

use std::time::{Duration, Instant};

use serde_json::json;
use sidegate::model::{Author, Bag, FieldChange, Origin, Slug, Source, TenantId, UserId, Value};
use sidegate::store::{StoreError, StoredField};

use crate::support::{Server, database, wait_for};

#[test]
fn a_write_by_another_process_decides_within_half_a_second() {
    let server = Server::start();
    let (admin, app) = (server.admin(), &server.app("decide"));
    admin.set("alice", "plan", json!("free"));
    admin.set("alice", "email_opt_in", json!(true));
    assert!(!app.may("alice", "export", "report"));

    let write = |user: &str, slug: &str, value: Value<'static>| {
        wait_for(async {
            let store = database::open(&server.database()).await.unwrap();
            let (tenant, user) = (TenantId::parse("acme").unwrap(), UserId::parse(user).unwrap());
            let author = Author {
                source: Source::Admin,
                actor: "other".to_owned(),
                at: jiff::Timestamp::UNIX_EPOCH,
                origin: Origin::default(),
            };
            let change = FieldChange {
                bag: Bag::Traits,
                slug: Slug::parse(slug).unwrap(),
                value: Some(value),
                sensitive: false,
            };
            let edit = |_: &[StoredField]| Ok::<_, StoreError>(vec![change]);
            store.edit_fields(&tenant, &user, &author, edit).await.unwrap();
            store.close().await;
        });
    };
    within_half_a_second("a known user", |round| {
        let plan = if round % 2 == 0 { "enterprise" } else { "free" };
        write("alice", "plan", Value::Str(plan.into()));
        Box::new(move || app.may("alice", "export", "report") == (round % 2 == 0))
    });
    within_half_a_second("a user who was known to be absent", |round| {
        let user = format!("bob-{round}");
        assert!(!app.may(&user, "export", "report"));
        write(&user, "plan", Value::Str("enterprise".into()));
        write(&user, "email_opt_in", Value::Bool(true));
        Box::new(move || app.may(&user, "export", "report"))
    });
}

#[test]
fn a_token_that_is_revoked_stops_within_half_a_second() {
    let server = Server::start();
    let server = &server;
    within_half_a_second("revocation", |_| {
        let made = server.token(&["service-token", "--tenant", "acme", "--scope", "decide", "--json"]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let app = server.client(made["token"].as_str());
        assert_eq!(app.ask("alice", "export", "report").status, 200);
        server.token(&["service-token", "--revoke", made["id"].as_str().unwrap()]);
        Box::new(move || app.ask("alice", "export", "report").status == 401)
    });
}

/// Changes something, and asks until it is seen. A busy machine may be slow once, not five times in a row.
fn within_half_a_second<'t>(what: &str, mut change: impl FnMut(usize) -> Box<dyn FnMut() -> bool + 't>) {
    let mut took = Vec::new();
    for round in 0..5 {
        let mut seen = change(round);
        let start = Instant::now();
        crate::support::eventually(what, &mut seen);
        took.push(start.elapsed());
        if start.elapsed() < Duration::from_millis(500) {
            return;
        }
    }
    panic!("{what}: not seen within half a second in five tries: {took:?}");
}

#[test]
fn readers_and_writers_at_once_never_leave_a_stale_fact() {
    let server = Server::start();
    let admin = server.admin();
    admin.set("alice", "email_opt_in", json!(true));
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (server, token, stop) = (&server, &token, &stop);
            scope.spawn(move || {
                let app = server.client(Some(token));
                let mut number = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    number += 1;
                    app.may("alice", "export", "report");
                    app.may(&format!("stranger-{reader}-{number}"), "export", "report");
                }
            });
        }
        let app = server.client(Some(&token));
        for round in 0..crate::support::count(100, 1000) {
            let plan = if round % 2 == 0 { "enterprise" } else { "free" };
            admin.set("alice", "plan", json!(plan));
            assert_eq!(app.may("alice", "export", "report"), round % 2 == 0, "round {round}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
