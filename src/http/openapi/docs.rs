//! The document as a page: what it says of each operation, with a command that tries it.

use askama::Template;
use http::StatusCode;
use serde_json::Value;

use crate::service::Service;
use crate::web::Reply;

use super::openapi;

#[derive(Template)]
#[template(path = "docs.html", config = "src/web/askama.toml")]
struct Page<'d> {
    about: &'d str,
    version: &'d str,
    sections: Vec<Section<'d>>,
    schemas: Vec<(&'d str, String)>,
}

struct Section<'d> {
    name: &'d str,
    about: &'d str,
    operations: Vec<Operation<'d>>,
}

struct Operation<'d> {
    id: &'d str,
    method: String,
    path: &'d str,
    summary: &'d str,
    about: &'d str,
    who: Vec<String>,
    parameters: Vec<Named<'d>>,
    /// The schema of the body that it takes.
    takes: Option<String>,
    answers: Vec<Answer<'d>>,
    /// A command that sends the example.
    command: String,
}

struct Named<'d> {
    name: &'d str,
    place: &'d str,
    about: &'d str,
}

struct Answer<'d> {
    status: &'d str,
    meaning: &'d str,
    /// The name of the schema of its body.
    schema: Option<&'d str>,
}

/// `GET /docs`
pub(in super::super) fn docs(service: &Service) -> Reply {
    let document = openapi(&service.url_of("/"));
    Reply::html(StatusCode::OK, &page(&document))
}

fn page(document: &Value) -> Page<'_> {
    let section = |tag| {
        let name = text(tag, "name");
        Section { name, about: text(tag, "description"), operations: operations(document, name) }
    };
    let schemas = document["components"]["schemas"].as_object();
    Page {
        about: text(&document["info"], "description"),
        version: text(&document["info"], "version"),
        sections: list(&document["tags"]).map(section).collect(),
        schemas: schemas.into_iter().flatten().map(|(name, schema)| (name.as_str(), pretty(schema))).collect(),
    }
}

fn operations<'d>(document: &'d Value, tag: &str) -> Vec<Operation<'d>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    });
    let of_tag = all.filter(|(_, _, operation)| operation["tags"][0] == tag);
    of_tag.map(|(path, method, operation)| of(document, path, &method.to_ascii_uppercase(), operation)).collect()
}

fn of<'d>(document: &'d Value, path: &'d str, method: &str, operation: &'d Value) -> Operation<'d> {
    let parameters: Vec<&Value> =
        list(&operation["parameters"]).map(|parameter| resolved(document, parameter)).collect();
    let named = |parameter: &&'d Value| Named {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        about: text(parameter, "description"),
    };
    let answer = |(status, answer): (&'d String, &'d Value)| {
        let answer = resolved(document, answer);
        let bodies = answer["content"].as_object();
        let schema = bodies.and_then(|bodies| bodies.values().find_map(|body| body["schema"]["$ref"].as_str()));
        let schema = schema.and_then(|reference| reference.rsplit('/').next());
        Answer { status, meaning: text(answer, "description"), schema }
    };
    Operation {
        id: text(operation, "operationId"),
        method: method.to_owned(),
        path,
        summary: text(operation, "summary"),
        about: text(operation, "description"),
        who: list(&operation["security"]).filter_map(who).collect(),
        command: command(document, path, method, &parameters, operation),
        parameters: parameters.iter().map(named).collect(),
        takes: operation["requestBody"]["content"]
            .as_object()
            .and_then(|bodies| bodies.values().next())
            .map(|body| pretty(&body["schema"])),
        answers: operation["responses"].as_object().into_iter().flatten().map(answer).collect(),
    }
}

/// Who may, in words.
fn who(requirement: &Value) -> Option<String> {
    let (scheme, scopes) = requirement.as_object()?.iter().next()?;
    Some(match (scheme.as_str(), scopes[0].as_str()) {
        ("serviceToken", Some(scope)) => format!("a service token with the scope {scope}"),
        ("instanceToken", _) => "a service token of the instance".to_owned(),
        ("accessToken", _) => "a user's access token".to_owned(),
        _ => "an admin who is signed in to the portal".to_owned(),
    })
}

/// What one types to try it.
fn command(document: &Value, path: &str, method: &str, parameters: &[&Value], operation: &Value) -> String {
    let fill = |path: String, parameter: &&Value| {
        path.replace(&format!("{{{}}}", text(parameter, "name")), text(parameter, "example"))
    };
    let path = parameters.iter().filter(|parameter| parameter["in"] == "path").fold(path.to_owned(), fill);
    let method = if method == "GET" { String::new() } else { format!("-X {method} ") };
    let mut words = vec![format!("curl {method}{}{path}", text(&document["servers"][0], "url"))];
    let needs_token = list(&operation["security"]).any(|requirement| requirement.get("portalSession").is_none());
    if needs_token {
        words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    let body = operation["requestBody"]["content"].as_object().and_then(|bodies| bodies.iter().next());
    if let Some((media_type, body)) = body {
        words.push(format!("-H 'Content-Type: {media_type}'"));
        let example = body["example"].as_str().map_or_else(|| body["example"].to_string(), str::to_owned);
        words.push(format!("--data-binary '{example}'"));
    }
    words.join(
        " \\
  ",
    )
}

/// What a reference leads to, or the thing itself.
fn resolved<'d>(document: &'d Value, thing: &'d Value) -> &'d Value {
    let pointer = thing["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(thing)
}

fn text<'d>(object: &'d Value, member: &str) -> &'d str {
    object[member].as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
