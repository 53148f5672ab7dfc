//! What belongs to one tenant, shown to another: names, tokens, cursors, tags, keys, tickets, sessions; and whether time tells.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::support::{Answer, Client, Server, Setup, count};

struct Scene {
    server: Server,
    /// Admins of acme and of the other tenant.
    acme: Client,
    other: Client,
}

impl Scene {
    fn start() -> Self {
        let server = Setup::new().policy("other/other.policy", "").args(&["--failures", "0"]).start();
        let admin =
            |tenant| server.client(Some(&server.token(&["service-token", "--tenant", tenant, "--scope", "admin"])));
        let (acme, other) = (admin("acme"), admin("other"));
        for user in ["alice", "bob", "carol"] {
            acme.set(user, "plan", json!("secret of acme"));
        }
        Self { server, acme, other }
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[test]
fn a_token_of_one_tenant_is_none_of_another_however_it_is_spelt() {
    let scene = Scene::start();
    let there = scene.other.get("/t/acme/api/v1/users/alice");
    let nowhere = scene.other.get("/t/nowhere/api/v1/users/alice");
    assert_eq!((there.status.as_u16(), nowhere.status.as_u16()), (404, 404));
    assert_eq!(text(&there).replace("acme", "nowhere"), text(&nowhere));
    for spelling in [
        "/t/ACME",
        "/t/Acme",
        "/t/acme%20",
        "/t/%61cme",
        "/t/acme.",
        "/t/acme/",
        "/t/./acme",
        "/t/other/../acme",
        "/t/other%2f..%2facme",
        "/t/acme%00",
        "/t/acme;other",
        "/t/other,acme",
        "//t/acme",
        "/t/%D0%B0cme",
    ] {
        let path = format!("{spelling}/api/v1/users/alice");
        let answer = scene.other.get(&path);
        assert!([400, 404].contains(&answer.status.as_u16()), "{path}: {answer:?}");
        assert!(!text(&answer).contains("secret of acme"), "{path}");
    }
    // The tenant stands in the path, and nowhere else.
    for header in
        ["x-tenant", "x-tenant-id", "x-auth-tenant", "x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded"]
    {
        let headers = [(header, "acme"), ("x-forwarded-prefix", "/t/acme")];
        let own = scene.other.send(Method::GET, "/t/other/api/v1/users?tenant=acme", &headers, "");
        assert!(!text(&own).contains("alice"), "{header}: {own:?}");
        let own = scene.other.send(Method::GET, "/t/other/api/v1/users", &headers, "");
        assert_eq!(own.json()["users"], json!([]), "{header}");
    }
}

#[test]
fn what_one_tenant_was_given_is_worth_nothing_to_another() {
    let scene = Scene::start();
    let Scene { server, acme, other } = &scene;
    // A cursor.
    let page = acme.get("/t/acme/api/v1/users?limit=1").json();
    let cursor = page["next"].as_str().unwrap();
    assert_eq!(acme.get(&format!("/t/acme/api/v1/users?limit=1&cursor={cursor}")).status, 200);
    assert_eq!(other.get(&format!("/t/other/api/v1/users?limit=1&cursor={cursor}")).status, 400);
    // An entity tag: the same number of another tenant stands for another thing.
    let attribute = "api/v1/abac/users/alice/attributes/plan";
    let tag = acme.get(&format!("/t/acme/{attribute}")).header("etag").to_owned();
    let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
    let put = |client: &Client, tenant: &str, headers: &[(&str, &str)], value: &str| {
        client.send(Method::PUT, &format!("/t/{tenant}/{attribute}"), headers, json!({ "value": value }).to_string())
    };
    assert_eq!(put(other, "other", &headers, "x").status, 412);
    // A key of idempotency: each tenant has its own.
    let keyed = [("content-type", "application/json"), ("idempotency-key", "7")];
    assert_eq!(put(acme, "acme", &keyed, "first of acme").status, 200);
    let theirs = put(other, "other", &keyed, "first of the other");
    assert_eq!((theirs.status.as_u16(), theirs.header("idempotency-replayed")), (201, ""));
    // A token, by its id.
    let made = acme.json(Method::POST, "/t/acme/api/v1/tokens", &json!({ "scopes": ["decide"] })).json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(other.delete(&format!("/t/other/api/v1/tokens/{id}")).status, 404);
    assert_eq!(server.client(made["token"].as_str()).ask("alice", "read", "report").status, 200);
    // A session, and the link to one.
    let link = server.token(&["portal-link", "--tenant", "acme"]);
    let link = link.rsplit_once("?link=").unwrap().1.to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let open = |tenant: &str| {
        server.client(None).send(Method::POST, &format!("/t/{tenant}/portal/sign-in"), &form, format!("link={link}"))
    };
    assert_ne!(open("other").status, 303, "a link of acme's");
    let signed_in = open("acme");
    assert_eq!(signed_in.status, 303, "it was not used up there");
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let renamed = cookie.replace("acme", "other");
    for cookie in [&cookie, &renamed] {
        let page = server.client(None).send(Method::GET, "/t/other/portal/users", &[("cookie", cookie)], "");
        assert_eq!(page.status, 401, "{cookie}");
    }
    assert_eq!(server.client(None).send(Method::GET, "/t/acme/portal/users", &[("cookie", &cookie)], "").status, 200);
}

/// The share of samples of `a` that took longer than one of `b` beside it.
fn slower(a: &[Duration], b: &[Duration]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a > b).count() as f64 / a.len() as f64
}

#[test]
fn time_does_not_tell_a_tenant_of_others_from_none() {
    let scene = Scene::start();
    let mut times = [Vec::new(), Vec::new()];
    let ask = |tenant: &str| {
        let started = Instant::now();
        assert_eq!(scene.other.get(&format!("/t/{tenant}/api/v1/users/alice")).status, 404);
        started.elapsed()
    };
    for _ in 0..100 {
        ask("acme");
        ask("nope");
    }
    // One after the other, in turn, so that whatever else goes on here falls to both.
    for round in 0..count(3000, 10_000) {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            times[which].push(ask(["acme", "nope"][which]));
        }
    }
    let share = slower(&times[0], &times[1]);
    assert!((0.4..0.6).contains(&share), "one is slower in {share} of all pairs");
}
