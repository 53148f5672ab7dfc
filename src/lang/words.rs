//! What serde says of a JSON text that is not what it should be, in words for whoever wrote the text: of JSON, not of Rust.

use super::suggest;

/// A message of serde, without the place that it ends with.
#[must_use]
pub fn in_words(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(what, _)| what);
    if let Some(what) = message.strip_prefix("unknown ") {
        return unknown(what);
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    if let Some(name) = message.strip_prefix("duplicate field ") {
        return format!("{name} is given twice");
    }
    // jiff's, which reads times.
    if message.starts_with("failed to parse ") {
        return "this must be a time such as 2026-01-31T09:00:00Z".to_owned();
    }
    let typed = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match typed.and_then(|typed| typed.rsplit_once(", expected ")) {
        Some((found, wanted)) => format!("this is {}, and must be {}", of_json(found), of_json(wanted)),
        None => message.to_owned(),
    }
}

/// ``field `x`, expected one of `a`, `b` ``
fn unknown(what: &str) -> String {
    let quoted: Vec<&str> = what.split('`').skip(1).step_by(2).collect();
    let Some((wrong, known)) = quoted.split_first() else { return format!("unknown {what}") };
    match (suggest(wrong, known.iter().copied()), known) {
        (Some(near), _) => format!("there is no `{wrong}`; did you mean `{near}`?"),
        (None, []) => format!("there is no `{wrong}`"),
        (None, [only]) => format!("there is no `{wrong}`; there is `{only}`"),
        (None, known) => format!("there is no `{wrong}`; there are `{}`", known.join("`, `")),
    }
}

/// The name of a type, or a value with the name of its type, as serde has it.
fn of_json(what: &str) -> &str {
    match what {
        "map" | "a map" => "an object",
        "sequence" | "a sequence" => "a list",
        "a boolean" => "true or false",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ if what.starts_with("struct ") => "an object",
        _ => {
            let value = ["string ", "integer ", "floating point ", "boolean "];
            let value = value.iter().find_map(|kind| what.strip_prefix(kind));
            value.map_or(what, |value| value.trim_matches('`'))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Rule {
        #[expect(dead_code)]
        snooze_days: u32,
        #[expect(dead_code)]
        fields: Vec<String>,
        #[expect(dead_code)]
        inner: Option<BTreeMap<String, bool>>,
    }

    #[test]
    fn what_is_wrong_is_said_in_words_of_json() {
        let cases = [
            (r#"{"snoozeDay": 1}"#, "there is no `snoozeDay`; did you mean `snoozeDays`?"),
            (r#"{"x": 1}"#, "there is no `x`; there are `snoozeDays`, `fields`, `inner`"),
            (r#"{"fields": []}"#, "`snoozeDays` is missing"),
            (r#"{"fields": [], "fields": []}"#, "`fields` is given twice"),
            (r#"{"snoozeDays": -1}"#, "this is -1, and must be a whole number from 0 to 4294967295"),
            (r#"{"snoozeDays": 1.5}"#, "this is 1.5, and must be a whole number from 0 to 4294967295"),
            (
                r#"{"snoozeDays": "a, expected b"}"#,
                "this is \"a, expected b\", and must be a whole number from 0 to 4294967295",
            ),
            (r#"{"fields": {}}"#, "this is an object, and must be a list"),
            (r#"{"fields": null}"#, "this is null, and must be a list"),
            (r#"{"inner": {"a": 1}}"#, "this is 1, and must be true or false"),
            ("7", "this is 7, and must be an object"),
        ];
        for (text, words) in cases {
            let error = serde_json::from_str::<Rule>(text).unwrap_err();
            assert_eq!(in_words(&error.to_string()), words);
        }
    }
}
