//! JSON bodies, read so that no two readers could take them differently: one object, no key twice, UTF-8.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::Object;
use crate::service::{ServiceError, in_words, merged, pointer_of, pointer_to};

use super::Problem;

/// Why a body is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// It says that it is something else, or does not say what it is.
    #[error("the body must be JSON, and Content-Type must say so: application/json")]
    ContentType,
    /// It is not JSON, or no object.
    #[error("{0}")]
    Syntax(String),
}

impl BadJson {
    /// What a reader of JSON said.
    #[must_use]
    pub fn unusable(error: &serde_json::Error) -> Self {
        Self::Syntax(format!("the body is not a usable JSON object: {error}"))
    }
}

/// Reads a body that must be a JSON object, borrowing from it.
///
/// # Errors
/// [`BadJson`] says what is wrong, and where.
pub fn parse_object<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Object<'b>, BadJson> {
    Object::parse(json_text(headers, body)?).map_err(|error| BadJson::unusable(&error))
}

/// Reads a body that must be a JSON merge patch (RFC 7396), by that name or simply as JSON.
///
/// # Errors
/// [`BadJson`] says what is wrong, and where.
pub fn parse_patch<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Object<'b>, BadJson> {
    if !is_a(headers, JSON) && !is_a(headers, MERGE_PATCH) {
        return Err(BadJson::ContentType);
    }
    Object::parse(as_text(body)?).map_err(|error| BadJson::unusable(&error))
}

/// A body that is said to be JSON, as text.
///
/// # Errors
/// [`BadJson`] if it says that it is something else, or is no text.
pub fn json_text<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<&'b str, BadJson> {
    if is_a(headers, JSON) { as_text(body) } else { Err(BadJson::ContentType) }
}

/// Reads a body that is an object into a type, naming the member that is wrong.
///
/// # Errors
/// 415 and 400 for what is not usable JSON, 422 with a pointer for what does not fit the type.
pub fn parse_body<'b, T: Deserialize<'b>>(headers: &HeaderMap, body: &'b [u8]) -> Result<T, Problem> {
    parse(headers, body, parse_text)
}

/// Reads a body that is an array of objects.
///
/// # Errors
/// Those of [`parse_body`].
pub fn parse_list<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<Vec<T>, Problem> {
    parse(headers, body, parse_list_text)
}

fn parse<'b, T>(
    headers: &HeaderMap,
    body: &'b [u8],
    read: impl Fn(&'b str) -> Result<T, ServiceError>,
) -> Result<T, Problem> {
    read(json_text(headers, body)?).map_err(|error| match error {
        ServiceError::Invalid(faults) if faults.iter().any(|fault| fault.code == NOT_JSON) => {
            Problem::bad_request(faults.into_iter().map(|fault| fault.detail).collect::<String>())
        }
        other => other.into(),
    })
}

/// The code of what is no JSON at all.
const NOT_JSON: &str = "not_json";

/// The code of what is JSON, and not the JSON that is needed.
const NOT_AS_EXPECTED: &str = "not_as_expected";

/// Reads a JSON object into a type, naming the member that is wrong.
///
/// # Errors
/// [`ServiceError::Invalid`] with a pointer; the place in the text for what is no JSON.
fn parse_text<'b, T: Deserialize<'b>>(text: &'b str) -> Result<T, ServiceError> {
    no_list(text, "")?;
    typed(text)
}

/// Reads a JSON array of objects.
///
/// # Errors
/// Those of [`parse_text`].
pub fn parse_list_text<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, ServiceError> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    for (place, element) in elements.iter().enumerate() {
        no_list(element.get(), &format!("/{place}"))?;
    }
    typed(text)
}

/// serde takes the members of a structure from a list, too, in the order in which they happen to be declared.
fn no_list(text: &str, pointer: &str) -> Result<(), ServiceError> {
    if text.trim_start().starts_with('[') {
        return Err(ServiceError::invalid(pointer, NOT_AS_EXPECTED, "this must be an object"));
    }
    Ok(())
}

/// Reads an object that is there already into a type, naming the member that is wrong.
///
/// # Errors
/// [`ServiceError::Invalid`] with a pointer.
pub fn parse_value<T: DeserializeOwned>(object: &Object<'_>) -> Result<T, ServiceError> {
    typed(&serde_json::to_string(object).unwrap_or_default())
}

/// What stands, as a JSON merge patch leaves it: an object, still to be read into its type.
#[must_use]
pub fn patched(before: &impl Serialize, patch: &Object<'_>) -> Object<'static> {
    let before = serde_json::to_string(before).unwrap_or_default();
    merged(Object::parse(&before).map(Object::into_owned).unwrap_or_default(), patch)
}

fn typed<'b, T: Deserialize<'b>>(text: &'b str) -> Result<T, ServiceError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (mut pointer, said) = (pointer_of(error.path()), error.inner().to_string());
        if let Some((name, _)) = said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            pointer.push_str(&pointer_to(name));
        }
        let (code, detail) = match error.inner().classify() {
            serde_json::error::Category::Data => (NOT_AS_EXPECTED, in_words(&said)),
            _ => (NOT_JSON, format!("this is not JSON: {said}")),
        };
        ServiceError::invalid(pointer, code, detail)
    })?;
    match deserializer.end() {
        Ok(()) => Ok(parsed),
        Err(error) => Err(ServiceError::invalid("", NOT_JSON, format!("this is not JSON: {error}"))),
    }
}

fn as_text(body: &[u8]) -> Result<&str, BadJson> {
    if body.is_empty() {
        return Err(BadJson::Syntax("the body is empty; it must be JSON".to_owned()));
    }
    std::str::from_utf8(body)
        .map_err(|error| BadJson::Syntax(format!("the body is not UTF-8 after byte {}", error.valid_up_to())))
}

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

fn is_a(headers: &HeaderMap, media_type: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(media_type)
}
