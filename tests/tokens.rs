//! Service tokens over the API and the command line: made, shown once, rotated, revoked.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup, eventually, run};

const TOKENS: &str = "/t/acme/api/v1/tokens";

fn create(admin: &Client, body: Value) -> Answer {
    admin.json(Method::POST, TOKENS, &body)
}

fn issued(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 201, "{answer:?}");
    let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

fn may_decide(server: &Server, token: &str) -> bool {
    match server.client(Some(token)).ask("alice", "read", "report").status.as_u16() {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_is_shown_once_and_does_what_its_scopes_say() {
    let server = Server::start();
    let admin = server.app("admin");
    let (id, token) = issued(&create(&admin, json!({ "scopes": ["decide", "traits:read"], "name": "shop" })));
    assert!(may_decide(&server, &token));
    let app = server.client(Some(&token));
    assert_eq!(app.get("/t/acme/api/v1/users").status, 200);
    assert_eq!(app.json(Method::POST, TOKENS, &json!({ "scopes": ["decide"] })).status, 403, "an app makes no tokens");
    let shown = admin.get(&format!("{TOKENS}/{id}"));
    assert_eq!(shown.json()["scopes"], json!(["decide", "traits:read"]));
    let list = admin.get(TOKENS);
    assert_eq!(list.json()["tokens"].as_array().unwrap().len(), 2, "{list:?}");
    for answer in [shown, list, admin.get("/t/acme/api/v1/audit")] {
        assert!(!String::from_utf8_lossy(&answer.body).contains(&token), "it is nowhere to be seen again");
    }
    let entry = &admin.get("/t/acme/api/v1/audit?action=token.create").json()["entries"][0];
    assert_eq!((&entry["target"], &entry["after"]["name"]), (&json!(id), &json!("shop")), "{entry}");
}

#[test]
fn lists_of_tokens_come_in_pages_and_are_the_tenants_own() {
    let server = Setup::new().policy("other/other.policy", "").start();
    let admin = server.admin();
    let made: Vec<String> = (0..5)
        .map(|number| issued(&create(&admin, json!({ "scopes": ["decide"], "name": format!("{number}") }))).0)
        .collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{TOKENS}?limit=2{cursor}")).json();
        seen.extend(page["tokens"].as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, made);
    let (others, id) = ("/t/other/api/v1/tokens", &made[0]);
    assert_eq!(admin.get(others).json()["tokens"], json!([]));
    assert_eq!(admin.get(&format!("{others}/{id}")).status, 404);
    assert_eq!(admin.delete(&format!("{others}/{id}")).status, 404);
    assert_eq!(admin.json(Method::POST, &format!("{others}/{id}/rotate"), &json!({})).status, 404);
    assert_eq!(admin.get(&format!("{others}?limit=2{cursor}")).status, 400, "a cursor of another tenant's list");
    assert_eq!(admin.get(&format!("{TOKENS}/{id}")).json()["revokedAt"], Value::Null);
}

#[test]
fn a_token_that_is_rotated_counts_on_for_the_overlap() {
    let server = Server::start();
    let admin = server.admin();
    let (id, token) = issued(&create(&admin, json!({ "scopes": ["decide"], "name": "shop" })));
    assert!(may_decide(&server, &token));
    let rotate = |id: &str, body: Value| admin.json(Method::POST, &format!("{TOKENS}/{id}/rotate"), &body);
    let (next, fresh) = issued(&rotate(&id, json!({})));
    assert!(may_decide(&server, &fresh) && may_decide(&server, &token), "both for an hour");
    assert!(admin.get(&format!("{TOKENS}/{id}")).json()["expiresAt"].is_string());
    assert_eq!(admin.get(&format!("{TOKENS}/{next}")).json()["name"], "shop");
    let again = rotate(&id, json!({}));
    assert_eq!(again.status, 409);
    assert!(again.json()["detail"].as_str().unwrap().contains(&next), "{}", again.json());
    let (last, freshest) = issued(&rotate(&next, json!({ "overlapSeconds": 0 })));
    assert!(!may_decide(&server, &fresh) && may_decide(&server, &freshest), "at once");
    assert_eq!(rotate(&next, json!({})).status, 404, "it has ended");
    assert_eq!(admin.delete(&format!("{TOKENS}/{last}")).status, 204);
    assert!(!may_decide(&server, &freshest));
    assert_eq!(admin.delete(&format!("{TOKENS}/{last}")).status, 404);
    assert_eq!(rotate(&last, json!({ "overlapSeconds": 2_592_001 })).status, 422);
    let actions = admin.get("/t/acme/api/v1/audit").json();
    let actions: Vec<&str> =
        actions["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.revoke", "token.rotate", "token.rotate", "token.create"]);
}

#[test]
fn the_command_line_does_the_same_beside_a_server() {
    let server = Server::start();
    let run_json = |args: &[&str]| {
        let (output, out, err) = run(&mut server.command(args));
        assert!(output.status.success(), "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let made = run_json(&["service-token", "--tenant", "acme", "--scope", "decide", "--name", "shop", "--json"]);
    let id = made["id"].as_str().unwrap();
    assert!(may_decide(&server, made["token"].as_str().unwrap()));
    let next = run_json(&["service-token", "--rotate", id, "--overlap", "1s", "--json"]);
    assert_eq!(next["name"], "shop");
    assert!(may_decide(&server, next["token"].as_str().unwrap()));
    eventually("the end of the overlap", || !may_decide(&server, made["token"].as_str().unwrap()));
    let (output, _, err) = run(&mut server.command(&["service-token", "--rotate", "nothing"]));
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("--list shows the ids"), "{err}");
    let trail = server.admin().get("/t/acme/api/v1/audit?action=token.rotate").json();
    assert_eq!(trail["entries"][0]["actor"], "command line", "{trail}");
}

#[test]
fn it_is_noted_when_a_token_was_last_used() {
    let mut server = Server::start();
    let (id, token) = issued(&create(&server.admin(), json!({ "scopes": ["decide"] })));
    let (unused, _) = issued(&create(&server.admin(), json!({ "scopes": ["decide"] })));
    assert!(may_decide(&server, &token));
    // What is known of tokens is forgotten when one of them changes, but not that they were used.
    issued(&create(&server.admin(), json!({ "scopes": ["decide"] })));
    std::thread::sleep(std::time::Duration::from_millis(500));
    // Once a minute, and at the end.
    server.signal("-TERM");
    server.wait();
    server.restart();
    let last = |id: &str| server.admin().get(&format!("{TOKENS}/{id}")).json()["lastUsedAt"].clone();
    assert!(last(&id).is_string() && last(&unused).is_null());
}

#[test]
fn what_is_no_token_is_refused_by_its_place() {
    let server = Server::start();
    let admin = server.admin();
    for (body, pointer) in [
        (json!({}), "/scopes"),
        (json!({ "scopes": [] }), "/scopes"),
        (json!({ "scopes": ["decide", "root"] }), "/scopes/1"),
        (json!({ "scopes": "decide" }), "/scopes"),
        (json!({ "scopes": ["decide"], "expiresAt": "2020-01-01T00:00:00Z" }), "/expiresAt"),
        (json!({ "scopes": ["decide"], "expiresAt": "tomorrow" }), "/expiresAt"),
        (json!({ "scopes": ["decide"], "name": "a\nb" }), "/name"),
        (json!({ "scopes": ["decide"], "name": "x".repeat(256) }), "/name"),
        (json!({ "scopes": ["decide"], "tenant": "other" }), "/tenant"),
        (json!({ "scopes": ["decide"], "id": "mine" }), "/id"),
    ] {
        let answer = create(&admin, body.clone());
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {answer:?}");
    }
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let keyed = admin.send(Method::POST, TOKENS, &headers, json!({ "scopes": ["decide"] }).to_string());
    assert_eq!(keyed.status, 400, "{keyed:?}");
    assert_eq!(admin.get(TOKENS).json()["tokens"], json!([]));
}
