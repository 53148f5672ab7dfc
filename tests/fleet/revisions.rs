//! `minRevision`: whoever wrote something at one sidecar is decided upon with it at another, or is told that it is not.

use std::time::Instant;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup, question};

const EVALUATION: &str = "/t/acme/access/v1/evaluation";
const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";
const POLICY: &str = r#"allow pro { action "use" resource "tool" when user.traits.plan == "pro" }"#;

fn ask(client: &Client, revision: &Value) -> Answer {
    let mut body = question("alice", "use", "tool");
    body["options"] = json!({ "minRevision": revision });
    client.json(Method::POST, EVALUATION, &body)
}

/// Two sidecars over one database, and an admin's client of each.
fn two() -> ([Server; 2], [Client; 2]) {
    let first = Setup::new().policy("acme/pro.policy", POLICY).start();
    let second = Setup::new().policy("acme/pro.policy", POLICY).beside(&first).start();
    let admins =
        [first.admin(), second.client(Some(std::fs::read_to_string(first.data().join("admin-token")).unwrap().trim()))];
    ([first, second], admins)
}

#[test]
fn what_was_written_at_one_decides_at_the_other() {
    let (_servers, [here, there]) = two();
    for round in 0..50 {
        let plan = if round % 2 == 0 { "pro" } else { "free" };
        let written = here.json(Method::PUT, PLAN, &json!({ "value": plan }));
        let answer = ask(&there, &json!(written.header("sidegate-revision"))).json();
        assert_eq!(answer["decision"], plan == "pro", "{answer}");
        assert!(answer["context"].get("error").is_none(), "{answer}");
    }
    // Definitions, too: a default is what a stored user has who has no value.
    assert_eq!(here.delete(PLAN).status, 204);
    for round in 0..10 {
        let plan = if round % 2 == 0 { "pro" } else { "free" };
        let definition = json!({ "dataType": "string", "default": plan });
        let written = here.json(Method::PUT, "/t/acme/api/v1/abac/attributes/plan", &definition);
        assert!(written.status.is_success(), "{written:?}");
        let answer = ask(&there, &json!(written.header("sidegate-revision"))).json();
        assert_eq!(answer["decision"], plan == "pro", "{answer}");
    }
}

#[test]
fn a_revision_that_does_not_come_grants_nothing() {
    let server = Setup::new().policy("acme/pro.policy", POLICY).start();
    let admin = server.admin();
    let written = admin.json(Method::PUT, PLAN, &json!({ "value": "pro" }));
    assert!(admin.may("alice", "use", "tool"));
    let revision: i64 = written.header("sidegate-revision").parse().unwrap();
    assert_eq!(ask(&admin, &json!(revision.to_string())).json()["decision"], true);
    let asked = Instant::now();
    let answer = ask(&admin, &json!((revision + 1).to_string()));
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["decision"], &answer["context"]["error"]), (&json!(false), &json!("revision_unavailable")));
    assert!(asked.elapsed().as_millis() >= 200, "it waits for the revision");
    for wrong in [json!(7), json!(""), json!("-1"), json!("seven"), json!(null), json!("99999999999999999999")] {
        let answer = ask(&admin, &wrong);
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains("options.minRevision"), "{answer:?}");
    }
}
