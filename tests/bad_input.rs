//! Every kind of bad input, over HTTP; none of it changes anything.

use http::Method;
use serde_json::{Value, json};

use crate::support::client::question;
use crate::support::{Answer, Client, Server};

const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";
const EVALUATION: &str = "/t/acme/access/v1/evaluation";

/// A server where alice has a plan, which is still the same when the test is over.
struct Unchanged {
    server: Server,
    admin: Client,
}

impl Unchanged {
    fn new() -> Self {
        let server = Server::start();
        let admin = server.admin();
        admin.set("alice", "plan", json!("before"));
        Self { server, admin }
    }

    fn put(&self, path: &str, headers: &[(&str, &str)], body: impl Into<hyper::body::Bytes>) -> Answer {
        self.admin.send(Method::PUT, path, headers, body)
    }

    fn put_json(&self, body: impl Into<hyper::body::Bytes>) -> Answer {
        self.put(PLAN, &[("content-type", "application/json")], body)
    }
}

impl Drop for Unchanged {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let plan = self.admin.get(PLAN);
            assert_eq!((plan.json()["value"].clone(), plan.header("etag")), (json!("before"), "\"1\""));
        }
    }
}

fn problem(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["status"], status);
    assert!(body["detail"].as_str().unwrap().contains(says), "{body}");
    assert!(body["instance"].as_str().unwrap().starts_with('/'), "{body}");
}

fn message(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert!(body.as_str().expect("a JSON string").contains(says), "{body}");
}

#[test]
fn callers_without_a_good_token_are_challenged() {
    let unchanged = Unchanged::new();
    let server = &unchanged.server;
    let nobody = server.client(None);
    let answer = nobody.json(Method::PUT, PLAN, &json!({"value": "x"}));
    problem(&answer, 401, "Authorization: Bearer");
    let metadata = format!("http://{}/.well-known/oauth-protected-resource/t/acme", server.address);
    let challenge = |error: &str| format!("Bearer realm=\"sidegate\"{error}, resource_metadata=\"{metadata}\"");
    assert_eq!(answer.header("www-authenticate"), challenge(""));
    for wrong in ["nonsense", "sgt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "a.b.c", "ü"] {
        let answer = server.client(Some(wrong)).json(Method::PUT, PLAN, &json!({"value": "x"}));
        assert_eq!(answer.status, 401, "{wrong}");
    }
    let answer = server.client(Some("nonsense")).json(Method::POST, EVALUATION, &question("alice", "a", "b"));
    message(&answer, 401, "unknown, expired or revoked");
    assert_eq!(answer.header("www-authenticate"), challenge(", error=\"invalid_token\""));
    // Another scheme, the scheme alone, two tokens.
    for (headers, status) in [
        (&[("authorization", "Basic YTpi")][..], 401),
        (&[("authorization", "Bearer")], 401),
        (&[("authorization", "Bearer a"), ("authorization", "Bearer b")], 400),
    ] {
        assert_eq!(nobody.send(Method::GET, PLAN, headers, "").status, status, "{headers:?}");
    }
}

#[test]
fn the_wrong_kind_of_caller_is_refused() {
    let unchanged = Unchanged::new();
    let server = &unchanged.server;
    let own = server.user("alice").json(Method::PUT, PLAN, &json!({"value": "x"}));
    problem(&own, 403, "traits:write");
    assert!(own.header("www-authenticate").contains("insufficient_scope"));
    problem(&server.app("decide").json(Method::PUT, PLAN, &json!({"value": "x"})), 403, "traits:write");
    problem(&server.app("traits:read").delete(PLAN), 403, "traits:write");
    message(&server.app("traits:write").ask("alice", "a", "b"), 403, "decide");
    message(&server.user("alice").ask("alice", "a", "b"), 403, "decide");
    problem(&server.admin().get("/t/acme/api/v1/abac/my-attributes"), 403, "users");
}

#[test]
fn a_tenant_that_is_not_there_looks_like_one_of_others() {
    let unchanged = Unchanged::new();
    let server = &unchanged.server;
    let path = |tenant: &str| format!("/t/{tenant}/api/v1/abac/users/alice/attributes/plan");
    for tenant in ["acme", "nobody", "NOT-A-TENANT", "%00", "%C0%AF"] {
        assert_eq!(server.client(None).get(&path(tenant)).status, 401, "{tenant}");
    }
    let app = server.app("traits:read");
    for tenant in ["nobody", "NOT-A-TENANT", "%00", &"x".repeat(300)] {
        problem(&app.get(&path(tenant)), 404, "no such tenant");
        problem(&unchanged.admin.get(&path(tenant)), 404, "no such tenant");
    }
}

#[test]
fn paths_that_name_nothing_are_told_apart() {
    let unchanged = Unchanged::new();
    let admin = &unchanged.admin;
    problem(&admin.get("/t/acme/api/v1/abac/users/alice"), 404, "nothing at this path");
    problem(&admin.get("/nothing"), 404, "nothing");
    for slug in ["Plan", "1a", "a-b", "%C3%A4", &"a".repeat(64)] {
        let path = format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}");
        problem(&unchanged.put(&path, &[("content-type", "application/json")], r#"{"value": 1}"#), 400, "a slug is");
    }
    for user in ["%00", "%0A", &"u".repeat(256)] {
        let path = format!("/t/acme/api/v1/abac/users/{user}/attributes/plan");
        problem(&unchanged.put(&path, &[("content-type", "application/json")], r#"{"value": 1}"#), 400, "a user id is");
    }
    problem(&admin.get("/t/acme/api/v1/abac/users/%FF/attributes/plan"), 400, "UTF-8");
    problem(&admin.get("/t/acme/api/v1/abac/users/alice/attributes/nothing"), 404, "no such attribute");
    problem(&admin.delete("/t/acme/api/v1/abac/users/alice/attributes/nothing"), 404, "no such attribute");
    problem(&admin.delete("/t/acme/api/v1/abac/users/nobody/attributes/plan"), 404, "no such attribute");
}

#[test]
fn wrong_methods_are_told_the_right_ones() {
    let unchanged = Unchanged::new();
    let answer = unchanged.admin.json(Method::POST, PLAN, &json!({"value": "x"}));
    problem(&answer, 405, "this path takes");
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, PUT");
    let answer = unchanged.server.client(None).get(EVALUATION);
    message(&answer, 405, "POST");
    assert_eq!(answer.header("allow"), "POST");
}

#[test]
fn bodies_that_are_no_usable_json_are_refused_with_the_place() {
    let unchanged = Unchanged::new();
    problem(&unchanged.put_json("{\"value\": "), 400, "line 1 column");
    problem(&unchanged.put_json(""), 400, "empty");
    problem(&unchanged.put_json("[1]"), 400, "object");
    problem(&unchanged.put_json(r#"{"value": 1} x"#), 400, "trailing");
    problem(&unchanged.put_json(r#"{"value": 1, "value": 2}"#), 400, "\"value\" is given twice");
    problem(&unchanged.put_json(r#"{"value": {"a": {"b": 1, "b": 2}}}"#), 400, "\"b\" is given twice");
    problem(&unchanged.put_json(&b"{\"value\": \"\xff\"}"[..]), 400, "not UTF-8 after byte 11");
    problem(&unchanged.put_json(r#"{"value": "\ud800"}"#), 400, "line 1 column");
    problem(&unchanged.put_json(r#"{"value": 1e400}"#), 400, "out of range");
    let deep = format!("{{\"value\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    problem(&unchanged.put_json(deep), 400, "recursion limit");
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        problem(&unchanged.put(PLAN, &[("content-type", content_type)], r#"{"value": 1}"#), 415, "application/json");
    }
    problem(&unchanged.put(PLAN, &[], r#"{"value": 1}"#), 415, "application/json");
}

#[test]
fn values_that_no_trait_has_are_refused_with_a_pointer() {
    let unchanged = Unchanged::new();
    let invalid = |body: Value, code: &str| {
        let answer = unchanged.put_json(body.to_string());
        problem(&answer, 422, "");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/value");
        assert_eq!(answer.json()["errors"][0]["code"], code);
    };
    invalid(json!({}), "missing");
    invalid(json!({"valu": 1}), "missing");
    invalid(json!({ "value": null }), "null_value");
    invalid(json!({"value": 18_446_744_073_709_551_615_u64}), "integer_too_large");
    invalid(json!({"value": [9_223_372_036_854_775_808_u64]}), "integer_too_large");
    invalid(json!({"value": "x".repeat(65_535)}), "value_too_large");
    for integer in ["18446744073709551616", "-9223372036854775809"] {
        let answer = unchanged.put_json(format!("{{\"value\": {integer}}}"));
        assert_eq!(answer.json()["errors"][0]["code"], "integer_too_large", "{integer}");
    }
}

#[test]
fn a_body_of_eight_mebibytes_is_refused_and_the_client_gets_to_know() {
    let unchanged = Unchanged::new();
    let huge = format!("{{\"value\": \"{}\"}}", "x".repeat(8 << 20));
    problem(&unchanged.put_json(huge.clone()), 413, "1048576");
    let nobody = unchanged.server.client(None);
    let answer = nobody.send(Method::PUT, PLAN, &[("content-type", "application/json")], huge);
    problem(&answer, 401, "Bearer");
}

#[test]
fn a_user_has_at_most_a_thousand_traits() {
    let unchanged = Unchanged::new();
    for number in 0..1000 {
        unchanged.admin.set("full", &format!("t{number}"), json!(number));
    }
    let path = |slug: &str| format!("/t/acme/api/v1/abac/users/full/attributes/{slug}");
    let one_more = unchanged.admin.json(Method::PUT, &path("one_more"), &json!({"value": 1}));
    problem(&one_more, 422, "at most 1000");
    unchanged.admin.set("full", "t7", json!("still changeable"));
}

#[test]
fn questions_that_are_none_are_refused_with_the_member() {
    let unchanged = Unchanged::new();
    let app = unchanged.server.app("decide");
    let ask = |body: Value| app.json(Method::POST, EVALUATION, &body);
    let good = question("alice", "export", "report");
    for (pointer, says) in [
        ("/subject", "\"subject\" is missing"),
        ("/action", "\"action\" is missing"),
        ("/resource", "\"resource\" is missing"),
        ("/subject/type", "\"subject.type\" is missing"),
        ("/subject/id", "\"subject.id\" is missing"),
        ("/action/name", "\"action.name\" is missing"),
        ("/resource/type", "\"resource.type\" is missing"),
        ("/resource/id", "\"resource.id\" is missing"),
    ] {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let mut without = good.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member);
        message(&ask(without), 400, says);
        for wrong in [json!(1), json!([]), Value::Null, json!(true)] {
            let mut body = good.clone();
            *body.pointer_mut(pointer).unwrap() = wrong;
            message(&ask(body), 400, "must be");
        }
    }
    for member in ["/subject/properties", "/action/properties", "/resource/properties", "/context"] {
        let (parent, name) = member.rsplit_once('/').unwrap();
        let mut body = good.clone();
        body.pointer_mut(parent).unwrap()[name] = json!("text");
        message(&ask(body), 400, "must be an object");
    }
    message(&ask(json!([])), 400, "object");
    let send = |content_type: &str, body: &'static str| {
        app.send(Method::POST, EVALUATION, &[("content-type", content_type)], body)
    };
    message(&send("text/plain", "{}"), 400, "application/json");
    message(&send("application/json", ""), 400, "empty");
    message(&send("application/json", "{"), 400, "line 1");
    for twice in [
        r#"{"subject": {}, "subject": {}}"#,
        r#"{"subject": {"id": "a", "id": "b"}}"#,
        r#"{"subject": {"properties": {"a": 1, "a": 2}}}"#,
        r#"{"nobody knows this": 1, "nobody knows this": 2}"#,
        r#"{"action": {"nor this": {}, "nor this": {}}}"#,
        r#"{"resource": [{"a": 1, "a": 2}]}"#,
        r#"{"nor this": {"a": [{"b": 1, "b": 2}]}}"#,
        r#"{"context": {"a": 1, "\u0061": 2}}"#,
    ] {
        message(&send("application/json", twice), 400, "given twice");
    }
    assert_eq!(send("Application/JSON; charset=utf-8", "{}").status, 400);
    assert!(ask(good).status.is_success());
}

#[test]
fn members_have_names_and_come_in_objects() {
    let server = Server::start();
    let admin = server.admin();
    for (path, body, pointer) in [
        ("profiling/settings", json!([true, 3]), ""),
        ("profiling/settings", json!([]), ""),
        ("profiling/rules", json!([[["job_title"], "missing"]]), "/0"),
        ("abac/attributes/plan", json!(["plan", "traits"]), ""),
    ] {
        let answer = admin.json(Method::PUT, &format!("/t/acme/api/v1/{path}"), &body);
        assert_eq!(answer.status, 422, "{path} {body}: {answer:?}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["detail"]),
            (&json!(pointer), &json!("this must be an object")),
            "{body}"
        );
    }
}
