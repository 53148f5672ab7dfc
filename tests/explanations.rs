//! Why a decision came out as it did: over HTTP for those who may see it, in failing tests, and the nearest single fact.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use sidegate::engine::{RawFile, compile, nearest};
use sidegate::model::{Action, Entity, Facts, Object, Query, Stored};

use crate::support::{Setup, run, sidegate};

const TRAITS: &str = r#"[
    {"slug": "plan", "dataType": "string"},
    {"slug": "risk", "dataType": "number", "sensitive": true}
]"#;

const POLICIES: &str = r#"
allow paying { action "read" resource "report" when user.traits.plan == "pro" AND resource.draft == false }
deny risky { action "read" resource "report" when user.traits.risk > 5 }
"#;

#[test]
fn explanations_show_what_the_caller_may_see() {
    let server = Setup::new().policy("acme/acme.policy", POLICIES).policy("acme/traits.json", TRAITS).start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("free"));
    admin.set("alice", "risk", json!(3));
    let mut question = crate::support::client::question("alice", "read", "report");
    question["resource"]["properties"] = json!({"draft": false});
    let path = "/t/acme/access/v1/evaluation";
    let plain = server.app("decide").json(Method::POST, path, &question).json();
    assert_eq!(plain["context"].get("explanation"), None, "only for those who ask");

    question["options"] = json!({"explain": true});
    let reads = |token: &[&str]| {
        let args: Vec<&str> = ["service-token", "--tenant", "acme"].iter().chain(token).copied().collect();
        let answer = server.client(Some(&server.token(&args))).json(Method::POST, path, &question).json();
        assert_eq!(answer["decision"], false, "{answer}");
        let explanation = &answer["context"]["explanation"];
        let [risky, paying] = [0, 1].map(|place| explanation["candidates"][place].clone());
        assert_eq!((&risky["policy"], &paying["policy"]), (&json!("risky"), &json!("paying")), "denies first");
        assert_eq!((&paying["applies"], &paying["when"]["is"]), (&json!(false), &json!("false")));
        let nearest = &explanation["nearest"];
        assert_eq!((&nearest["path"], &nearest["value"]), (&json!("user.traits.plan"), &json!("pro")), "{nearest}");
        let parts = &paying["when"]["parts"];
        [&risky["when"]["reads"][0], &parts[0]["reads"][0], &parts[1]["reads"][0]].map(Clone::clone)
    };
    let read = |path: &str, value: Value| json!({"path": path, "state": "present", "value": value});
    let masked = |path: &str| json!({"path": path, "state": "present", "masked": true});
    let draft = read("resource.draft", json!(false));
    let (risk, plan) = ("user.traits.risk", "user.traits.plan");
    assert_eq!(reads(&["--scope", "decide"]), [masked(risk), masked(plan), draft.clone()]);
    let reader = ["--scope", "decide", "--scope", "traits:read"];
    assert_eq!(reads(&reader), [masked(risk), read(plan, json!("free")), draft.clone()]);
    let all = ["--scope", "decide", "--scope", "admin"];
    assert_eq!(reads(&all), [read(risk, json!(3)), read(plan, json!("free")), draft]);

    for options in [json!({"explain": "yes"}), json!(true)] {
        question["options"] = options;
        let refused = server.app("decide").json(Method::POST, path, &question);
        assert_eq!(refused.status, 400, "{refused:?}");
    }
}

#[test]
fn the_nearest_fact_is_one_that_turns_the_outcome() {
    let user = r#"{"id": "alice", "traits": {"plan": "free", "age": 17, "tags": ["a"], "banned": true}}"#;
    let cases = [
        (
            "allow a { action any resource any when user.traits.plan == \"pro\" }",
            "user.traits.plan",
            json!("pro"),
            true,
        ),
        (
            "allow a { action any resource any when user.traits.plan IN [\"pro\", \"x\"] }",
            "user.traits.plan",
            json!("pro"),
            true,
        ),
        ("allow a { action any resource any when user.traits.age >= 18 }", "user.traits.age", json!(18), true),
        ("allow a { action any resource any when user.traits.age > 18 }", "user.traits.age", json!(19), true),
        (
            "allow a { action any resource any when user.traits.tags CONTAINS \"b\" }",
            "user.traits.tags",
            json!(["b"]),
            true,
        ),
        ("allow a { action any resource any when has(user.traits.seat) }", "user.traits.seat", json!(true), true),
        ("allow a { action any resource any when missing(user.traits.plan) }", "user.traits.plan", json!(null), true),
        ("allow a { action any resource any when resource.open ?? false }", "resource.open", json!(true), true),
        ("allow a { action any resource any when env.net == \"office\" }", "env.net", json!("office"), true),
        (
            "allow a { action any resource any when user.traits.plan LIKE \"pro*\" }",
            "user.traits.plan",
            json!("pro"),
            true,
        ),
        (
            "allow a { action any resource any }\ndeny b { action any resource any when user.traits.banned }",
            "user.traits.banned",
            json!(false),
            true,
        ),
        (
            "allow a { action any resource any when user.traits.plan == \"free\" }",
            "user.traits.plan",
            json!(null),
            false,
        ),
    ];
    for (policies, path, value, decision) in cases {
        let found = nearest_of(policies, user).unwrap_or_else(|| panic!("there is one: {policies}"));
        assert_eq!((found["path"].clone(), found["value"].clone()), (json!(path), value), "{policies}");
        assert_eq!(found["decision"], decision, "{policies}");
    }
    for policies in [
        "allow a { action any resource any when user.traits.plan == \"pro\" AND user.traits.age > 18 }",
        "allow a { action any resource any when env.hour == 3 }",
        "allow a { action any resource any when user.id == \"bob\" }",
        "deny b { action any resource any }",
    ] {
        assert_eq!(nearest_of(policies, user), None, "no single fact turns it: {policies}");
    }
}

fn nearest_of(policies: &str, user: &str) -> Option<Value> {
    let file = RawFile { name: "a.policy".to_owned(), content: Ok(policies.as_bytes().to_vec()) };
    let program = compile(vec![file], &Arc::default()).program.unwrap();
    let user = Object::parse(user).unwrap();
    let query = Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action::default(),
        resource: Entity::default(),
        context: Object::new(),
        now: "2026-01-07T12:00:00Z".parse().unwrap(),
    };
    let facts = Facts { user: Stored::Present((&user).into()), ..Facts::default() };
    nearest(&program, &query, &facts).map(|nearest| serde_json::to_value(nearest).unwrap())
}

const FAILING: &str =
    "test \"fails & says <why>\" {\n  user { traits: { plan: \"free\" } }\n  expect allow \"read\" on \"report\"\n}\n";

#[test]
fn failing_tests_say_why_to_people_and_to_machines() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.policy"), POLICIES).unwrap();
    std::fs::write(folder.path().join("a_test.policy"), FAILING).unwrap();
    let junit = folder.path().join("junit.xml");
    let (output, out, _) = run(sidegate().arg("test").arg(folder.path()).arg("--junit").arg(&junit));
    assert_eq!(output.status.code(), Some(1));
    for part in ["[user.traits.plan = \"free\"]", "false  user.traits.plan == \"pro\"", "deny risky applies"] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let xml = std::fs::read_to_string(&junit).unwrap();
    for part in ["tests=\"1\"", "failures=\"1\"", "fails &amp; says &lt;why&gt;", "a_test.policy:3"] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let (_, out, _) = run(sidegate().arg("test").arg(folder.path()).arg("--json"));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["failed"], &report["covered"]), (&json!(1), &json!(false)));
    assert!(report["suites"][0]["outcomes"][0]["explanation"].as_str().unwrap().contains("user.traits.plan"));
}

#[test]
fn coverage_is_required_only_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.policy"), "allow a { action any resource any when user.traits.n == 1 }")
        .unwrap();
    let half = "test \"one\" { user { traits: { n: 1 } } expect allow \"a\" on \"t\" }\n";
    let status = |tests: &str, args: &[&str]| {
        std::fs::write(folder.path().join("a_test.policy"), tests).unwrap();
        let (output, out, _) = run(sidegate().arg("test").arg(folder.path()).args(args));
        (output.status.code(), out)
    };
    assert_eq!(status(half, &[]).0, Some(0));
    let (code, out) = status(half, &["--require-coverage"]);
    assert!(code == Some(1) && out.contains("no test sees this be false: user.traits.n == 1"), "{out}");
    let unknown = half.to_owned() + "test \"nobody\" { expect deny \"a\" on \"t\" }\n";
    assert_eq!(status(&unknown, &["--require-coverage"]).0, Some(1), "unknown is not false");
    let whole = half.to_owned() + "test \"two\" { user { traits: { n: 2 } } expect deny \"a\" on \"t\" }\n";
    assert_eq!(status(&whole, &["--require-coverage"]).0, Some(0));
}

#[test]
fn watching_runs_the_tests_again_when_a_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.policy"), POLICIES).unwrap();
    std::fs::write(folder.path().join("a_test.policy"), FAILING).unwrap();
    let mut command = sidegate();
    command.arg("test").arg(folder.path()).arg("--watch").stdout(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "1 expectation, 1 failed"));
    assert!(lines.any(|line| line.starts_with("waiting for a change")));
    std::fs::write(folder.path().join("a_test.policy"), FAILING.replace("allow", "deny")).unwrap();
    assert!(lines.any(|line| line == "1 expectation, 0 failed"));
    watching.kill().unwrap();
    watching.wait().unwrap();
}
