//! Tenants as those see them who run the instance: made, suspended, taken away with all of their data.

use std::io::{Read, Write};

use http::Method;
use serde_json::{Value, json};

use crate::support::client::question;
use crate::support::redis::Redis;
use crate::support::{Answer, Client, Server, Setup, eventually};

const TENANTS: &str = "/api/v1/tenants";

fn create(admin: &Client, id: &str) -> Answer {
    admin.json(Method::POST, TENANTS, &json!({ "id": id }))
}

fn suspend(admin: &Client, id: &str, suspended: bool) -> Answer {
    admin.json(Method::PATCH, &format!("{TENANTS}/{id}"), &json!({ "suspended": suspended }))
}

fn names(admin: &Client) -> Vec<String> {
    let list = admin.get(TENANTS).json();
    list["tenants"].as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap().to_owned()).collect()
}

fn set(admin: &Client, tenant: &str, value: Value) -> Answer {
    let path = format!("/t/{tenant}/api/v1/abac/users/alice/attributes/plan");
    admin.json(Method::PUT, &path, &json!({ "value": value }))
}

fn plan(admin: &Client, tenant: &str) -> Answer {
    admin.get(&format!("/t/{tenant}/api/v1/abac/users/alice/attributes/plan"))
}

#[test]
fn a_tenant_is_made_and_denies_until_it_has_policies() {
    let mut server = Server::start();
    let admin = server.admin();
    let made = create(&admin, "fresh");
    assert_eq!((made.status.as_u16(), &made.json()["suspended"]), (201, &json!(false)), "{made:?}");
    assert_eq!(names(&admin), ["acme", "fresh"]);
    assert_eq!(create(&admin, "fresh").status, 409);
    assert_eq!(set(&admin, "fresh", json!("pro")).status, 201);
    let answer = admin.json(Method::POST, "/t/fresh/access/v1/evaluation", &question("alice", "read", "report"));
    assert_eq!((answer.status.as_u16(), &answer.json()["decision"]), (200, &json!(false)));
    server.restart();
    assert_eq!(names(&server.admin()), ["acme", "fresh"]);
    for (body, status) in [
        (json!({}), 422),
        (json!({ "id": "Fresh" }), 422),
        (json!({ "id": "-a" }), 422),
        (json!({ "id": "" }), 422),
        (json!({ "id": "a".repeat(64) }), 422),
        (json!({ "id": "a", "suspended": true }), 422),
        (json!({ "id": 7 }), 422),
    ] {
        assert_eq!(server.admin().json(Method::POST, TENANTS, &body).status, status, "{body}");
    }
    assert_eq!(server.admin().get(&format!("{TENANTS}/nobody")).status, 404);
    assert_eq!(server.admin().get(&format!("{TENANTS}/NOBODY")).status, 404);
}

#[test]
fn a_tenant_that_is_suspended_decides_nothing_and_answers_nobody() {
    let server = Server::start();
    let admin = server.admin();
    for (slug, value) in [("plan", json!("enterprise")), ("email_opt_in", json!(true))] {
        admin.set("alice", slug, value);
    }
    let (app, own) = (server.app("decide"), server.app("admin"));
    assert!(app.may("alice", "read", "report"));
    let second = Setup::new().beside(&server).start();
    let elsewhere = second.client(Some(&server.token(&["service-token", "--tenant", "acme", "--scope", "decide"])));
    assert!(elsewhere.may("alice", "read", "report"));

    assert_eq!(suspend(&admin, "acme", true).status, 200);
    let answer = app.ask("alice", "read", "report");
    assert_eq!((answer.status.as_u16(), &answer.json()["decision"]), (200, &json!(false)));
    assert_eq!(answer.json()["context"]["reason"], "the tenant acme is suspended");
    assert_eq!(own.get("/t/acme/api/v1/users").status, 403);
    assert_eq!(server.client(None).get("/t/acme/portal/sign-in").status, 403);
    assert_eq!(server.user("alice").get("/t/acme/api/v1/abac/my-attributes").status, 403);
    assert_eq!(admin.get("/t/acme/api/v1/users").status, 200, "those who run the instance look after it");
    eventually("the other sidecar to follow", || !elsewhere.may("alice", "read", "report"));
    assert!(admin.get(&format!("{TENANTS}/acme")).json()["suspendedAt"].is_string());

    assert_eq!(suspend(&admin, "acme", false).status, 200);
    assert!(app.may("alice", "read", "report"));
    eventually("the other sidecar to follow", || elsewhere.may("alice", "read", "report"));
    let trail = admin.get("/t/acme/api/v1/audit").json();
    let actions: Vec<_> = trail["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert!(actions.contains(&&json!("tenant.suspend")) && actions.contains(&&json!("tenant.resume")), "{actions:?}");
    assert_eq!(suspend(&admin, "nobody", true).status, 404);
}

#[test]
fn a_tenant_that_is_deleted_is_gone_with_all_it_had_and_nothing_of_another() {
    let redis = Redis::start();
    let setup = || Setup::new().args(&["--redis", &redis.url()]);
    let server = setup().start();
    let second = setup().beside(&server).start();
    let admin = server.admin();
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let elsewhere = second.client(Some(token.trim()));
    create(&admin, "gone");
    eventually("both to know it", || set(&elsewhere, "gone", json!("pro")).status.is_success());
    set(&admin, "acme", json!("enterprise"));
    let resource = "/t/gone/api/v1/abac/resources/doc/7/attributes/owner";
    assert_eq!(admin.json(Method::PUT, resource, &json!({ "value": "alice" })).status, 201);
    let made = admin.json(Method::POST, "/t/gone/api/v1/tokens", &json!({ "scopes": ["admin"] })).json();
    let theirs = server.client(made["token"].as_str());
    assert_eq!(theirs.get("/t/gone/api/v1/users").status, 200);
    for admin in [&admin, &elsewhere] {
        assert_eq!(plan(admin, "gone").json()["value"], "pro");
    }

    assert_eq!(admin.delete(&format!("{TENANTS}/gone")).status, 204);
    assert_eq!(names(&admin), ["acme"]);
    assert_eq!(admin.get("/t/gone/api/v1/users").status, 404);
    assert_eq!(theirs.get("/t/gone/api/v1/users").status, 401, "its tokens are gone");
    eventually("the other sidecar to follow", || elsewhere.get("/t/gone/api/v1/users").status == 404);
    assert_eq!(admin.delete(&format!("{TENANTS}/gone")).status, 404);
    assert_eq!(plan(&admin, "acme").json()["value"], "enterprise");

    // Another of the same name has nothing of it: not in memory, not in Redis, not in the trail.
    assert_eq!(create(&admin, "gone").status, 201);
    eventually("both to know it", || elsewhere.get("/t/gone/api/v1/users").status == 200);
    for admin in [&admin, &elsewhere] {
        assert_eq!(admin.get("/t/gone/api/v1/users").json()["users"], json!([]));
        assert_eq!(plan(admin, "gone").status, 404);
        assert_eq!(admin.get(resource).status, 404);
        assert_eq!(admin.get("/t/gone/api/v1/audit").json()["entries"], json!([]));
    }
    let third = setup().beside(&server).start();
    let later = third.client(Some(token.trim()));
    assert_eq!(plan(&later, "gone").status, 404);
}

#[test]
fn whoever_was_let_in_before_a_tenant_went_leaves_nothing_of_it() {
    let server = Server::start();
    let admin = server.admin();
    create(&admin, "gone");
    let made = admin.json(Method::POST, "/t/gone/api/v1/tokens", &json!({ "scopes": ["admin"] })).json();
    let token = made["token"].as_str().unwrap();
    let writes = [
        ("POST", "tokens", r#"{"scopes":["admin"]}"#),
        ("PUT", "abac/users/alice/attributes/plan", r#"{"value":"pro"}"#),
        ("PUT", "settings", r#"{"timeZone":"UTC"}"#),
        ("POST", "abac/attributes", r#"{"slug":"seats","dataType":"number"}"#),
    ];
    // The heads come before, the bodies after.
    let begun: Vec<_> = writes
        .iter()
        .map(|(method, path, body)| {
            let mut stream = std::net::TcpStream::connect(server.address).unwrap();
            let length = body.len();
            let head = format!(
                "{method} /t/gone/api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(admin.delete(&format!("{TENANTS}/gone")).status, 204);
    for (mut stream, (_, path, body)) in begun.into_iter().zip(writes) {
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    assert_eq!(names(&admin), ["acme"]);
    create(&admin, "gone");
    assert_eq!(admin.get("/t/gone/api/v1/tokens").json()["tokens"], json!([]));
    assert_eq!(admin.get("/t/gone/api/v1/users").json()["users"], json!([]));
}

#[test]
fn a_tenant_with_policies_is_not_deleted_by_mistake() {
    let server = Server::start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("pro"));
    let refused = admin.delete(&format!("{TENANTS}/acme"));
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().contains("policies/acme"), "{refused:?}");
    assert_eq!(plan(&admin, "acme").json()["value"], "pro");
    std::fs::remove_dir_all(server.policies().join("acme")).unwrap();
    assert_eq!(admin.delete(&format!("{TENANTS}/acme")).status, 204);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(names(&admin), Vec::<String>::new(), "it does not come back");
}
