//! What it takes to know who asks, as ratios to a decision: the caller whom a connection had last, one who is known, and
//! one who is new, by the kind of what they show.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a benchmark may panic

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports)] // it needs a part
mod harness;
mod support;

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use sidegate::model::{
    Action, Author, Caller, Entity, Identity, Object, Origin, Query, Scopes, Slug, Source, TenantScope, UserId, Value,
};
use sidegate::service::{LastCaller, Login, NewToken, Of, Secret, Service, Tenant, Wish};

use harness::issuer::{Issuer, Key, trusting};
use support::summary;

/// Rounds that alternate, and how often something is done in each.
const ROUNDS: usize = 9;
const TIMES: usize = 2000;

/// So few at a time that are new: each must be made before.
const NEW: usize = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let issuers = [Issuer::with(Key::ec()), Issuer::with(Key::rsa()), Issuer::with(Key::ed())];
    let settings: Vec<_> = issuers.iter().map(|issuer| issuer.settings(json!({ "primary": false }))).collect();
    let (service, tenant) = start(folder.path(), &trusting(&settings)).await;
    let author =
        Author { source: Source::Admin, actor: "bench".to_owned(), at: service.now(), origin: Origin::default() };
    let new = NewToken {
        tenant: TenantScope::One(tenant.id.clone()),
        scopes: Scopes::parse("decide").unwrap(),
        name: String::new(),
        expires_at: None,
        certificate: None,
    };
    let token = service.create_token(new, &author).await.unwrap().token.unwrap();
    link(&service, &tenant, &issuers, &author).await;
    let [ec, rsa, ed] = &issuers;
    let query = question();
    let decide = async || assert!(service.decide(&tenant, &query, Wish::default()).await.decision.is_allow());
    let last = LastCaller::default();
    let known = async |last: &LastCaller| {
        let of = Of::Named("acme");
        let (caller, _) = service.authenticate(Secret::Bearer(&token), of, last, None).await.unwrap();
        assert!(matches!(*caller, Caller::Service(_)));
    };
    known(&last).await;

    let mut took: [Vec<f64>; 6] = Default::default();
    for round in 0..ROUNDS {
        took[0].push(nanos(TIMES, async |_| decide().await).await);
        took[1].push(nanos(TIMES, async |_| known(&last).await).await);
        took[2].push(nanos(TIMES, async |_| known(&LastCaller::default()).await).await);
        for (which, issuer) in [ec, rsa, ed].into_iter().enumerate() {
            // One subject each, who is somebody by a link; each token is another.
            let tokens: Vec<String> =
                (0..NEW).map(|n| issuer.token_with("7", json!({ "jti": format!("{round} {n}") }))).collect();
            let show = async |n: usize| {
                let shown = Secret::Bearer(&tokens[n]);
                let (caller, _) =
                    service.authenticate(shown, Of::Named("acme"), &LastCaller::default(), None).await.unwrap();
                assert!(matches!(&*caller, Caller::User { id, .. } if id.as_str() == "alice"));
            };
            took[3 + which].push(nanos(NEW, show).await);
        }
    }
    let ratios =
        |which: usize| -> Vec<f64> { took[which].iter().zip(&took[0]).map(|(one, decision)| one / decision).collect() };
    println!("nanoseconds, and how many decisions that is; medians of {ROUNDS} rounds (least-greatest)");
    for (which, what) in [
        "a decision without asking who asks",
        "the caller whom the connection had last",
        "a caller who is known",
        "a new token, ES256, by a link",
        "a new token, RS256, by a link",
        "a new token, EdDSA, by a link",
    ]
    .into_iter()
    .enumerate()
    {
        println!("  {what:<42} {:<28} {}", summary(&mut took[which].clone()), summary(&mut ratios(which)));
    }
}

async fn nanos(times: usize, act: impl AsyncFn(usize)) -> f64 {
    let started = Instant::now();
    for time in 0..times {
        act(time).await;
    }
    started.elapsed().as_nanos() as f64 / times as f64
}

fn question() -> Query<'static> {
    let entity =
        |kind: &'static str, id: &'static str| Entity { kind: kind.into(), id: id.into(), ..Entity::default() };
    Query {
        subject: entity("user", "alice"),
        action: Action { name: "export".into(), properties: Object::new() },
        resource: entity("report", "7"),
        context: Object::new(),
        now: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
    }
}

/// The subject 7 of each issuer is alice.
async fn link(service: &Service, tenant: &Tenant, issuers: &[Issuer], author: &Author) {
    let identity = |issuer: &Issuer| Identity {
        kind: "enterprise".to_owned(),
        provider: issuer.url(),
        subject: "7".to_owned(),
        linked_at: None,
    };
    let login = Login {
        user: UserId::parse("alice").unwrap(),
        login_id: "1",
        return_to: "".into(),
        interactive: false,
        client: None,
        profile: Object::new(),
        identities: issuers.iter().map(identity).collect(),
        consents: Vec::new(),
    };
    service.check_login(tenant, login, author).await.unwrap();
}

async fn start(folder: &std::path::Path, settings: &str) -> (Arc<Service>, Arc<Tenant>) {
    let policies = folder.join("policies");
    support::write_policies(&policies.join("acme"), 1, "");
    std::fs::write(policies.join("acme/tenant.json"), settings).unwrap();
    let service = harness::service::service(folder).await;
    let tenant = service.tenant("acme").unwrap();
    let admin =
        Author { source: Source::Admin, actor: "bench".to_owned(), at: service.now(), origin: Origin::default() };
    let alice = UserId::parse("alice").unwrap();
    for (slug, value) in [("plan", Value::Str("enterprise".into())), ("email_opt_in", Value::Bool(true))] {
        let slug = Slug::parse(slug).unwrap();
        service.put_trait(&tenant, &alice, &slug, value, &admin, &Default::default()).await.unwrap();
    }
    (service, tenant)
}
