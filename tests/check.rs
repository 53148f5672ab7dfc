//! Decisions in the shape of LumoAuth: for the caller, or about a subject that is named.

use http::Method;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, trusting};
use crate::support::{Answer, Client, Server, Setup};

const CHECK: &str = "/t/acme/api/v1/abac/check";

const POLICIES: &str = r#"
allow pro { action "use" resource "tool" when user.traits.plan == "pro" reason "pro users may" }
allow own { action "edit" resource "doc" when resource.owner == subject.id }
allow verified { action "pay" resource "invoice" when token.amr CONTAINS "mfa" }
allow batch { action "run" resource "job" when subject.type == "service" }
allow inside { action "see" resource "page" when cidr(env.ip, "10.0.0.0/8") }
allow huge { action "count" resource "thing" when resource.n > 1 }
deny banned { action "use" resource "tool" when has(user.traits.banned) AND user.traits.banned == true reason "banned" }
"#;

fn start() -> (Server, Issuer) {
    let issuer = Issuer::start();
    let settings = trusting(&[issuer.settings(json!({ "primary": true }))]);
    let server = Setup::new().policy("acme/check.policy", POLICIES).policy("acme/tenant.json", &settings).start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("pro"));
    for (slug, value) in [("plan", json!("pro")), ("banned", json!(true))] {
        admin.set("mallory", slug, value);
    }
    (server, issuer)
}

fn check(client: &Client, body: &Value) -> Answer {
    client.json(Method::POST, CHECK, body)
}

fn allowed(client: &Client, body: Value) -> bool {
    let answer = check(client, &body);
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    answer.json()["allowed"].as_bool().unwrap()
}

#[test]
fn users_and_clients_ask_for_themselves() {
    let (server, issuer) = start();
    let alice = server.client(Some(&issuer.token("alice")));
    let answer = check(&alice, &json!({ "action": "use", "resourceType": "tool", "resourceId": "7" })).json();
    assert_eq!((&answer["allowed"], &answer["reason"]), (&json!(true), &json!("pro users may")));
    assert_eq!(answer["matchedPolicies"], json!([{ "name": "pro", "effect": "allow" }]));
    let context = &answer["evaluationContext"];
    assert_eq!(context["subject"], json!({ "type": "user", "id": "alice" }));
    assert_eq!(context["resource"], json!({ "type": "tool", "id": "7" }));
    assert!(context["time"].is_string() && context["decisionId"].is_string(), "{context}");
    // Named outright, it is the same; about others, one does not learn.
    let about =
        |subject: Value| check(&alice, &json!({ "subject": subject, "action": "use", "resource": { "type": "tool" } }));
    assert_eq!(about(json!({ "id": "alice" })).json()["allowed"], true);
    assert_eq!(about(json!({ "id": "bob" })).status, 403);
    assert_eq!(about(json!({ "id": "alice", "type": "service" })).status, 403);
    let resource = json!({ "type": "doc", "id": "1", "attributes": { "owner": "alice" } });
    assert_eq!(
        check(&alice, &json!({ "action": "edit", "resource": resource })).status,
        403,
        "it does not say whose it is"
    );
    assert_eq!(about(json!({ "id": "alice", "attributes": { "a": 1 } })).status, 403);
    // The claims of the token decide, too, and a client is no user.
    assert!(!allowed(&alice, json!({ "action": "pay", "resourceType": "invoice" })));
    let verified = server.client(Some(&issuer.token_with("alice", json!({ "amr": ["pwd", "mfa"] }))));
    assert!(allowed(&verified, json!({ "action": "pay", "resourceType": "invoice" })));
    let client = server.client(Some(&issuer.token_with("nightly", json!({ "client_id": "nightly" }))));
    assert!(allowed(&client, json!({ "action": "run", "resourceType": "job" })));
    assert!(!allowed(&alice, json!({ "action": "run", "resourceType": "job" })));
}

#[test]
fn an_app_asks_about_whomever_it_names() {
    let (server, _issuer) = start();
    let app = server.app("decide");
    let about = |id: &str| {
        check(&app, &json!({ "subject": { "id": id }, "action": "use", "resource": { "type": "tool", "id": "7" } }))
    };
    assert_eq!(about("alice").json()["allowed"], true);
    let banned = about("mallory").json();
    assert_eq!((&banned["allowed"], &banned["reason"]), (&json!(false), &json!("banned")));
    assert_eq!(banned["matchedPolicies"], json!([{ "name": "banned", "effect": "deny" }]));
    assert_eq!(about("nobody").json()["matchedPolicies"], json!([]));
    let own = |owner: &str| {
        let resource = json!({ "type": "doc", "id": "1", "attributes": { "owner": owner } });
        allowed(&app, json!({ "subject": { "id": "alice" }, "action": "edit", "resource": resource }))
    };
    assert!(own("alice") && !own("bob"));
    let from = |body: Value| {
        let mut all = json!({ "subject": { "id": "alice" }, "action": "see", "resourceType": "page" });
        all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        allowed(&app, all)
    };
    assert!(from(json!({ "environment": { "ip": "10.1.2.3", "time": "2020-01-01T00:00:00Z" } })));
    assert!(from(json!({ "context": { "ip": "10.1.2.3" } })));
    assert!(!from(json!({ "context": { "ip": "192.0.2.1" }, "environment": { "ip": "10.1.2.3" } })));
    // An integer that no reader holds exactly is none.
    let text = r#"{"subject":{"id":"a"},"action":"count","resource":{"type":"thing","attributes":{"n":18446744073709551616}}}"#;
    let answer = app.send(Method::POST, CHECK, &[("content-type", "application/json")], text);
    assert_eq!(answer.json()["allowed"], false, "{answer:?}");
}

#[test]
fn many_are_answered_in_their_order() {
    let (server, _issuer) = start();
    let app = server.app("decide");
    let one = |id: &str| json!({ "subject": { "id": id }, "action": "use", "resourceType": "tool" });
    let bulk =
        |checks: Vec<Value>| app.json(Method::POST, "/t/acme/api/v1/abac/check-bulk", &json!({ "checks": checks }));
    let answer = bulk(vec![one("alice"), one("mallory"), one("nobody"), one("alice")]).json();
    let results: Vec<_> = answer["results"].as_array().unwrap().iter().map(|result| &result["allowed"]).collect();
    assert_eq!(results, [true, false, false, true]);
    assert_eq!(bulk(vec![one("alice"); 100]).status, 200);
    for refused in
        [bulk(vec![one("alice"); 101]), bulk(Vec::new()), bulk(vec![one("alice"), json!({ "action": "use" })])]
    {
        assert_eq!(refused.status, 422, "{refused:?}");
    }
    let place = bulk(vec![one("alice"), json!({ "subject": { "id": "a" }, "action": "use" })]);
    assert_eq!(place.json()["errors"][0]["pointer"], "/checks/1/resource");
}

#[test]
fn what_is_no_question_is_refused_by_its_place() {
    let (server, _issuer) = start();
    let app = server.app("decide");
    for (body, pointer) in [
        (json!({ "action": "use", "resourceType": "tool" }), "/subject/id"),
        (json!({ "subject": { "id": "a" }, "action": "use" }), "/resource"),
        (json!({ "subject": { "id": "a" }, "resourceType": "tool" }), "/action"),
        (json!({ "subject": { "id": 7 }, "action": "use", "resourceType": "tool" }), "/subject/id"),
        (json!({ "subject": { "id": "a" }, "action": "use", "resourceType": "tool", "context": [] }), "/context"),
        (
            json!({ "subject": { "id": "a", "attributes": 1 }, "action": "use", "resourceType": "tool" }),
            "/subject/attributes",
        ),
    ] {
        let answer = check(&app, &body);
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
    let twice = r#"{"subject":{"id":"a"},"action":"use","action":"edit","resourceType":"tool"}"#;
    let answer = app.send(Method::POST, CHECK, &[("content-type", "application/json")], twice);
    assert!([400, 422].contains(&answer.status.as_u16()), "{answer:?}");
    let twice = r#"{"subject":{"id":"a"},"action":"use","resource":{"type":"tool","attributes":{"a":1,"\u0061":2}}}"#;
    let answer = app.send(Method::POST, CHECK, &[("content-type", "application/json")], twice);
    assert_eq!(answer.status, 422, "{answer:?}");
}
