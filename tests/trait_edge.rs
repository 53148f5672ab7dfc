//! The edge of the trait store: what comes close to a limit, and what no database can keep. The answers are the same on
//! both databases, and a refusal changes nothing.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup};

const API: &str = "/t/acme/api/v1";
const ALICE: &str = "/t/acme/api/v1/abac/users/alice/attributes";

/// Everything that a tenant says of itself, to be the same after a refusal.
fn everything(admin: &Client) -> String {
    let paths = ["/users", "/audit?limit=500", "/profiling/rules", "/abac/attributes"];
    let mut all: Vec<Value> = paths.iter().map(|path| admin.get(&format!("{API}{path}")).json()).collect();
    for path in [format!("{API}/abac/resources/doc/7/attributes"), ALICE.to_owned()] {
        all.push(admin.get(&path).json());
    }
    json!(all).to_string()
}

/// What a body is sent as.
enum Body {
    Text(String),
    Value(Value),
}

fn send(admin: &Client, method: &Method, path: &str, body: &Body) -> Answer {
    let text = match body {
        Body::Text(text) => text.clone(),
        Body::Value(value) => value.to_string(),
    };
    admin.send(method.clone(), path, &[("content-type", "application/json")], text)
}

fn prepared() -> (Server, Client) {
    let server = Setup::new().policy("other/a.policy", "allow a { action any resource any }").start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("before"));
    let doc = format!("{API}/abac/resources/doc/7/attributes");
    assert_eq!(admin.json(Method::PUT, &doc, &json!({ "owner": "alice" })).status, 201);
    (server, admin)
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let (_server, admin) = prepared();
    let value = |value: Value| Body::Value(json!({ "value": value }));
    let deep = |levels: usize| format!("{{\"value\": {}{}}}", "[".repeat(levels), "]".repeat(levels));
    let nul = "a\0b";
    let login = |changes: &[(&str, Value)]| {
        let mut body = json!({
            "userId": "alice", "loginId": "l1", "client": "web",
            "identities": [{ "provider": "github", "subject": "7" }],
            "consents": [{ "purpose": "news", "version": "1" }],
        });
        for (pointer, value) in changes {
            match body.pointer_mut(pointer) {
                Some(place) => *place = value.clone(),
                None => body[pointer.trim_start_matches('/')] = value.clone(),
            }
        }
        Body::Value(body)
    };
    let rule = |member: &str, text: &str| {
        Body::Value(json!([{ "fields": ["company"], "condition": "missing", member: text }]))
    };
    let (put, patch, post) = (Method::PUT, Method::PATCH, Method::POST);
    let plan = format!("{ALICE}/plan");
    let doc = format!("{API}/abac/resources/doc/7/attributes");
    let (check, rules) = (format!("{API}/profiling/check"), format!("{API}/profiling/rules"));
    let long = "x".repeat(256);
    let many: serde_json::Map<String, Value> = (0..1000).map(|number| (format!("t{number}"), json!(1))).collect();
    let cases: Vec<(&Method, String, Body, u16, &str)> = vec![
        (&put, plan.clone(), value(json!("x".repeat(65_535))), 422, "65536 is the most"),
        (&put, plan.clone(), value(json!({ "a": "x".repeat(65_530) })), 422, "65536 is the most"),
        (&put, plan.clone(), value(json!("\u{1}".repeat(10_923))), 422, "65536 is the most"),
        (&put, plan.clone(), Body::Text(deep(127)), 400, "recursion limit"),
        (&put, plan.clone(), Body::Text("{\"value\": {\"a\": 1, \"\\u0061\": 2}}".into()), 400, "given twice"),
        (&put, plan.clone(), Body::Text("{\"value\": \"\\udc00\\ud800\"}".into()), 400, "line 1 column"),
        (&put, plan.clone(), Body::Text("{\"value\": {\"\\ud800\": 1}}".into()), 400, "line 1 column"),
        (&put, plan.clone(), Body::Text("{\"value\": 1e309}".into()), 400, "out of range"),
        (&put, plan.clone(), Body::Text("{\"value\": -9223372036854775809}".into()), 422, "integers go up to"),
        (&put, plan.clone(), Body::Text("{\"value\": 01}".into()), 400, "line 1 column"),
        (&put, plan.clone(), Body::Text("{\"value\": NaN}".into()), 400, "line 1 column"),
        (&put, format!("{ALICE}/name"), value(json!(nul)), 422, "control characters"),
        (&put, format!("{ALICE}/email"), value(json!("a\0@example.com")), 422, "/value"),
        (&put, format!("{ALICE}/plan%00"), value(json!(1)), 400, "a slug is"),
        (&put, format!("{ALICE}/pl%C3%A4n"), value(json!(1)), 400, "a slug is"),
        (&put, format!("{ALICE}/p%D0%B0an"), value(json!(1)), 400, "a slug is"),
        (&put, format!("{API}/abac/users/{long}/attributes/plan"), value(json!(1)), 400, "a user id is"),
        (&put, format!("{API}/abac/users/a%00b/attributes/plan"), value(json!(1)), 400, "a user id is"),
        (&put, format!("{API}/abac/users/a%0Ab/attributes/plan"), value(json!(1)), 400, "a user id is"),
        (&put, format!("{API}/abac/users/a%C2%85b/attributes/plan"), value(json!(1)), 400, "a user id is"),
        (&put, format!("{API}/abac/users//attributes/plan"), value(json!(1)), 404, ""),
        (&patch, ALICE.to_owned(), Body::Value(json!(many)), 422, "at most 1000"),
        (&patch, ALICE.to_owned(), Body::Value(json!({ "ok": 1, "a\0b": 1 })), 422, "a slug is"),
        (&patch, ALICE.to_owned(), Body::Value(json!({ "ok": 1, "plan": "x".repeat(65_535) })), 422, "65536"),
        (&put, doc.clone(), Body::Value(json!({ "owner": "x".repeat(65_525) })), 422, "65536 is the most"),
        (&put, doc.replace("/7/", "/a%00b/"), Body::Value(json!({})), 400, "a resource id is"),
        (&put, doc.replace("doc", "d%0Dc"), Body::Value(json!({})), 400, "a resource type is"),
        (&put, doc.replace("/7/", &format!("/{long}/")), Body::Value(json!({})), 400, "a resource id is"),
        (&post, check.clone(), login(&[("/loginId", json!(nul))]), 422, "/loginId"),
        (&post, check.clone(), login(&[("/loginId", json!(""))]), 422, "/loginId"),
        (&post, check.clone(), login(&[("/loginId", json!(long))]), 422, "/loginId"),
        (&post, check.clone(), login(&[("/client", json!(nul))]), 422, "/client"),
        (&post, check.clone(), login(&[("/returnTo", json!(nul))]), 422, "/returnTo"),
        (&post, check.clone(), login(&[("/userId", json!(nul))]), 422, "/userId"),
        (&post, check.clone(), login(&[("/identities/0/provider", json!(nul))]), 422, "/identities/0/provider"),
        (&post, check.clone(), login(&[("/identities/0/subject", json!(nul))]), 422, "/identities/0/subject"),
        (&post, check.clone(), login(&[("/identities/0/subject", json!(noise(9000)))]), 422, "/identities/0/subject"),
        (&post, check.clone(), login(&[("/consents/0/purpose", json!(nul))]), 422, "/consents/0/purpose"),
        (&post, check.clone(), login(&[("/consents/0/purpose", json!(noise(9000)))]), 422, "/consents/0/purpose"),
        (&post, check.clone(), login(&[("/consents/0/version", json!(nul))]), 422, "/consents/0/version"),
        (&put, rules.clone(), rule("id", nul), 422, "/0/id"),
        (&put, rules.clone(), rule("id", &noise(9000)), 422, "/0/id"),
        (&put, rules.clone(), rule("client", nul), 422, "/0/client"),
    ];
    let before = everything(&admin);
    for (method, path, body, status, says) in cases {
        let answer = send(&admin, method, &path, &body);
        let told = String::from_utf8(answer.body.to_vec()).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {told}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        assert!(told.contains(says), "{method} {path}: {told}");
        assert_eq!(everything(&admin), before, "{method} {path}");
    }
}

/// A text that no compression makes short enough for an index.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + (state >> 33) as u8 % 94)
    };
    (0..bytes).map(|_| letter()).collect()
}

#[test]
fn what_cannot_be_looked_for_is_a_bad_request() {
    let (_server, admin) = prepared();
    for path in [
        "/users?q=%00",
        "/users?q=a%00",
        "/users?cursor=%00",
        "/audit?user=%00",
        "/audit?action=a%00b",
        "/users/a%00/identities",
        "/users/%00",
        "/abac/users/%00/attributes",
        "/abac/resources/a%00/b/attributes",
        "/abac/attributes/%00",
    ] {
        let answer = admin.get(&format!("{API}{path}"));
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    // Decisions are asked about anything: nobody is stored under such a name.
    for id in ["a\0b", "\0", "a\nb", &"x".repeat(256), ""] {
        let mut body = crate::support::client::question(id, "export", "report");
        body["resource"]["id"] = json!(id);
        let answer = admin.json(Method::POST, "/t/acme/access/v1/evaluation", &body);
        assert!(answer.status == 400 || answer.json()["decision"] == false, "{id:?}: {answer:?}");
        assert!(answer.status.as_u16() < 500, "{id:?}: {answer:?}");
    }
}

#[test]
fn what_just_fits_is_kept_as_it_was_sent() {
    let (_server, admin) = prepared();
    let nested = |levels: usize| {
        (0..levels).fold(json!(1), |value, level| if level % 2 == 0 { json!([value]) } else { json!({ "a": value }) })
    };
    let values = [
        json!("x".repeat(65_534)),
        json!(noise(30_000)),
        nested(100),
        json!("a\0b"),
        json!({ "\0": ["\0", { "k\0": "\u{7f}\u{85}\u{2028}" }] }),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(5e-324),
        json!("\u{ffff}\u{10ffff}\u{feff}"),
        json!(false),
        json!([]),
        json!({}),
    ];
    for value in &values {
        admin.set("alice", "plan", value.clone());
        assert_eq!(admin.get(&format!("{ALICE}/plan")).json()["value"], *value);
        let last = admin.get(&format!("{API}/audit?user=alice&limit=1")).json();
        assert_eq!(last["entries"][0]["after"], *value);
    }
    // The same letters to the eye, and others to the store; what is encoded is one id.
    let long = "%F0%9F%98%80".repeat(63);
    let users =
        ["a%2Fb", "a%252Fb", "%C3%A4", "a%CC%88", "%D0%B0lice", "Alice", "%20", "%25", "..", "a%3Fb%23c", &long];
    for (number, id) in users.iter().enumerate() {
        let path = format!("{API}/abac/users/{id}/attributes/plan");
        let made = admin.json(Method::PUT, &path, &json!({ "value": number }));
        assert_eq!(made.status, 201, "{id}: {made:?}");
    }
    for (number, id) in users.iter().enumerate() {
        assert_eq!(admin.get(&format!("{API}/users/{id}")).json()["traits"]["plan"], number, "{id}");
    }
    let listed = admin.get(&format!("{API}/users")).json();
    let ids: Vec<&str> =
        listed["users"].as_array().unwrap().iter().map(|user| user["userId"].as_str().unwrap()).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!((ids.len(), &ids), (users.len() + 1, &sorted), "with alice");
}

#[test]
fn a_thousand_and_one_traits_are_one_too_many_however_they_come() {
    let (_server, admin) = prepared();
    let all: serde_json::Map<String, Value> = (0..999).map(|number| (format!("t{number}"), json!(number))).collect();
    let patched = admin.json(Method::PATCH, ALICE, &json!(all));
    assert_eq!(patched.status, 200, "a thousand with the plan");
    let before = everything(&admin);
    let refused = [
        admin.json(Method::PUT, &format!("{ALICE}/one_more"), &json!({ "value": 1 })),
        admin.json(Method::PATCH, ALICE, &json!({ "one_more": 1, "t0": 7 })),
        admin.json(
            Method::POST,
            &format!("{API}/profiling/check"),
            &json!({ "userId": "alice", "loginId": "l1", "profile": { "email": "alice@example.com" } }),
        ),
    ];
    for answer in refused {
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["code"], "too_many_attributes", "{answer:?}");
    }
    assert_eq!(everything(&admin), before);
    let exchanged = admin.json(Method::PATCH, ALICE, &json!({ "one_more": 1, "t0": null }));
    assert_eq!(exchanged.status, 200, "{exchanged:?}");
}

#[test]
fn a_cursor_that_was_tampered_with_leads_nowhere() {
    let (_server, admin) = prepared();
    for user in ["bob", "carol"] {
        admin.set(user, "plan", json!("pro"));
    }
    for list in ["users", "audit"] {
        let page = admin.get(&format!("{API}/{list}?limit=1")).json();
        let cursor = page["next"].as_str().unwrap();
        assert_eq!(admin.get(&format!("{API}/{list}?cursor={cursor}")).status, 200);
        for place in 0..cursor.len() {
            let mut bytes = cursor.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(bytes).unwrap();
            assert_eq!(admin.get(&format!("{API}/{list}?cursor={tampered}")).status, 400, "{list} {place}");
        }
        let other = if list == "users" { "audit" } else { "users" };
        for wrong in [
            format!("{API}/{other}?cursor={cursor}"),
            format!("/t/other/api/v1/{list}?cursor={cursor}"),
            format!("{API}/{list}?cursor={cursor}A"),
            format!("{API}/{list}?cursor={}", &cursor[..cursor.len() - 1]),
            format!("{API}/{list}?cursor={cursor}&cursor={cursor}"),
        ] {
            assert_eq!(admin.get(&wrong).status, 400, "{wrong}");
        }
    }
}

#[test]
fn the_portal_finds_nobody_by_what_no_database_keeps() {
    let (server, _admin) = prepared();
    let link = server.banner.lines().find(|line| line.contains("/portal/sign-in?link=")).unwrap();
    let (address, secret) = link.split_once("?link=").unwrap();
    let path = address.strip_prefix(&format!("http://{}", server.address)).unwrap();
    let browser = server.client(None);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let signed_in = browser.send(Method::POST, path, &headers, format!("link={secret}"));
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let get = |below: &str| browser.send(Method::GET, &format!("/t/acme/portal/{below}"), &[("cookie", &cookie)], "");
    assert!(String::from_utf8_lossy(&get("users?q=al").body).contains("alice"));
    for below in ["users?q=al%00", "users?q=%00", "users?after=%00", "users?q=al&after=%00", "users/al%00/360"] {
        let answer = get(below);
        assert!(answer.status == 200 || answer.status.is_client_error(), "{below}: {answer:?}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("alice"), "{below}");
    }
}
