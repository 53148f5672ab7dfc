//! A decision asks for no memory: it borrows from the question, the facts and the program.

use std::sync::Arc;

use allocation_counter::measure;
use sidegate::engine::{Program, RawFile, compile, decide};
use sidegate::model::{Action, Entity, Facts, Object, Query, Stored, UserRecord};
use sidegate::service::Wish;

use crate::support::service::service;

const POLICIES: &str = r#"
let clinician = user.traits.role IN ["nurse", "physician"]
let limit = user.traits.limit ?? 100
let on_team = any(member IN resource.team: member.id == user.id AND member.since < 2026)

allow mission { action "a" resource "r" when user.traits.plan == "enterprise" AND user.traits.email_opt_in == true }
allow team { action "a" resource "r" when clinician AND on_team }
allow within { action "a" resource "r" when resource.amount + 1 <= limit * 2 }
allow texts { action "a" resource "r" when resource.name LIKE "a*b" OR resource.name STARTS WITH "x" }
allow regex { action "a" resource "r" when resource.name MATCHES "^[0-9]+$" }
allow lists { action "a" resource "r" when resource.tags CONTAINS "x" AND "y" IN resource.tags }
allow times { action "a" resource "r" when days_since(login.first_at) > 3 AND env.hour > 22 }
allow places { action "a" resource "r" when cidr(env.ip, "192.168.0.0/16") AND has(token.sub) }
deny lengths { action "a" resource "r" when len(resource.name) > 1000 OR missing(user.id) }
deny banned { action any resource any when user.traits.banned ?? false }
"#;

fn program() -> Arc<Program> {
    let teams: String = (0..100)
        .map(|n| format!("allow t{n} {{ action \"a\" resource \"r\" when user.traits.t == \"t{n}\" }}\n"))
        .collect();
    let file = RawFile { name: "a.policy".to_owned(), content: Ok((POLICIES.to_owned() + &teams).into_bytes()) };
    compile(vec![file], &Arc::default()).program.unwrap()
}

fn query() -> Query<'static> {
    let properties = r#"{"amount": 1000, "name": "report", "tags": ["a", "b"],
        "team": [{"id": "bob", "since": 2020}, {"id": "carol", "since": 2021}]}"#;
    let properties = Object::parse(properties).unwrap();
    Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action { name: "a".into(), ..Action::default() },
        resource: Entity { kind: "r".into(), id: "7".into(), properties },
        context: Object::parse(r#"{"ip": "10.1.2.3"}"#).unwrap(),
        now: jiff::Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn the_engine_decides_without_asking_for_memory() {
    let (program, mut query) = (program(), query());
    let traits = Object::parse(r#"{"plan": "free", "role": "nurse", "t": "none"}"#).unwrap();
    let user = UserRecord::new("alice", traits);
    let facts = Facts::of_user(&user);
    // The first regular expression of a thread makes its caches.
    assert!(!decide(&program, &query, &facts).is_allow());
    let mut allowed = true;
    let asked = measure(|| allowed = decide(&program, &query, &facts).is_allow());
    assert!(!allowed);
    assert_eq!(asked.count_total, 0, "{asked:?}");
    let outage = Facts { user: Stored::Unreachable, ..Facts::default() };
    assert_eq!(measure(|| allowed = decide(&program, &query, &outage).is_allow()).count_total, 0);
    query.action.name = "nobody speaks of this".into();
    assert_eq!(measure(|| allowed = decide(&program, &query, &facts).is_allow()).count_total, 0);
}

#[test]
fn a_decision_about_a_user_in_the_cache_asks_for_no_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    crate::support::write_file(&folder.path().join("policies/acme/a.policy"), POLICIES);
    let service = runtime.block_on(service(folder.path()));
    let (tenant, query) = (service.tenant("acme").unwrap(), query());
    let ask = || {
        let answer = runtime.block_on(service.decide(&tenant, &query, Wish::default()));
        assert!(answer.policy_revision.is_some(), "by the policies");
        answer.decision.is_allow()
    };
    // The store is asked, caches and metrics are made; the cache keeps a log of what was read, in parts.
    (0..100).for_each(|_| assert!(!ask()));
    let mut fewest = u64::MAX;
    for _ in 0..100 {
        fewest = fewest.min(measure(|| assert!(!ask())).count_total);
    }
    assert_eq!(fewest, 0, "allocations of a decision");
}
