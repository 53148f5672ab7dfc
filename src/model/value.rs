//! A typed value: of a trait, of a property, of a literal in a policy.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use super::Object;

/// Any value that a policy can meet. Strings borrow from the text they were read from where they can.
///
/// Numbers are 64-bit integers or IEEE doubles, never one turned into the other. `Time` comes from clocks and
/// records only: JSON has no such type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// JSON `null`: to a policy the same as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// An integer of the data that 64 bits cannot hold, as the nearest double: unknown to every policy.
    Oversized(f64),
    /// A finite double.
    Float(f64),
    /// A string of Unicode text.
    Str(Cow<'a, str>),
    /// A moment.
    Time(jiff::Timestamp),
    /// A list.
    List(Box<[Value<'a>]>),
    /// An object, its keys unique.
    Object(Object<'a>),
}

/// The data type of a trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// Text.
    String,
    /// An integer or a double.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list or an object.
    Json,
}

impl DataType {
    /// In a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            DataType::String => "a string",
            DataType::Number => "a number",
            DataType::Boolean => "true or false",
            DataType::Json => "a JSON list or object",
        }
    }
}

impl Value<'static> {
    /// Reads a JSON text and keeps a copy of it.
    ///
    /// # Errors
    /// `serde_json`'s, with line and column.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut value: Value<'_> = serde_json::from_str(text)?;
        value.mark_oversized(text);
        Ok(value.into_owned())
    }
}

impl<'a> Value<'a> {
    /// A string as it is, anything else as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Value::Str(text) => text.to_string(),
            other => serde_json::to_string(other).unwrap_or_default(),
        }
    }

    /// The data type of this value as a trait; `None` for `null`.
    #[must_use]
    pub fn data_type(&self) -> Option<DataType> {
        match self {
            Value::Null => None,
            Value::Bool(_) => Some(DataType::Boolean),
            Value::Int(_) | Value::Oversized(_) | Value::Float(_) => Some(DataType::Number),
            Value::Str(_) | Value::Time(_) => Some(DataType::String),
            Value::List(_) | Value::Object(_) => Some(DataType::Json),
        }
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(b) => Value::Bool(b),
            Value::Int(n) => Value::Int(n),
            Value::Oversized(n) => Value::Oversized(n),
            Value::Float(x) => Value::Float(x),
            Value::Str(s) => Value::Str(Cow::Owned(s.into_owned())),
            Value::Time(t) => Value::Time(t),
            Value::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Value::Object(object) => Value::Object(object.into_owned()),
        }
    }

    /// Whether some integer in here is beyond 64 bits.
    #[must_use]
    pub fn holds_oversized(&self) -> bool {
        match self {
            Value::Oversized(_) => true,
            Value::List(items) => items.iter().any(Value::holds_oversized),
            Value::Object(object) => object.iter().any(|(_, value)| value.holds_oversized()),
            _ => false,
        }
    }

    /// Marks integers beyond 64 bits in what was read from `text`: JSON readers turn those beyond unsigned ones into
    /// doubles. (Should a text hold such an integer, doubles of that size in it are taken for integers, too.)
    pub(super) fn mark_oversized(&mut self, text: &str) {
        if holds_long_integer(text.as_bytes()) {
            self.mark_large_doubles();
        }
    }

    /// Marks doubles beyond the integers: what [`Value::mark_oversized`] does once it found a long integer.
    pub fn mark_large_doubles(&mut self) {
        match self {
            Value::Float(x) if x.abs() >= TWO_TO_63 => *self = Value::Oversized(*x),
            Value::List(items) => items.iter_mut().for_each(Value::mark_large_doubles),
            Value::Object(object) => object.values_mut().for_each(Value::mark_large_doubles),
            _ => {}
        }
    }

    /// Bytes on the heap behind this value, to weigh caches with.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Value::Str(Cow::Owned(s)) => s.capacity(),
            Value::List(items) => items.iter().map(|item| size_of::<Value<'_>>() + item.heap_bytes()).sum(),
            Value::Object(object) => object.heap_bytes(),
            _ => 0,
        }
    }
}

/// Values are moved and cached by the million.
const _: () = assert!(size_of::<Value<'_>>() == 24);

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// The digits of the smallest integer that does not fit.
const MIN_OVERSIZED_DIGITS: usize = 19;

/// Whether a text holds an integer of so many digits that it may not fit into 64 bits.
#[must_use]
pub fn holds_long_integer(text: &[u8]) -> bool {
    // A run of so many digits covers one of these places, so that most bytes are not looked at.
    let mut place = MIN_OVERSIZED_DIGITS - 1;
    while let Some(byte) = text.get(place) {
        if byte.is_ascii_digit() {
            let start = text[..place].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |before| before + 1);
            let end = place + text[place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let of_a_double = text[..start].ends_with(b".") || matches!(text.get(end), Some(b'.' | b'e' | b'E'));
            if end - start >= MIN_OVERSIZED_DIGITS && !of_a_double {
                return true;
            }
            place = end;
        }
        place += MIN_OVERSIZED_DIGITS;
    }
    false
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(n) => serializer.serialize_i64(*n),
            Value::Oversized(n) => serializer.serialize_f64(*n),
            Value::Float(x) => serializer.serialize_f64(*x),
            Value::Str(s) => serializer.serialize_str(s),
            Value::Time(t) => serializer.collect_str(t),
            Value::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Value::Object(object) => object.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value<'de>, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(n).map_or(Value::Oversized(n as f64), Value::Int))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(x))
    }

    fn visit_str<E>(self, s: &str) -> Result<Value<'de>, E> {
        Ok(Value::Str(Cow::Owned(s.to_owned())))
    }

    fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Str(Cow::Borrowed(s)))
    }

    fn visit_string<E>(self, s: String) -> Result<Value<'de>, E> {
        Ok(Value::Str(Cow::Owned(s)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Value<'de>, A::Error> {
        Object::from_map_access(map).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value<'_>, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn numbers_keep_their_kind() {
        assert_eq!(read("9223372036854775807").unwrap(), Value::Int(i64::MAX));
        assert_eq!(read("9223372036854775808").unwrap(), Value::Oversized(TWO_TO_63));
        assert_eq!(read("1.0").unwrap(), Value::Float(1.0));
        assert!(read("[{\"a\": 18446744073709551615}]").unwrap().holds_oversized());
    }

    #[test]
    fn integers_beyond_64_bits_are_kept_apart_from_doubles() {
        let value = |text: &str| {
            let text = format!("{{\"a\": [{text}]}}");
            Object::parse(&text).unwrap().into_owned().get("a").unwrap().holds_oversized()
        };
        for integer in
            ["18446744073709551616", "-9223372036854775809", "9223372036854775808", "1e300, 99999999999999999999"]
        {
            assert!(value(integer), "{integer}");
        }
        for fine in [
            "9223372036854775807",
            "-9223372036854775808",
            "1e300",
            "9300000000000000000.0",
            "1.0000000000000000000001e19",
        ] {
            assert!(!value(fine), "{fine}");
        }
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        assert!(matches!(read("\"plain\"").unwrap(), Value::Str(Cow::Borrowed("plain"))));
        assert!(matches!(read("\"a\\nb\"").unwrap(), Value::Str(Cow::Owned(_))));
    }

    #[test]
    fn a_key_given_twice_is_refused_by_name() {
        let error = read("{\"a\": {\"b\": 1, \"b\": 2}}").unwrap_err().to_string();
        assert!(error.contains("the key \"b\" is given twice"), "{error}");
    }

    #[test]
    fn what_is_read_is_written_again() {
        let text = "{\"z\":[1,2.5,\"x\",null,true],\"a\":{}}";
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }
}
