//! The JSON files of a set, read so that what is wrong with them has a place.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Span, in_words};

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Where.
    pub span: Span,
    /// What.
    pub message: String,
}

/// Reads a text as one object.
///
/// # Errors
/// What is wrong with it.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    // serde takes the members of a structure from a list, too, in the order in which they happen to be declared.
    if text.trim_start().starts_with('[') {
        let start = text.find('[').unwrap_or(0) as u32;
        return Err(JsonError { span: Span::new(start, start + 1), message: "this must be an object".to_owned() });
    }
    serde_json::from_str(text).map_err(|error| placed(text, &error))
}

/// Reads a text as an array of objects, each by itself, so that all mistakes are found.
///
/// # Errors
/// What is wrong with the array, or with any of its elements.
pub fn read_each<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Vec<JsonError>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| vec![placed(text, &error)])?;
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for element in elements {
        match self::read(element.get()) {
            Ok(value) => read.push(value),
            Err(JsonError { span, message }) => {
                let start = offset(text, element.get());
                errors.push(JsonError { span: Span::new(start + span.start, start + span.end), message });
            }
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

/// The place of the value to which a JSON pointer (RFC 6901) leads, or of the last one on the way that there is.
#[must_use]
pub fn locate(text: &str, pointer: &str) -> Span {
    let mut here = text.trim();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let below = if here.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(here).unwrap_or_default();
            token.parse::<usize>().ok().and_then(|place| elements.get(place).copied())
        } else {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(here).unwrap_or_default();
            members.get(&token).copied()
        };
        match below {
            Some(value) => here = value.get(),
            None => break,
        }
    }
    let start = offset(text, here);
    // Of what goes over several lines, the beginning will do.
    let length = here.find('\n').unwrap_or(here.len());
    Span::new(start, start + length as u32)
}

/// Where a part of a text starts in it.
fn offset(text: &str, part: &str) -> u32 {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize) as u32
}

fn placed(text: &str, error: &serde_json::Error) -> JsonError {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut start = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    // A word that means nothing here is found at its closing quote.
    if text[start..].starts_with('"') {
        start = text[line_start..start].rfind('"').map_or(start, |quote| line_start + quote);
    }
    JsonError { span: Span::new(start as u32, end as u32), message: in_words(&error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_places() {
        let text = r#" [{"a": {"b/c": [10, "x"]}},
            {"d": 1}] "#;
        let at = |pointer: &str| &text[locate(text, pointer).range()];
        assert_eq!(at("/0/a/b~1c/1"), "\"x\"");
        assert_eq!(at("/0/a/b~1c/7"), "[10, \"x\"]", "the last that there is");
        assert_eq!(at("/1/d"), "1");
        assert_eq!(at(""), "[{\"a\": {\"b/c\": [10, \"x\"]}},");
    }

    #[test]
    fn each_element_has_its_own_mistakes() {
        let text = "[{\"a\": 1}, {\"a\": \"two\"},\n {\"a\": 3}, [4]]";
        let errors = read_each::<BTreeMap<String, u32>>(text).unwrap_err();
        let places: Vec<&str> = errors.iter().map(|error| &text[error.span.range()]).collect();
        assert_eq!(places, ["\"two\"", "["], "{errors:?}");
        let read = read_each::<BTreeMap<String, u32>>("[{\"a\": 1}]").unwrap();
        assert_eq!(read[0]["a"], 1);
        assert_eq!(read_each::<BTreeMap<String, u32>>("[{}, {").unwrap_err().len(), 1);
    }
}
