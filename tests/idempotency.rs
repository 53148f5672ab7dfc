//! `Idempotency-Key`: a write that is sent again is carried out once, and answered the same.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup};

const JSON: (&str, &str) = ("content-type", "application/json");
const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";

fn keyed(client: &Client, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.send(method, path, &[JSON, ("idempotency-key", key)], body)
}

fn plan(client: &Client, key: &str, value: &str) -> Answer {
    keyed(client, key, Method::PUT, PLAN, &json!({ "value": value }))
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

/// What a client makes of an answer.
fn essence(answer: &Answer) -> (u16, String, String, String, String) {
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    let header = |name| answer.header(name).to_owned();
    (answer.status.as_u16(), header("etag"), header("sidegate-revision"), header("content-type"), body)
}

fn entries(client: &Client) -> u64 {
    let newest = client.get("/t/acme/api/v1/audit?limit=1").json();
    newest["entries"][0]["seq"].as_u64().unwrap_or(0)
}

#[test]
fn every_write_that_is_sent_again_is_made_once() {
    let mut server = Server::start();
    let admin = server.admin();
    let api = |path: &str| format!("/t/acme/api/v1{path}");
    let users = "/abac/users/alice/attributes";
    let definition = json!({ "slug": "seats", "dataType": "number", "writableBy": ["admin", "user"] });
    let rules = json!([{ "fields": ["seats"], "condition": "always", "required": false }]);
    let writes = [
        (Method::PUT, format!("{users}/plan"), json!({ "value": "pro" }), 201),
        (Method::PUT, format!("{users}/plan"), json!({ "value": "free" }), 200),
        (Method::PATCH, users.to_owned(), json!({ "plan": null, "seats": 7, "trial": true }), 200),
        (Method::DELETE, format!("{users}/trial"), Value::Null, 204),
        (Method::PUT, "/abac/resources/doc/1/attributes".to_owned(), json!({ "owner": "alice", "n": 1 }), 201),
        (Method::PATCH, "/abac/resources/doc/1/attributes".to_owned(), json!({ "n": 2 }), 200),
        (Method::PUT, "/abac/resources/doc/1/attributes/n".to_owned(), json!({ "value": 3 }), 200),
        (Method::DELETE, "/abac/resources/doc/1/attributes/n".to_owned(), Value::Null, 204),
        (Method::DELETE, "/abac/resources/doc/1/attributes".to_owned(), Value::Null, 204),
        (Method::POST, "/abac/attributes".to_owned(), definition.clone(), 201),
        (Method::PUT, "/abac/attributes/seats".to_owned(), definition, 200),
        (Method::PUT, "/profiling/rules".to_owned(), rules, 200),
        (Method::PUT, "/profiling/settings".to_owned(), json!({ "enabled": true, "maxPromptsPerLogin": 2 }), 200),
        (Method::PUT, "/profiling/rules".to_owned(), json!([]), 200),
        (Method::DELETE, "/abac/attributes/seats?force=true".to_owned(), Value::Null, 204),
        (Method::DELETE, "/users/alice".to_owned(), Value::Null, 204),
    ];
    let mut first = Vec::new();
    for (number, (method, path, body, status)) in writes.iter().enumerate() {
        let send = || keyed(&admin, &format!("key-{number}"), method.clone(), &api(path), body);
        let answer = send();
        assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
        assert!(!is_replay(&answer), "{answer:?}");
        let after = entries(&admin);
        let again = send();
        assert_eq!(essence(&again), essence(&answer), "{method} {path}");
        assert!(is_replay(&again), "{again:?}");
        assert_eq!(entries(&admin), after, "{method} {path} was made once");
        first.push(answer);
    }
    // They outlive the process; those about alice went with her.
    server.kill();
    server.restart();
    let admin = server.admin();
    let after = entries(&admin);
    for (number, (method, path, body, _)) in writes.iter().enumerate().filter(|(_, write)| !write.1.starts_with(users))
    {
        let again = keyed(&admin, &format!("key-{number}"), method.clone(), &api(path), body);
        assert_eq!(essence(&again), essence(&first[number]), "{method} {path}");
    }
    assert_eq!(entries(&admin), after, "nothing was made again");
    let anew = keyed(&admin, "key-0", writes[0].0.clone(), &api(&writes[0].1), &writes[0].2);
    assert!(anew.status == 201 && !is_replay(&anew), "nothing of an erased user is kept: {anew:?}");
}

#[test]
fn an_import_that_is_sent_again_is_answered_the_same() {
    let server = Server::start();
    let admin = server.admin();
    let send = |file: &str| {
        let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "night-1")];
        admin.send(Method::POST, "/t/acme/api/v1/users:import", &headers, file.to_owned())
    };
    let file = "{\"userId\":\"alice\",\"traits\":{\"plan\":\"pro\"}}\n";
    let first = send(file);
    assert_eq!(first.status, 200, "{first:?}");
    admin.set("alice", "plan", json!("free"));
    let again = send(file);
    assert_eq!(essence(&again), essence(&first));
    assert!(is_replay(&again));
    assert_eq!(admin.get(PLAN).json()["value"], "free", "what came in between stays");
    assert_eq!(send("{\"userId\":\"bob\"}\n").status, 422, "another file");
    assert_eq!(admin.get("/t/acme/api/v1/users/bob").status, 404);
}

#[test]
fn a_key_stands_for_one_request_of_one_caller_in_one_tenant() {
    let server = Setup::new().policy("beta/beta.policy", "").start();
    let admin = server.admin();
    assert_eq!(plan(&admin, "k", "pro").status, 201);
    let before = entries(&admin);
    let value = &json!({ "value": "pro" });
    let others = [
        plan(&admin, "k", "free"),
        keyed(&admin, "k", Method::DELETE, PLAN, &Value::Null),
        keyed(&admin, "k", Method::PUT, &PLAN.replace("alice", "bob"), value),
        keyed(&admin, "k", Method::PUT, &format!("{PLAN}?x=1"), value),
        admin.send(Method::PUT, PLAN, &[JSON, ("idempotency-key", "k"), ("if-match", "*")], value.to_string()),
    ];
    for other in others {
        assert_eq!(other.status, 422, "{other:?}");
        assert!(other.json()["detail"].as_str().unwrap().contains("a key of its own"), "{other:?}");
    }
    assert_eq!(entries(&admin), before, "nothing was changed");
    assert!(is_replay(&admin.send(Method::PUT, PLAN, &[JSON, ("idempotency-key", "\"k\"")], value.to_string())));

    let in_beta = keyed(&admin, "k", Method::PUT, &PLAN.replace("acme", "beta"), value);
    assert!(in_beta.status == 201 && !is_replay(&in_beta), "another tenant: {in_beta:?}");
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "traits:write"]);
    let of_another = plan(&server.client(Some(&token)), "k", "free");
    assert!(of_another.status == 200 && !is_replay(&of_another), "another caller: {of_another:?}");
    assert_eq!(server.client(None).send(Method::PUT, PLAN, &[("idempotency-key", "k")], "").status, 401);
}

#[test]
fn a_refusal_is_not_kept() {
    let server = Server::start();
    let admin = server.admin();
    let take_away = || keyed(&admin, "k", Method::DELETE, PLAN, &Value::Null);
    assert_eq!(take_away().status, 404);
    admin.set("alice", "plan", json!("pro"));
    assert_eq!(take_away().status, 204);
    let again = take_away();
    assert!(again.status == 204 && is_replay(&again), "{again:?}");
    // What changes nothing is kept: later, it would.
    admin.set("alice", "plan", json!("pro"));
    assert_eq!(plan(&admin, "same", "pro").status, 200);
    admin.set("alice", "plan", json!("free"));
    assert!(is_replay(&plan(&admin, "same", "pro")));
    assert_eq!(admin.get(PLAN).json()["value"], "free");
}

#[test]
fn keys_that_are_none_are_refused() {
    let server = Server::start();
    let admin = server.admin();
    let long = "k".repeat(256);
    for key in ["", "\"\"", "a b", "caf\u{e9}", "a\"b", "\"a", &long] {
        let answer = plan(&admin, key, "pro");
        assert_eq!(answer.status, 400, "{key:?}: {answer:?}");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with("Idempotency-Key must be"), "{answer:?}");
    }
    let twice = [JSON, ("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(admin.send(Method::PUT, PLAN, &twice, "{\"value\": 1}").status, 400);
    assert_eq!(admin.get(PLAN).status, 404, "nothing was changed");
    assert_eq!(plan(&admin, &long[1..], "pro").status, 201);
    assert_eq!(admin.send(Method::GET, PLAN, &[("idempotency-key", "")], "").status, 200, "reads need none");
}

#[test]
fn the_same_request_from_many_at_once_is_made_once() {
    let first = Server::start();
    let servers = [Setup::new().beside(&first).start(), first];
    let token = std::fs::read_to_string(servers[1].data().join("admin-token")).unwrap();
    for round in 0..4 {
        let path = PLAN.replace("plan", &format!("plan_{round}"));
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let send = |number: usize| {
                let client = servers[number % 2].client(Some(token.trim()));
                let headers = [JSON, ("idempotency-key", &format!("k{round}")), ("if-none-match", "*")];
                client.send(Method::PUT, &path, &headers, "{\"value\": 1}")
            };
            let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || send(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| essence(answer) == essence(&answers[0])), "{answers:?}");
        assert_eq!(answers[0].status, 201);
        assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1, "{answers:?}");
    }
}

#[test]
fn clients_that_go_away_find_their_answer() {
    let server = Server::start();
    let admin = server.admin();
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let mut replays = 0;
    for round in 0..30 {
        let body = json!({ "value": round }).to_string();
        let head = format!(
            "PUT {PLAN} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             idempotency-key: k{round}\r\ncontent-length: {}\r\n\r\n{body}",
            token.trim(),
            body.len()
        );
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Somewhere between too early to be heard and the answer.
        std::thread::sleep(Duration::from_micros(200 * round));
        drop(stream);
        let again = keyed(&admin, &format!("k{round}"), Method::PUT, PLAN, &json!({ "value": round }));
        assert!(again.status.as_u16() == if round == 0 { 201 } else { 200 }, "{again:?}");
        replays += usize::from(is_replay(&again));
        assert_eq!(entries(&admin), round + 1, "each was made once");
    }
    assert!(replays > 0, "some were carried out although nobody waited");
}

#[test]
fn what_was_carried_out_is_not_carried_out_again_even_if_its_answer_is_lost() {
    let server = Server::start();
    let admin = server.admin();
    assert_eq!(plan(&admin, "k", "pro").status, 201);
    admin.set("alice", "plan", json!("free"));
    server.execute("UPDATE idempotency_keys SET answer = NULL");
    let answer = plan(&admin, "k", "pro");
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().contains("look at what is there"), "{answer:?}");
    assert_eq!(admin.get(PLAN).json()["value"], "free");
    // After a day, a key is a new one.
    server.execute("UPDATE idempotency_keys SET at = '2026-01-01T00:00:00.000000000Z'");
    let anew = plan(&admin, "k", "pro");
    assert!(anew.status == 200 && !is_replay(&anew), "{anew:?}");
}
