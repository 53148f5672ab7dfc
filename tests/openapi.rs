//! The OpenAPI document: complete, true, and readable.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use sidegate::http::{ROUTES, openapi};

use crate::support::contract::validator;
use crate::support::{Answer, Server, Setup};

/// All operations: path, method and what is said of it.
fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, said)| {
            (path.clone(), Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(), said)
        })
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_route_is_described_once() {
    let described: BTreeSet<(String, String)> = operations(&openapi("https://acme.example"))
        .into_iter()
        .map(|(path, method, _)| (path, method.to_string()))
        .collect();
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|route| (route.paths()[0].replace("{*", "{"), route.method.to_string())).collect();
    assert_eq!(described, routes);
}

#[test]
fn the_document_is_served_with_the_server_s_own_address() {
    let server = Server::start();
    let answer = server.client(None).get("/openapi.json");
    assert_eq!(answer.header("content-type"), "application/vnd.oai.openapi+json;version=3.1");
    assert_eq!(answer.json(), openapi(&format!("http://{}", server.address)));
    let page = server.client(None).get("/docs");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    for (path, _, said) in operations(&answer.json()) {
        let id = said["operationId"].as_str().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")) && text.contains(&path), "{id}");
    }
    assert!(!text.contains("<script"));
}

#[test]
fn examples_fit_their_schemas() {
    let document = openapi("https://acme.example");
    for (path, method, said) in operations(&document) {
        for (media_type, body) in said["requestBody"]["content"].as_object().into_iter().flatten() {
            let fits = validator(&body["schema"]).validate(&body["example"]).map_err(|error| error.to_string());
            assert_eq!(fits, Ok(()), "{method} {path}, {media_type}");
        }
        for parameter in said["parameters"].as_array().unwrap() {
            if let Some(example) = parameter.get("example") {
                assert!(validator(&parameter["schema"]).is_valid(example), "{method} {path}: {parameter}");
            }
        }
    }
}

/// The examples of the document, sent as they stand there.
struct Examples {
    server: Server,
    admin: String,
    user: String,
    token_id: String,
}

impl Examples {
    fn send(&self, path: &str, method: &Method, said: &Value, body: Option<(&String, &Value)>) -> Answer {
        let mut path = path.to_owned();
        let mut headers: Vec<(&str, String)> = Vec::new();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in said["parameters"].as_array().unwrap() {
            let (name, example) = (parameter["name"].as_str().unwrap_or_default(), &parameter["example"]);
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            match parameter["in"].as_str() {
                Some("path") => {
                    let own = match name {
                        "id" if path.contains("/tokens/") => &self.token_id,
                        _ => &text,
                    };
                    path = path.replace(&format!("{{{name}}}"), own);
                }
                Some("query") if example.is_object() => {
                    let members = example.as_object().unwrap().iter();
                    query.extend_pairs(members.map(|(name, value)| (name, value.as_str().unwrap())));
                }
                Some("header") if !example.is_null() => headers.push((name, text)),
                Some("query") if !example.is_null() => drop(query.append_pair(name, &text)),
                _ => {}
            }
        }
        let query = query.finish();
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        let ways = said["security"].as_array().unwrap();
        let is_users = ways.contains(&json!({ "accessToken": [] }));
        let is_own = is_users && ways.iter().all(|way| way.get("serviceToken").is_none());
        let client = self.server.client(Some(if is_own { &self.user } else { &self.admin }));
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let Some((media_type, body)) = body else { return client.send(method.clone(), &path, &headers, "") };
        headers.push(("content-type", media_type));
        let text = body["example"].as_str().map_or_else(|| body["example"].to_string(), str::to_owned);
        client.send(method.clone(), &path, &headers, text)
    }
}

/// What makes something comes before what changes and reads it, and that before what takes it away; the whole is made
/// before its parts, and taken away after them.
fn turn(path: &str, method: &Method, said: &Value) -> (u8, bool) {
    let order = match *method {
        // For a rule that there is.
        _ if said["operationId"] == "postTicket" => 2,
        Method::POST => 0,
        Method::PUT => 1,
        Method::PATCH => 2,
        Method::GET => 3,
        _ => 4,
    };
    let whole = !path.contains("{slug}") || said["operationId"] == "eraseUser";
    // Whoever is erased has no sessions that could be ended.
    let order = if said["operationId"] == "endSessions" { 3 } else { order };
    (order, whole == (*method == Method::DELETE))
}

#[test]
fn examples_are_taken_as_they_stand_there() {
    let everything = "allow everything { action \"GET\" resource \"http\" }";
    let server = Setup::new().policy("acme/http.policy", everything).start();
    let admin = server.token(&["service-token", "--instance", "--scope", "admin"]);
    let user = server.token(&["token", "--tenant", "acme", "--user", "alice"]);
    let mut examples = Examples { server, admin, user, token_id: String::new() };
    let document = openapi("https://acme.example");
    let mut all = operations(&document);
    all.sort_by_key(|(path, method, said)| turn(path, method, said));
    let mut sent = 0;
    for (path, method, said) in all {
        // Pages are for people.
        if said["tags"] == json!(["Pages"]) {
            continue;
        }
        let bodies: Vec<_> = match said["requestBody"]["content"].as_object() {
            Some(bodies) => bodies.iter().map(Some).collect(),
            None => vec![None],
        };
        for body in bodies {
            let answer = examples.send(&path, &method, &said, body);
            assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
            if said["operationId"] == "postToken" {
                examples.token_id = answer.json()["id"].as_str().unwrap().to_owned();
            }
            sent += 1;
        }
    }
    assert!(sent >= 60, "{sent}");
}
