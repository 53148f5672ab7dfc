//! Decisions over HTTP: what AuthZEN 1.0 says of answers, and what decisions follow.

use http::Method;
use serde_json::json;

use crate::support::client::question;
use crate::support::{Client, Server, Setup};

#[test]
fn an_answer_says_what_decided_and_on_what() {
    let server = Server::start();
    let (admin, app) = (server.admin(), server.app("decide"));
    admin.set("alice", "plan", json!("enterprise"));
    admin.set("alice", "email_opt_in", json!(true));
    let answer = app.ask("alice", "export", "report").json();
    assert_eq!(answer["decision"], true);
    let context = &answer["context"];
    assert_eq!(context["reason"], "the policy enterprise_export allows export on report");
    assert_eq!(context["policies"], json!(["enterprise_export"]));
    assert_eq!(context["policyRevision"].as_str().unwrap().len(), 16);
    assert_eq!(context["dataRevision"], "2");
    assert_eq!(context["decisionId"].as_str().unwrap().len(), 36);

    let refused = app.ask("alice", "delete", "report").json();
    assert_eq!(refused["decision"], false);
    assert_eq!(refused["context"]["reason"], "no policy allows delete on report");
    assert_eq!(refused["context"]["policies"], json!([]));
    assert_ne!(refused["context"]["decisionId"], context["decisionId"]);
}

#[test]
fn decisions_follow_every_write_at_once() {
    let server = Server::start();
    let (admin, app) = (server.admin(), server.app("decide"));
    admin.set("alice", "email_opt_in", json!(true));
    for round in 0..50 {
        let plan = if round % 2 == 0 { "enterprise" } else { "free" };
        admin.set("alice", "plan", json!(plan));
        assert_eq!(app.may("alice", "export", "report"), round % 2 == 0, "round {round}");
    }
    admin.set("alice", "plan", json!("enterprise"));
    let gone = admin.delete("/t/acme/api/v1/abac/users/alice/attributes/email_opt_in");
    assert_eq!(gone.status, 204);
    assert!(!app.may("alice", "export", "report"));
}

#[test]
fn a_user_that_nobody_stored_becomes_known_with_the_first_trait() {
    let server = Server::start();
    let (admin, app) = (server.admin(), server.app("decide"));
    assert!(!app.may("bob", "export", "report"), "asked first, so that his absence is remembered");
    admin.set("bob", "plan", json!("enterprise"));
    admin.set("bob", "email_opt_in", json!(true));
    assert!(app.may("bob", "export", "report"));
}

#[test]
fn what_the_request_says_of_a_user_is_never_believed() {
    let server = Server::start();
    let app = server.app("decide");
    let mut body = question("mallory", "export", "report");
    body["subject"]["properties"] = json!({"plan": "enterprise", "traits": {"email_opt_in": true}});
    let answer = app.json(Method::POST, "/t/acme/access/v1/evaluation", &body).json();
    assert_eq!(answer["decision"], false);
    let reason = answer["context"]["reason"].as_str().unwrap();
    assert!(reason.contains("user.traits.plan is read from the trait store"), "{reason}");
}

#[test]
fn unknown_members_are_ignored_at_every_level() {
    let server = Server::start();
    let app = server.app("decide");
    let body = json!({
        "subject": {"type": "user", "id": "alice", "x": 1, "properties": {"y": null}},
        "action": {"name": "export", "x": [1]},
        "resource": {"type": "report", "id": "7", "x": {}},
        "context": {"ip": "10.0.0.1"}, "options": {"x": 1}, "x": 1,
    });
    assert_eq!(app.json(Method::POST, "/t/acme/access/v1/evaluation", &body).status, 200);
}

#[test]
fn the_sample_policies_answer_the_same_at_every_hour() {
    let program = compile_sample();
    for hour in 0..24 * 7 {
        let now = "2026-01-05T00:30:00Z".parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour);
        let (mut enterprise, mut free) = (sample_user("enterprise"), sample_user("free"));
        assert!(decide(&program, &enterprise, now), "hour {hour}");
        assert!(!decide(&program, &free, now), "hour {hour}");
        // The clock is for contractors only.
        let at_work = (hour % 24) >= 9 && (hour % 24) < 17 && hour < 24 * 5;
        for user in [&mut enterprise, &mut free] {
            let mut traits = user.traits().to_object().into_owned();
            traits.set("employment_type", sidegate::model::Value::Str("contractor".into()));
            *user = sidegate::model::UserRecord::new("alice", traits);
        }
        assert_eq!(decide(&program, &enterprise, now), at_work, "hour {hour}");
        assert!(!decide(&program, &free, now), "hour {hour}");
    }
}

fn compile_sample() -> std::sync::Arc<sidegate::engine::Program> {
    let files = sidegate::service::read_policies(&crate::support::root().join("policies/acme"));
    sidegate::engine::compile(files, &std::sync::Arc::default()).program.expect("the sample compiles")
}

fn sample_user(plan: &'static str) -> sidegate::model::UserRecord {
    use sidegate::model::Value;
    let traits = [("plan", Value::Str(plan.into())), ("email_opt_in", Value::Bool(true))];
    sidegate::model::UserRecord::new("alice", traits.into_iter().collect())
}

fn decide(program: &sidegate::engine::Program, user: &sidegate::model::UserRecord, now: jiff::Timestamp) -> bool {
    use sidegate::model::{Action, Entity, Facts, Object, Query};
    let entity =
        |kind: &'static str, id: &'static str| Entity { kind: kind.into(), id: id.into(), ..Entity::default() };
    let query = Query {
        subject: entity("user", "alice"),
        action: Action { name: "export".into(), ..Action::default() },
        resource: entity("report", "7"),
        context: Object::new(),
        now,
    };
    let facts = Facts::of_user(user);
    sidegate::engine::decide(program, &query, &facts).is_allow()
}

#[test]
fn http2_and_the_root_paths_of_the_only_tenant_answer_alike() {
    let policies = std::fs::read_to_string(crate::support::root().join("policies/acme/acme.policy")).unwrap();
    let server = Setup::new().policy("acme/acme.policy", &policies).start();
    server.admin().set("alice", "plan", json!("enterprise"));
    server.admin().set("alice", "email_opt_in", json!(true));
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let client = Client::http2(server.address, Some(&token));
    for path in ["/t/acme/access/v1/evaluation", "/access/v1/evaluation"] {
        let answer = client.json(Method::POST, path, &question("alice", "export", "report"));
        assert_eq!(answer.json()["decision"], true, "{path}");
        assert_eq!(answer.json()["context"]["reason"], "Enterprise plan with e-mail opt-in");
    }
}

#[test]
fn a_user_whom_no_policy_reads_is_not_looked_up() {
    let server = Setup::new()
        .policy("acme/acme.policy", "allow own { action \"a\" resource \"r\" when subject.id == resource.owner }")
        .start();
    let app = server.app("decide");
    let lookups = || {
        let metrics = server.client(None).get("/metrics");
        let text = String::from_utf8(metrics.body.to_vec()).unwrap();
        let counts = text.lines().filter_map(|line| line.strip_prefix("sidegate_user_lookups_total"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    let mut own = question("alice", "a", "r");
    own["resource"]["properties"] = json!({ "owner": "alice" });
    assert_eq!(app.json(Method::POST, "/t/acme/access/v1/evaluation", &own).json()["decision"], true);
    assert_eq!(lookups(), 0);
    server.write_policy("acme/acme.policy", "allow own { action \"a\" resource \"r\" when login.count == 0 }");
    crate::support::eventually("the policy that reads the user", || {
        app.ask("alice", "a", "r");
        lookups() > 0
    });
}
