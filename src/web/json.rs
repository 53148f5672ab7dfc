//! JSON bodies, read so that no two readers could take them differently: one object, no key twice, UTF-8.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::model::Object;

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

/// Reads a body that must be a JSON object, borrowing from it.
///
/// # Errors
/// [`BadJson`] says what is wrong, and where.
pub fn parse_object<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Object<'b>, BadJson> {
    if !is_json(headers) {
        return Err(BadJson::ContentType);
    }
    if body.is_empty() {
        return Err(BadJson::Syntax("the body is empty; it must be a JSON object".to_owned()));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| BadJson::Syntax(format!("the body is not UTF-8 after byte {}", error.valid_up_to())))?;
    Object::parse(text).map_err(|error| BadJson::Syntax(format!("the body is not a usable JSON object: {error}")))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}
