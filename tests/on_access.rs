//! Rules that ask on the first access to something sensitive.

use http::Method;
use serde_json::{Value, json};

use crate::complete_profile::Page;
use crate::profiling::{RULES, check};
use crate::support::{Answer, Client, Server, Setup, question};

const TICKETS: &str = "/t/acme/api/v1/profiling/tickets";

const POLICY: &str = r#"
allow everybody { action "read", "list" resource "report" }
allow machines { action "read" resource "report" when subject.type == "service" }
"#;

fn rules(required: bool) -> Value {
    json!([
        { "id": "for-reports", "fields": ["phone"], "required": required,
          "condition": { "onAccess": { "action": "read", "resource": "report" } } },
    ])
}

fn server(rules: &Value) -> Server {
    let settings = json!({ "returnOrigins": ["https://app.acme.example"] });
    let server =
        Setup::new().policy("acme/acme.policy", POLICY).policy("acme/tenant.json", &settings.to_string()).start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("pro"));
    let put = admin.json(Method::PUT, RULES, rules);
    assert_eq!(put.status, 200, "{put:?}");
    switch(&admin, true);
    server
}

fn switch(admin: &Client, enabled: bool) {
    let answer = admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({ "enabled": enabled }));
    assert_eq!(answer.status, 200);
}

fn link(app: &Client, body: &Value) -> Answer {
    app.json(Method::POST, TICKETS, body)
}

/// Opens the page of a link, and answers or skips.
fn fill_in(server: &Server, link: &str, fields: &[(&str, &str)]) -> String {
    let address = link.strip_prefix(&format!("http://{}", server.address)).unwrap();
    let page = Page::open(server, address);
    let fields: Vec<(&str, &str)> = [&[("csrf", page.csrf())][..], fields].concat();
    let done = page.post(&fields, &[]);
    assert_eq!(done.status, 303, "{done:?}");
    done.header("location").to_owned()
}

#[test]
fn a_required_rule_stands_in_the_way_until_it_is_answered() {
    let server = server(&rules(true));
    let (admin, app) = (server.admin(), server.app("decide"));
    let refused = app.ask("alice", "read", "report").json();
    assert_eq!(refused["decision"], false);
    let context = &refused["context"];
    assert_eq!(
        (&context["code"], &context["rule"]),
        (&json!("profile_incomplete"), &json!("for-reports")),
        "{refused}"
    );
    assert_eq!(context["policies"], json!([]));
    assert!(context["reason"].as_str().unwrap().contains("for-reports"));
    // Nothing else is asked anything, nobody else either, and what is denied is denied.
    assert!(app.may("alice", "list", "report"));
    let machine = json!({ "subject": { "type": "service", "id": "batch" }, "action": { "name": "read" },
        "resource": { "type": "report", "id": "7" } });
    assert_eq!(app.json(Method::POST, "/t/acme/access/v1/evaluation", &machine).json()["decision"], true);
    assert_eq!(app.ask("alice", "delete", "report").json()["context"].get("code"), None);
    // A user whom nobody stored has nothing filled in.
    assert_eq!(app.ask("stranger", "read", "report").json()["context"]["code"], "profile_incomplete");
    // At a login nobody asks.
    assert_eq!(check(&admin, json!({ "userId": "alice", "loginId": "1" }))["complete"], true);
    // Several at once, and LumoAuth's shape.
    let several = json!({ "evaluations": [question("alice", "read", "report"), question("alice", "list", "report")] });
    let several = app.json(Method::POST, "/t/acme/access/v1/evaluations", &several).json();
    assert_eq!(several["evaluations"][0]["context"]["code"], "profile_incomplete");
    assert_eq!(
        (&several["evaluations"][0]["decision"], &several["evaluations"][1]["decision"]),
        (&json!(false), &json!(true))
    );
    let asked = json!({ "subject": { "id": "alice" }, "action": "read", "resource": { "type": "report", "id": "7" } });
    assert_eq!(app.json(Method::POST, "/t/acme/api/v1/abac/check", &asked).json()["allowed"], false);

    let profiling = server.app("profiling");
    let answer = link(
        &profiling,
        &json!({ "userId": "alice", "rule": "for-reports", "returnTo": "https://app.acme.example/reports/7" }),
    );
    assert_eq!(answer.status, 201, "{answer:?}");
    let to = answer.json()["redirectTo"].as_str().unwrap().to_owned();
    let back = fill_in(&server, &to, &[("f-phone", "+49 30 901820"), ("action", "save")]);
    assert_eq!(back, "https://app.acme.example/reports/7");
    assert!(app.may("alice", "read", "report"));
    // What is in memory counts no more for the rule than for the decision.
    let mut unseen = question("alice", "read", "report");
    unseen["options"] = json!({ "minRevision": "999999999" });
    let unseen = app.json(Method::POST, "/t/acme/access/v1/evaluation", &unseen).json();
    assert_eq!(unseen["decision"], false, "{unseen}");
    assert_eq!(
        (&unseen["context"]["code"], &unseen["context"]["error"]),
        (&json!("profile_incomplete"), &json!("revision_unavailable"))
    );
    // It asks again as soon as it is missing again, and never while nothing is asked.
    assert_eq!(admin.delete("/t/acme/api/v1/abac/users/alice/attributes/phone").status, 204);
    assert!(!app.may("alice", "read", "report"));
    switch(&admin, false);
    assert!(app.may("alice", "read", "report"));
}

#[test]
fn an_optional_rule_is_told_until_it_is_answered_or_skipped() {
    let server = server(&rules(false));
    let app = server.app("decide");
    let obligations = |user: &str| {
        let answer = app.ask(user, "read", "report").json();
        assert_eq!((&answer["decision"], answer["context"].get("code")), (&json!(true), None), "{answer}");
        answer["context"].get("obligations").cloned().unwrap_or(Value::Null)
    };
    let told = json!([{ "type": "complete_profile", "rule": "for-reports" }]);
    server.admin().set("bob", "plan", json!("pro"));
    assert_eq!((obligations("alice"), obligations("bob")), (told.clone(), told.clone()));
    let to = link(
        &server.app("profiling"),
        &json!({ "userId": "alice", "rule": "for-reports", "returnTo": "https://app.acme.example/" }),
    );
    fill_in(&server, to.json()["redirectTo"].as_str().unwrap(), &[("action", "skip")]);
    assert_eq!((obligations("alice"), obligations("bob")), (Value::Null, told));
    server.admin().set("bob", "phone", json!("+49 30 901820"));
    assert_eq!(obligations("bob"), Value::Null);
}

#[test]
fn links_are_for_rules_and_users_that_there_are() {
    let server = server(&rules(true));
    let app = server.app("profiling");
    let refused = |body: Value, status: u16, pointer: &str| {
        let answer = link(&app, &body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"].as_str().unwrap_or(""), pointer, "{answer:?}");
    };
    refused(json!({ "userId": "alice", "rule": "none" }), 422, "/rule");
    refused(json!({ "userId": "nobody", "rule": "for-reports" }), 404, "");
    refused(json!({ "userId": "a\u{0}", "rule": "for-reports" }), 422, "/userId");
    refused(json!({ "rule": "for-reports" }), 422, "/userId");
    for to in ["https://app.acme.example/\u{0}", &format!("https://app.acme.example/{}", "x".repeat(5000))] {
        refused(json!({ "userId": "alice", "rule": "for-reports", "returnTo": to }), 422, "/returnTo");
    }
    assert_eq!(link(&server.app("decide"), &json!({ "userId": "alice", "rule": "for-reports" })).status, 403);
    // Elsewhere than the tenant lists, nobody is sent.
    let answer = link(&app, &json!({ "userId": "alice", "rule": "for-reports", "returnTo": "https://evil.example/" }));
    let address = answer.json()["redirectTo"].as_str().unwrap().replace(&format!("http://{}", server.address), "");
    let page = Page::open(&server, &address);
    let done = page.post(&[("csrf", page.csrf()), ("f-phone", "+49 30 901820"), ("action", "save")], &[]);
    assert_eq!((done.status.as_u16(), done.header("location")), (200, ""));
}

#[test]
fn what_makes_no_sense_is_refused_when_it_is_written() {
    let server = server(&rules(true));
    let refused = |condition: Value, more: Value, pointer: &str| {
        let mut rule = json!({ "fields": ["phone"], "condition": condition });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = server.admin().json(Method::PUT, RULES, &json!([rule]));
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{answer:?}"
        );
    };
    let guarded = json!({ "onAccess": { "action": "read", "resource": "report" } });
    refused(guarded, json!({ "confirm": true }), "/0/confirm");
    refused(json!({ "onAccess": { "action": "", "resource": "report" } }), json!({}), "/0/condition/onAccess/action");
    refused(json!({ "onAccess": { "action": "read" } }), json!({}), "/0/condition/onAccess/resource");
    refused(
        json!({ "onAccess": { "action": "read", "resource": "report", "id": "7" } }),
        json!({}),
        "/0/condition/onAccess/id",
    );
}

#[test]
fn whether_a_profile_is_complete_that_nobody_can_read_is_not_known() {
    let server = Setup::new().policy("acme/acme.policy", POLICY).policy("acme/profiling.json", "[{").start();
    let app = server.app("decide");
    assert!(app.may("alice", "read", "report"), "nothing is asked yet");
    switch(&server.admin(), true);
    let answer = app.ask("alice", "read", "report").json();
    assert_eq!(answer["decision"], false);
    assert!(answer["context"]["reason"].as_str().unwrap().contains("profiling rules cannot be used"), "{answer}");
}
