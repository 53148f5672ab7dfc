//! Every answer that a test gets is held against the OpenAPI document: its status, the type of its body, and the body.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};
use sidegate::http::{ROUTES, openapi};

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi("http://127.0.0.1"));

/// From each path at which there is something to the path in the document.
static PATHS: LazyLock<matchit::Router<String>> = LazyLock::new(|| {
    let mut router = matchit::Router::new();
    for route in ROUTES {
        let paths = route.paths();
        for path in &paths {
            // Rows of one path are one path.
            let _ = router.insert(path, paths[0].replace("{*", "{"));
        }
    }
    router
});

/// By the place of the schema in the document.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Panics if the document does not say that this may be the answer.
pub fn check(method: &Method, path_and_query: &str, answer: &Answer) {
    let path = path_and_query.split('?').next().unwrap();
    let Ok(found) = PATHS.at(path) else { return };
    let asked = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
    let Some(operation) = DOCUMENT["paths"][found.value].get(&asked) else { return };
    // What never came to an operation: its head was too large, or it is not for this port.
    if answer.status == 431 || String::from_utf8_lossy(&answer.body).contains("there is nothing at this path") {
        return;
    }
    let status = answer.status.as_str();
    let what = || format!("{method} {} answers {status}", found.value);
    let response = operation["responses"].get(status).map(resolved);
    let response = response.unwrap_or_else(|| panic!("{}, which the document does not know: {answer:?}", what()));
    if answer.body.is_empty() {
        return;
    }
    let media_type = answer.header("content-type").split(';').next().unwrap().trim();
    let mut known = response["content"].as_object().into_iter().flatten();
    let body = known.find(|(known, _)| known.split(';').next() == Some(media_type));
    let Some((_, body)) = body else { panic!("{} with {media_type:?}, which the document does not know", what()) };
    if !media_type.ends_with("json") || media_type.ends_with("ndjson") {
        return;
    }
    let key = format!("{} {asked} {status} {media_type}", found.value);
    let validator = VALIDATORS.lock().unwrap().entry(key).or_insert_with(|| validator(&body["schema"])).clone();
    let value = answer.json();
    if let Err(error) = validator.validate(&value) {
        panic!("{}: {error} at {:?}: {value}", what(), error.instance_path().as_str());
    }
}

/// The validator of a schema, which may name schemas of the document.
pub fn validator(schema: &Value) -> Arc<Validator> {
    let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
    Arc::new(jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap())
}

/// What a reference leads to, or the thing itself.
pub fn resolved(thing: &Value) -> &Value {
    let pointer = thing["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(thing, |pointer| DOCUMENT.pointer(pointer).unwrap())
}
