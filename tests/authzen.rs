//! AuthZEN 1.0: several decisions at once, and where what is asked.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup, count};

const PATH: &str = "/t/acme/access/v1/evaluations";

const POLICIES: &str = r#"
allow by_plan {
  action "read"
  resource "report"
  when user.traits.plan == "pro"
}
allow own {
  action "edit"
  resource "report"
  when resource.owner == user.id
}
"#;

fn server() -> (Server, Client) {
    let server = Setup::new().policy("acme/acme.policy", POLICIES).start();
    server.admin().set("alice", "plan", json!("pro"));
    server.admin().set("bob", "plan", json!("free"));
    let app = server.app("decide");
    (server, app)
}

fn ask(app: &Client, body: &Value) -> Answer {
    app.json(Method::POST, PATH, body)
}

/// What was decided, one after the other.
fn decisions(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body.get("decision"), None, "no decision about all of them");
    body["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect()
}

fn user(id: &str) -> Value {
    json!({ "type": "user", "id": id })
}

fn report(id: &str) -> Value {
    json!({ "type": "report", "id": id })
}

#[test]
fn what_questions_lack_is_taken_from_the_body_each_member_whole() {
    let (_server, app) = server();
    let body = json!({
        "subject": user("alice"), "action": { "name": "read" },
        "resource": { "type": "report", "id": "1", "properties": { "owner": "alice" } },
        "evaluations": [
            {},
            { "subject": user("bob") },
            { "action": { "name": "edit" } },
            // This one has no owner: nothing inside of an entity is merged.
            { "action": { "name": "edit" }, "resource": report("1") },
            { "subject": user("bob"), "action": { "name": "edit" }, "resource": { "type": "report", "id": "1", "properties": { "owner": "bob" } } },
        ],
    });
    let answer = ask(&app, &body);
    assert_eq!(decisions(&answer), [true, false, true, false, true]);
    assert_eq!(answer.json()["evaluations"][0]["context"]["policies"], json!(["by_plan"]));
}

#[test]
fn what_one_question_supplies_is_not_known_to_another() {
    let (server, app) = server();
    let owner = "/t/acme/api/v1/abac/resources/report/1/attributes/owner";
    assert_eq!(server.admin().json(Method::PUT, owner, &json!({ "value": "bob" })).status, 201);
    let supplied = json!({ "type": "report", "id": "1", "properties": { "owner": "alice" } });
    for order in [[0, 1], [1, 0]] {
        let items = [json!({ "resource": supplied }), json!({ "resource": report("1") })];
        let items: Vec<&Value> = order.iter().map(|place: &usize| &items[*place]).collect();
        let body = json!({ "subject": user("bob"), "action": { "name": "edit" }, "evaluations": items });
        let one_by_one: Vec<bool> = items
            .iter()
            .map(|item| {
                let question =
                    json!({ "subject": user("bob"), "action": { "name": "edit" }, "resource": item["resource"] });
                app.json(Method::POST, "/t/acme/access/v1/evaluation", &question).json()["decision"] == true
            })
            .collect();
        assert_eq!(decisions(&ask(&app, &body)), one_by_one);
    }
}

#[test]
fn a_semantic_says_when_to_stop() {
    let (_server, app) = server();
    let asked = |semantic: Option<&str>, users: &[&str]| {
        let items: Vec<Value> = users
            .iter()
            .map(|name| if *name == "?" { json!({ "subject": { "id": 7 } }) } else { json!({ "subject": user(name) }) })
            .collect();
        let mut body = json!({ "action": { "name": "read" }, "resource": report("1"), "evaluations": items });
        if let Some(semantic) = semantic {
            body["options"] = json!({ "evaluations_semantic": semantic });
        }
        decisions(&ask(&app, &body))
    };
    let mixed = ["alice", "bob", "alice", "?", "alice"];
    assert_eq!(asked(None, &mixed), [true, false, true, false, true]);
    assert_eq!(asked(Some("execute_all"), &mixed), [true, false, true, false, true]);
    assert_eq!(asked(Some("deny_on_first_deny"), &mixed), [true, false]);
    assert_eq!(asked(Some("permit_on_first_permit"), &mixed), [true]);
    assert_eq!(asked(Some("permit_on_first_permit"), &["bob", "?", "bob", "alice", "?"]), [false, false, false, true]);
    assert_eq!(asked(Some("permit_on_first_permit"), &["bob", "?"]), [false, false]);
    // What cannot be decided is a deny.
    assert_eq!(asked(Some("deny_on_first_deny"), &["alice", "?", "alice"]), [true, false]);
    assert_eq!(asked(Some("deny_on_first_deny"), &["alice", "alice"]), [true, true]);
}

#[test]
fn one_that_cannot_be_decided_says_so_and_holds_up_no_other() {
    let (_server, app) = server();
    let body = json!({
        "subject": user("alice"), "resource": report("1"),
        "evaluations": [{ "action": { "name": "read" } }, {}, 7, null, ["read"], { "action": "read" }, { "action": { "name": "read" } }],
    });
    let answer = ask(&app, &body);
    assert_eq!(decisions(&answer), [true, false, false, false, false, false, true]);
    let told = |place: usize| answer.json()["evaluations"][place]["context"].clone();
    assert_eq!(
        told(1),
        json!({ "error": "invalid_evaluation", "reason": "\"action\" is missing; it must be an object" })
    );
    for place in 2..5 {
        assert_eq!(told(place)["reason"], "an evaluation is an object");
    }
    assert_eq!(told(5)["reason"], "\"action\" must be an object");
}

#[test]
fn without_questions_the_body_is_one() {
    let (_server, app) = server();
    let mut body = json!({ "subject": user("alice"), "action": { "name": "read" }, "resource": report("1") });
    assert_eq!(ask(&app, &body).json()["decision"], true);
    body["evaluations"] = json!([]);
    assert_eq!(ask(&app, &body).json()["decision"], true);
    assert_eq!(ask(&app, &json!({ "evaluations": [] })).status, 400);
}

#[test]
fn what_cannot_be_used_as_a_whole_is_refused() {
    let (_server, app) = server();
    let refused = |text: &str, why: &str| {
        let headers = [("content-type", "application/json"), ("x-request-id", "7 / ä")];
        let answer = app.send(Method::POST, PATH, &headers[..1], text.to_owned());
        assert_eq!(answer.status, 400, "{text}: {answer:?}");
        assert!(answer.json().as_str().unwrap().contains(why), "{answer:?}");
    };
    let with = |member: &str| {
        let whole = r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"report","id":"1"},"#;
        format!("{whole}{member}}}")
    };
    for not_a_list in ["{}", "7", "\"a\"", "true"] {
        refused(&with(&format!("\"evaluations\":{not_a_list}")), "must be an array");
    }
    refused(&with(r#""evaluations":[{"a":{"b":1,"b":2}}]"#), "twice");
    refused(&with(r#""evaluations":[{}],"evaluations":[]"#), "twice");
    refused(&with(r#""evaluations":[{}],"\u0065valuations":[]"#), "twice");
    refused(&with(r#""evaluations":[{}],"options":{"evaluations_semantic":"some"}"#), "permit_on_first_permit");
    refused(&with(r#""evaluations":[{}],"options":7"#), "options");
    refused("[]", "object");
    refused("", "empty");
    let many = vec!["{}"; 1001].join(",");
    refused(&with(&format!("\"evaluations\":[{many}]")), "at most 1000");
    // What each of them would be given again.
    let long = format!("\"context\":{{\"a\":\"{}\"}},", "x".repeat(100_000));
    refused(&with(&format!("{long}\"evaluations\":[{}]", vec!["{}"; 500].join(","))), "ask fewer at once");
    let most = vec!["{}"; 1000].join(",");
    let answer = app.send(
        Method::POST,
        PATH,
        &[("content-type", "application/json")],
        with(&format!("\"evaluations\":[{most}]")),
    );
    assert_eq!(decisions(&answer), vec![true; 1000]);
}

#[test]
fn many_are_decided_as_one_by_one_and_each_user_is_read_once() {
    let (server, app) = server();
    let admin = server.admin();
    for number in 0..40 {
        admin.set(&format!("user{number}"), "plan", json!(if number % 3 == 0 { "pro" } else { "free" }));
    }
    // Nothing of them is in memory.
    let mut server = server;
    server.restart();
    let app = Client::new(server.address, app.token());
    let lookups = |outcome: &str| server.metric(&format!("sidegate_user_lookups_total{{outcome=\"{outcome}\"}}"));
    let before = [lookups("hit"), lookups("miss")];
    let items: Vec<Value> =
        (0..count(400, 1000)).map(|n| json!({ "subject": user(&format!("user{}", n % 40)) })).collect();
    let body = json!({ "action": { "name": "read" }, "resource": report("1"), "evaluations": items });
    let all = decisions(&ask(&app, &body));
    assert_eq!([lookups("hit") - before[0], lookups("miss") - before[1]], [0.0, 40.0]);
    for (number, decided) in all.iter().enumerate() {
        assert_eq!(*decided, (number % 40) % 3 == 0, "{number}");
    }
}

#[test]
fn the_metadata_says_where_what_is_asked() {
    let server = Setup::new().args(&["--default-tenant", "acme", "--public-url", "https://pdp.acme.example"]).start();
    let client = server.client(None);
    for (tenant, base) in [("/t/acme", "https://pdp.acme.example/t/acme"), ("", "https://pdp.acme.example")] {
        let answer = client.get(&format!("/.well-known/authzen-configuration{tenant}"));
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        assert_eq!(
            answer.json(),
            json!({
                "policy_decision_point": base,
                "access_evaluation_endpoint": format!("{base}/access/v1/evaluation"),
                "access_evaluations_endpoint": format!("{base}/access/v1/evaluations"),
            })
        );
    }
    assert_eq!(client.get("/.well-known/authzen-configuration/t/nobody").status, 404);
}

#[test]
fn a_request_id_comes_back_as_it_was() {
    let (server, app) = server();
    let good = json!({ "subject": user("alice"), "action": { "name": "read" }, "resource": report("1") }).to_string();
    for id in ["7", "  spaced  out", "a,b;c=\"d\"", &"x".repeat(4000)] {
        for (client, body, status) in
            [(&app, good.as_str(), 200), (&app, "{", 400), (&server.client(None), good.as_str(), 401)]
        {
            for path in ["/t/acme/access/v1/evaluation", PATH] {
                let headers = [("content-type", "APPLICATION/JSON; charset=utf-8"), ("x-request-id", id)];
                let answer = client.send(Method::POST, path, &headers, body.to_owned());
                assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (status, id.trim()), "{answer:?}");
            }
        }
    }
}
