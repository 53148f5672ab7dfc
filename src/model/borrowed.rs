//! Values to read, borrowed from where they are kept: an object that was written down, or a packed record.

use std::borrow::Cow;

use super::packed::Packed;
use super::{Object, Value};

/// A value to read.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// An integer that 64 bits cannot hold, as the nearest double.
    Oversized(f64),
    /// A finite double.
    Float(f64),
    /// A string.
    Str(&'a str),
    /// A moment.
    Time(jiff::Timestamp),
    /// A list.
    List(&'a [Value<'a>]),
    /// An object.
    Object(ObjectRef<'a>),
}

impl<'a, 'b: 'a> From<&'a Value<'b>> for ValueRef<'a> {
    #[inline]
    fn from(value: &'a Value<'b>) -> Self {
        match value {
            Value::Null => ValueRef::Null,
            Value::Bool(b) => ValueRef::Bool(*b),
            Value::Int(n) => ValueRef::Int(*n),
            Value::Oversized(n) => ValueRef::Oversized(*n),
            Value::Float(x) => ValueRef::Float(*x),
            Value::Str(s) => ValueRef::Str(s),
            Value::Time(t) => ValueRef::Time(*t),
            Value::List(items) => ValueRef::List(items),
            Value::Object(object) => ValueRef::Object(object.into()),
        }
    }
}

impl<'a> ValueRef<'a> {
    /// The value itself; its strings are still borrowed.
    #[must_use]
    pub fn to_value(self) -> Value<'a> {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(b) => Value::Bool(b),
            ValueRef::Int(n) => Value::Int(n),
            ValueRef::Oversized(n) => Value::Oversized(n),
            ValueRef::Float(x) => Value::Float(x),
            ValueRef::Str(s) => Value::Str(Cow::Borrowed(s)),
            ValueRef::Time(t) => Value::Time(t),
            ValueRef::List(items) => Value::List(items.into()),
            ValueRef::Object(object) => Value::Object(object.to_object()),
        }
    }
}

/// An object to read.
#[derive(Debug, Clone, Copy)]
pub enum ObjectRef<'a> {
    /// One that was written down.
    Plain(&'a Object<'a>),
    /// A part of a packed record.
    Packed(Packed<'a>),
}

impl<'a, 'b: 'a> From<&'a Object<'b>> for ObjectRef<'a> {
    fn from(object: &'a Object<'b>) -> Self {
        ObjectRef::Plain(object)
    }
}

impl<'a> ObjectRef<'a> {
    /// The value under `key`.
    #[must_use]
    #[inline]
    pub fn get(self, key: &str) -> Option<ValueRef<'a>> {
        match self {
            ObjectRef::Plain(object) => object.get(key).map(ValueRef::from),
            ObjectRef::Packed(packed) => packed.get(key),
        }
    }

    /// Its members.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        let (plain, packed) = match self {
            ObjectRef::Plain(object) => (Some(object), None),
            ObjectRef::Packed(packed) => (None, Some(packed)),
        };
        let plain = plain.into_iter().flat_map(|object| object.iter().map(|(name, value)| (name, value.into())));
        plain.chain(packed.into_iter().flat_map(Packed::iter))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            ObjectRef::Plain(object) => object.len(),
            ObjectRef::Packed(packed) => packed.iter().count(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The object itself; its strings are still borrowed.
    #[must_use]
    pub fn to_object(self) -> Object<'a> {
        match self {
            ObjectRef::Plain(object) => object.clone(),
            ObjectRef::Packed(packed) => packed.iter().map(|(name, value)| (name, value.to_value())).collect(),
        }
    }
}
