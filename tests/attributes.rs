//! Several attributes at once, and writes that expect what they replace.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::{Server, Setup, count};

const ALL: &str = "/t/acme/api/v1/abac/users/alice/attributes";
const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";

const JSON: (&str, &str) = ("content-type", "application/json");

fn patch(client: &Client, body: &Value) -> Answer {
    client.send(Method::PATCH, ALL, &[("content-type", "application/merge-patch+json")], body.to_string())
}

fn put(client: &Client, value: &Value, condition: (&str, &str)) -> StatusCode {
    client.send(Method::PUT, PLAN, &[JSON, condition], json!({ "value": value }).to_string()).status
}

#[test]
fn several_are_changed_at_once_or_none() {
    let server = Server::start();
    let admin = server.admin();
    assert_eq!(admin.get(ALL).status, 404, "nobody has stored alice");
    assert_eq!(patch(&admin, &json!({})).json()["attributes"], json!({}));
    assert_eq!(admin.get(ALL).status, 404, "an empty patch makes no user");

    let made = patch(&admin, &json!({ "plan": "pro", "credits": 5, "email": "a@example.com", "none": null }));
    assert_eq!(made.status, 200, "{made:?}");
    assert!(!made.header("sidegate-revision").is_empty());
    let expected =
        json!({ "userId": "alice", "attributes": { "plan": "pro", "credits": 5, "email": "a@example.com" } });
    assert_eq!(made.json(), expected);
    let read = admin.get(ALL);
    assert_eq!((read.json(), read.header("etag")), (expected.clone(), made.header("etag")));

    let wrong = patch(&admin, &json!({ "plan": "free", "Bad Name": 1, "credits": 18446744073709551615u64, "x/y": 1 }));
    assert_eq!(wrong.status, 422);
    let faults = wrong.json()["errors"].as_array().unwrap().clone();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/Bad Name", "/credits", "/x~1y"], "all that is wrong, at once");
    let unchanged = admin.get(ALL);
    assert_eq!((unchanged.json(), unchanged.header("etag")), (expected, made.header("etag")));

    let changed = patch(&admin, &json!({ "plan": null, "credits": 6 }));
    assert_eq!(changed.json()["attributes"], json!({ "credits": 6, "email": "a@example.com" }));
    assert_eq!(admin.get(PLAN).status, 404);
    for (content_type, body, status) in
        [("text/plain", "{}", 415), ("application/json", "[]", 400), ("application/json", "{\"a\": 1, \"a\": 2}", 400)]
    {
        assert_eq!(admin.send(Method::PATCH, ALL, &[("content-type", content_type)], body).status, status);
    }
}

#[test]
fn objects_are_merged_member_by_member() {
    let server = Server::start();
    let admin = server.admin();
    patch(&admin, &json!({ "preferences": { "theme": "dark", "lists": [1, 2], "deep": { "a": 1, "b": 2 } } }));
    let merged = patch(&admin, &json!({ "preferences": { "lists": [3], "deep": { "a": null, "c": 3 }, "new": {} } }));
    let expected = json!({ "theme": "dark", "lists": [3], "deep": { "b": 2, "c": 3 }, "new": {} });
    assert_eq!(merged.json()["attributes"]["preferences"], expected);
    // RFC 7396: what is no object is replaced by one, its nulls left out.
    let replaced = patch(&admin, &json!({ "preferences": "none" }));
    assert_eq!(replaced.json()["attributes"]["preferences"], "none");
    let again = patch(&admin, &json!({ "preferences": { "a": null, "b": 1 } }));
    assert_eq!(again.json()["attributes"]["preferences"], json!({ "b": 1 }));
}

#[test]
fn definitions_hold_for_several_at_once_too() {
    let traits = r#"[{"slug": "plan", "dataType": "string", "allowedValues": ["free", "pro"]}]"#;
    let server = Setup::new().policy("acme/traits.json", traits).start();
    let wrong = patch(&server.admin(), &json!({ "plan": "prp", "free_text": 1 }));
    assert_eq!((wrong.status.as_u16(), wrong.json()["errors"][0]["pointer"].as_str()), (422, Some("/plan")));
    assert_eq!(server.admin().get(ALL).status, 404);
}

#[test]
fn a_write_happens_only_if_what_it_replaces_is_what_was_seen() {
    let server = Server::start();
    let admin = server.admin();
    assert_eq!(put(&admin, &json!("pro"), ("if-match", "*")), 412, "it is not there");
    assert_eq!(put(&admin, &json!("pro"), ("if-none-match", "*")), 201);
    assert_eq!(put(&admin, &json!("free"), ("if-none-match", "*")), 412, "it is there");
    let tag = admin.get(PLAN).header("etag").to_owned();
    assert_eq!(put(&admin, &json!("pro"), ("if-match", &tag)), 200);
    let same = admin.send(Method::PUT, PLAN, &[JSON], json!({ "value": "pro" }).to_string());
    assert_eq!(
        (same.header("etag"), admin.get(PLAN).header("etag")),
        (&*tag, &*tag),
        "the same value is the same thing"
    );
    assert_eq!(put(&admin, &json!("free"), ("if-match", &format!("\"other\", {tag}"))), 200);
    for stale in [&*tag, "\"other\"", &format!("W/{}", admin.get(PLAN).header("etag"))] {
        assert_eq!(put(&admin, &json!("gone"), ("if-match", stale)), 412, "{stale}");
        assert_eq!(admin.send(Method::DELETE, PLAN, &[("if-match", stale)], "").status, 412);
    }
    for nonsense in ["7", "\"a", "a\"", "\"a\", ", ""] {
        assert_eq!(put(&admin, &json!("gone"), ("if-match", nonsense)), 400, "{nonsense:?}");
    }
    assert_eq!(admin.get(PLAN).json()["value"], "free");

    let all = admin.get(ALL).header("etag").to_owned();
    let conditional = |tag: &str| admin.send(Method::PATCH, ALL, &[JSON, ("if-match", tag)], r#"{"credits": 1}"#);
    assert_eq!(conditional("\"other\"").status, 412);
    assert_eq!(conditional(&all).status, 200);
    assert_eq!(conditional(&all).status, 412, "it has changed since");
    let before = admin.get(ALL).header("etag").to_owned();
    let current = admin.get(PLAN).header("etag").to_owned();
    assert_eq!(admin.send(Method::DELETE, PLAN, &[("if-match", &*current)], "").status, 204);
    assert_ne!(admin.get(ALL).header("etag"), before, "one less is another thing");
    assert_eq!(admin.send(Method::DELETE, PLAN, &[("if-match", "*")], "").status, 404);
}

#[test]
fn no_update_is_lost_between_writers() {
    let server = Server::start();
    let (writers, rounds) = (4, count(10, 200));
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let server = &server;
            scope.spawn(move || {
                let admin = server.admin();
                for round in 0..rounds {
                    // Each adds a member of its own to one JSON value.
                    let member = format!("w{writer}_{round}");
                    let patched = patch(&admin, &json!({ "log": { member: round } }));
                    assert_eq!(patched.status, 200, "{patched:?}");
                    // And all count with one number, which is read, raised and written if nobody came in between.
                    loop {
                        let read = admin.get(PLAN);
                        let number = read.json()["value"].as_u64().unwrap_or(0);
                        let condition = match read.header("etag") {
                            "" => ("if-none-match", "*"),
                            tag => ("if-match", tag),
                        };
                        match put(&admin, &json!(number + 1), condition).as_u16() {
                            200 | 201 => break,
                            412 => {}
                            other => panic!("{other}"),
                        }
                    }
                }
            });
        }
    });
    let all = server.admin().get(ALL).json();
    assert_eq!(all["attributes"]["plan"], writers * rounds);
    assert_eq!(all["attributes"]["log"].as_object().unwrap().len(), writers * rounds);
}
