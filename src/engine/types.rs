//! What can be known of a type before any fact is.

use std::fmt;

use crate::model::Value;

/// The type of an expression, as far as it is known at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Only the facts will tell.
    Any,
    /// `true` or `false`
    Bool,
    /// An integer or a double.
    Number,
    /// A string.
    Text,
    /// A moment.
    Time,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Type {
    /// The type of a literal.
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Type::Any,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) | Value::Oversized(_) | Value::Float(_) => Type::Number,
            Value::Str(_) => Type::Text,
            Value::Time(_) => Type::Time,
            Value::List(_) => Type::List,
            Value::Object(_) => Type::Object,
        }
    }

    /// Whether a value of this type may turn out to be one of `others`.
    pub(super) fn may_be(self, others: &[Type]) -> bool {
        self == Type::Any || others.contains(&self)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Any => "a value",
            Type::Bool => "a boolean",
            Type::Number => "a number",
            Type::Text => "a string",
            Type::Time => "a time",
            Type::List => "a list",
            Type::Object => "an object",
        })
    }
}
