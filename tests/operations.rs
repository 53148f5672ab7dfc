//! Health, metrics and the decision log.

use serde_json::{Value, json};

use crate::support::{Server, Setup};

#[test]
fn metrics_count_what_happened() {
    let server = Server::start();
    let (admin, app) = (server.admin(), server.app("decide"));
    admin.set("alice", "plan", json!("enterprise"));
    admin.set("alice", "email_opt_in", json!(true));
    for _ in 0..3 {
        assert!(app.may("alice", "export", "report"));
    }
    app.may("nobody", "export", "report");
    let answer = server.client(None).get("/metrics");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for line in [
        "sidegate_decisions_total{outcome=\"allow\"} 3",
        "sidegate_decisions_total{outcome=\"deny\"} 1",
        "sidegate_decision_duration_seconds_count 4",
        "sidegate_decision_duration_seconds_bucket{le=\"+Inf\"} 4",
        "sidegate_user_lookups_total{outcome=\"hit\"} 3",
        "sidegate_user_lookups_total{outcome=\"miss\"} 1",
        "sidegate_policy_reloads_total 1",
        "sidegate_policies_stale{tenant=\"acme\"} 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("sidegate_policies{tenant=\"acme\",revision=\""), "{text}");
}

#[test]
fn decisions_are_logged_as_json_lines_without_what_may_be_private() {
    let setup = Setup::new().policy("acme/shadow.policy", "shadow deny everything { action any resource any }");
    let log = setup.folder().join("decisions.jsonl");
    let mut server = setup.args(&["--decision-log", log.to_str().unwrap()]).start();
    let app = server.app("decide");
    let mut question = crate::support::client::question("alice", "export", "report");
    question["subject"]["properties"] = json!({"secret": "hush"});
    let answer = app.json(http::Method::POST, "/t/acme/access/v1/evaluation", &question).json();
    server.signal("-TERM");
    assert!(server.wait().0.success());
    let text = std::fs::read_to_string(log).unwrap();
    assert!(!text.contains("hush"));
    let line: Value = serde_json::from_str(text.trim_end()).expect("one line of JSON");
    assert_eq!(line["decisionId"], answer["context"]["decisionId"]);
    assert_eq!(line["tenant"], "acme");
    assert_eq!(line["shadows"], json!(["everything"]));
    assert_eq!(line["subject"], json!({"type": "user", "id": "alice"}));
    assert_eq!((&line["action"], &line["decision"]), (&json!("export"), &json!(false)));
}

#[test]
fn a_decision_log_on_standard_output_has_it_for_itself() {
    let mut server = Setup::new().args(&["--decision-log", "stdout"]).start();
    let app = server.app("decide");
    app.may("alice", "export", "report");
    app.may("alice", "export", "report");
    server.signal("-TERM");
    let (_, out) = server.wait();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
}

#[test]
fn head_answers_as_get_does() {
    let server = Server::start();
    let head = server.client(None).send(http::Method::HEAD, "/healthz", &[], "");
    assert_eq!((head.status.as_u16(), head.body.len(), head.header("content-length")), (200, 0, "15"));
}
