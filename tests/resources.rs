//! Stored attributes of resources, and decisions that follow them.

use http::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, question};
use crate::support::{Server, Setup, eventually};

const POLICY: &str = r#"
allow owner { action "edit" resource "doc" when resource.owner == user.id AND resource.locked != true }
allow plain { action "view" resource "doc" when user.traits.plan == "pro" }
"#;
const DOC: &str = "/t/acme/api/v1/abac/resources/doc/7/attributes";
const EVALUATION: &str = "/t/acme/access/v1/evaluation";

fn server() -> Server {
    let server = Setup::new().policy("acme/acme.policy", POLICY).start();
    server.admin().set("alice", "plan", json!("pro"));
    server
}

fn json(client: &Client, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let answer = client.json(method, path, body);
    (answer.status.as_u16(), if answer.body.is_empty() { Value::Null } else { answer.json() })
}

#[test]
fn decisions_follow_what_is_stored_of_a_resource() {
    let server = server();
    let (admin, app) = (server.admin(), server.app("decide"));
    assert!(!app.may("alice", "edit", "doc"), "nothing is stored");
    assert_eq!(json(&admin, Method::PUT, DOC, &json!({ "owner": "alice", "locked": false })).0, 201);
    assert!(app.may("alice", "edit", "doc"));
    assert_eq!(json(&admin, Method::PATCH, DOC, &json!({ "locked": true })).0, 200);
    assert!(!app.may("alice", "edit", "doc"));
    assert_eq!(json(&admin, Method::PUT, &format!("{DOC}/locked"), &json!({ "value": false })).0, 200);
    assert!(app.may("alice", "edit", "doc"));

    // What the request says of an attribute stands before what is stored, null included.
    for (properties, expected) in [
        (json!({ "owner": "bob" }), false),
        (json!({ "locked": true }), false),
        (json!({ "owner": null }), false),
        (json!({ "owner": "alice", "locked": false }), true),
        (json!({ "unrelated": 1 }), true),
    ] {
        let mut body = question("alice", "edit", "doc");
        body["resource"]["properties"] = properties.clone();
        let answer = app.json(Method::POST, EVALUATION, &body);
        assert_eq!(answer.json()["decision"], expected, "{properties}");
    }
    assert_eq!(admin.delete(&format!("{DOC}/owner")).status, 204);
    assert!(!app.may("alice", "edit", "doc"));
    assert_eq!(admin.delete(DOC).status, 204);
    assert_eq!(admin.get(DOC).status, 404);
    assert!(!app.may("alice", "edit", "doc"));
}

#[test]
fn attributes_are_read_replaced_merged_and_deleted() {
    let server = server();
    let admin = server.admin();
    assert_eq!(admin.get(DOC).status, 404);
    assert_eq!(admin.delete(DOC).status, 404);
    let put = admin.json(Method::PUT, DOC, &json!({ "owner": "alice", "tags": { "a": 1, "b": 2 } }));
    let expected = json!({ "type": "doc", "id": "7", "attributes": { "owner": "alice", "tags": { "a": 1, "b": 2 } } });
    assert_eq!((put.status.as_u16(), put.json()), (201, expected.clone()));
    let read = admin.get(DOC);
    assert_eq!((read.json(), read.header("etag")), (expected, put.header("etag")));
    let one = admin.get(&format!("{DOC}/owner")).json();
    assert_eq!(one, json!({ "type": "doc", "id": "7", "attributeSlug": "owner", "value": "alice" }));
    assert_eq!(admin.get(&format!("{DOC}/nothing")).status, 404);
    assert_eq!(admin.delete(&format!("{DOC}/nothing")).status, 404);

    let tag = read.header("etag").to_owned();
    let conditional = |tag: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        admin.send(Method::PATCH, DOC, &headers, r#"{"tags": {"a": null, "c": 3}}"#)
    };
    assert_eq!(conditional("\"0\"").status, 412);
    assert_eq!(conditional(&tag).json()["attributes"]["tags"], json!({ "b": 2, "c": 3 }));
    assert_eq!(conditional(&tag).status, 412, "it has changed since");

    for (body, pointer) in [
        (json!({ "Bad": 1, "owner": null }), "/Bad"),
        (json!({ "n": 18446744073709551615u64 }), "/n"),
        (json!({ "long": "x".repeat(64 << 10) }), "/long"),
    ] {
        let (status, problem) = json(&admin, Method::PUT, DOC, &body);
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{problem}");
    }
    assert_eq!(admin.get(&format!("{DOC}/owner")).json()["value"], "alice", "a refusal changes nothing");
    let odd = "/t/acme/api/v1/abac/resources/a%2Fb/%C3%BC%20%7C/attributes";
    assert_eq!(json(&admin, Method::PUT, odd, &json!({})).0, 201);
    assert_eq!(admin.get(odd).json(), json!({ "type": "a/b", "id": "ü |", "attributes": {} }));
    assert_eq!(admin.get("/t/acme/api/v1/abac/resources/doc/a%0Ab/attributes").status, 400);
    assert_eq!(server.app("traits:read").delete(DOC).status, 403);

    let trail = admin.get("/t/acme/api/v1/audit?action=resource.set").json();
    assert_eq!(trail["entries"][1]["target"], "doc/7", "{trail}");
}

#[test]
fn a_resource_is_looked_up_only_if_it_can_make_a_difference() {
    let server = server();
    let (admin, app) = (server.admin(), server.app("decide"));
    let lookups = || {
        let metrics = String::from_utf8(server.client(None).get("/metrics").body.to_vec()).unwrap();
        let counts = metrics.lines().filter_map(|line| line.strip_prefix("sidegate_resource_lookups_total"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    app.may("alice", "edit", "doc");
    assert_eq!(lookups(), 0, "no resource of this type is stored");
    json(&admin, Method::PUT, DOC, &json!({ "owner": "alice" }));
    app.may("alice", "edit", "doc");
    assert_eq!(lookups(), 1);
    app.may("alice", "edit", "report");
    let mut body = question("alice", "edit", "doc");
    body["resource"]["properties"] = json!({ "owner": "bob", "locked": false });
    app.json(Method::POST, EVALUATION, &body);
    assert_eq!(lookups(), 1, "another type; a request that supplies all that is read");
}

#[test]
fn another_process_and_another_start_know_it_too() {
    let mut server = server();
    let other = Setup::new().policy("acme/acme.policy", POLICY).beside(&server).start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let (admin, there) = (server.admin(), other.client(Some(&token)));
    assert!(!there.may("alice", "edit", "doc"));
    json(&admin, Method::PUT, DOC, &json!({ "owner": "alice", "locked": false }));
    eventually("the change at the other", || there.may("alice", "edit", "doc"));
    json(&admin, Method::PUT, DOC, &json!({ "owner": "bob" }));
    eventually("the second change at the other", || !there.may("alice", "edit", "doc"));
    json(&admin, Method::PUT, DOC, &json!({ "owner": "alice", "locked": false }));
    drop(other);
    server.kill();
    server.restart();
    assert!(server.app("decide").may("alice", "edit", "doc"));
}

#[test]
fn what_the_store_does_not_answer_is_unknown_and_never_absent() {
    let policy = "allow open { action \"view\" resource \"doc\" when missing(resource.closed) }";
    let server = Setup::new().policy("acme/acme.policy", policy).start();
    let (admin, app) = (server.admin(), server.app("decide"));
    json(&admin, Method::PUT, DOC, &json!({ "closed": true }));
    assert!(!app.may("alice", "view", "doc"));
    let ask = |id: &str| {
        let mut body = question("alice", "view", "doc");
        body["resource"]["id"] = json!(id);
        app.json(Method::POST, EVALUATION, &body).json()["decision"] == true
    };
    assert!(ask("8"), "nothing is stored of it");
    server.execute("ALTER TABLE resources RENAME TO hidden");
    assert!(!ask("9"), "nobody can say that nothing is stored of it");
    assert!(ask("8"), "what is in memory still counts");
    let write = admin.json(Method::PUT, DOC, &json!({ "closed": false }));
    assert_eq!(write.status, 503, "{write:?}");
    server.execute("ALTER TABLE hidden RENAME TO resources");
    eventually("the store to answer again", || ask("9"));
}
