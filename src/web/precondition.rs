//! `If-Match` and `If-None-Match` (RFC 9110, section 13.1).

use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

use crate::model::{Precondition, Tags};

use super::Problem;

/// What the header of a request demands of the thing that it would change.
///
/// # Errors
/// 400 for what is no list of entity tags.
pub fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    Ok(Precondition { if_match: tags(headers, &IF_MATCH)?, if_none_match: tags(headers, &IF_NONE_MATCH)? })
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    if values.is_empty() {
        return Ok(None);
    }
    let wrong = || Problem::bad_request(format!("{name} must be * or entity tags as ETag gives them, such as \"7\""));
    let texts = values.into_iter().map(|value| value.to_str().map_err(|_| wrong()));
    let text = texts.collect::<Result<Vec<_>, _>>()?.join(",");
    if text.trim() == "*" {
        return Ok(Some(Tags::Any));
    }
    let mut these = Vec::new();
    for tag in text.split(',').map(str::trim) {
        let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |tag| (true, tag));
        let opaque = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
        // A write needs the very same thing, which a weak tag does not promise.
        if !weak {
            these.push(opaque.to_owned());
        }
    }
    Ok(Some(Tags::These(these)))
}
