//! Values of the reference, and how they compare.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use sidegate::lang::ast::StepKind;
use sidegate::model::{Object, Value};

/// A value that an expression may have.
#[derive(Debug, Clone)]
pub enum V {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(Timestamp),
    List(Vec<Read>),
    Object(BTreeMap<String, Read>),
}

/// What is to be had at a place: of the facts, or of a list.
#[derive(Debug, Clone)]
pub enum Read {
    Here(V),
    /// Something stands there, but no policy can use it: an integer beyond 64 bits.
    Unusable,
    /// Nothing stands there, or null does.
    Absent,
    /// Nobody knows what stands there, or whether anything does.
    Unknown,
}

impl Read {
    pub fn value(&self) -> Option<&V> {
        match self {
            Read::Here(value) => Some(value),
            Read::Unusable | Read::Absent | Read::Unknown => None,
        }
    }

    /// Whether something stands there.
    pub fn presence(&self) -> Option<bool> {
        match self {
            Read::Here(_) | Read::Unusable => Some(true),
            Read::Absent => Some(false),
            Read::Unknown => None,
        }
    }

    pub fn follow(&self, steps: &[StepKind]) -> Read {
        match (self, steps) {
            (place, []) => place.clone(),
            (Read::Unknown, _) => Read::Unknown,
            (Read::Here(V::Object(members)), [StepKind::Field(key), rest @ ..]) => {
                members.get(key.as_str()).map_or(Read::Absent, |member| member.follow(rest))
            }
            (Read::Here(V::List(elements)), [StepKind::Index(index), rest @ ..]) => {
                elements.get(index.parse::<usize>().unwrap()).map_or(Read::Absent, |element| element.follow(rest))
            }
            _ => Read::Absent,
        }
    }
}

impl From<&Value<'_>> for Read {
    fn from(value: &Value<'_>) -> Read {
        Read::Here(match value {
            Value::Null => return Read::Absent,
            Value::Oversized(_) => return Read::Unusable,
            Value::Bool(b) => V::Bool(*b),
            Value::Int(n) => V::Int(*n),
            Value::Float(x) => V::Float(*x),
            Value::Str(text) => V::Text(text.to_string()),
            Value::Time(at) => V::Time(*at),
            Value::List(elements) => V::List(elements.iter().map(Read::from).collect()),
            Value::Object(object) => V::Object(members(object)),
        })
    }
}

pub fn members(object: &Object<'_>) -> BTreeMap<String, Read> {
    object.iter().map(|(key, value)| (key.to_owned(), Read::from(value))).collect()
}

/// Any of them, after Kleene.
pub fn any(truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let truths: Vec<_> = truths.into_iter().collect();
    if truths.contains(&Some(true)) {
        Some(true)
    } else if truths.contains(&None) {
        None
    } else {
        Some(false)
    }
}

/// All of them, after Kleene.
pub fn all(truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any(truths.into_iter().map(|truth| truth.map(|b| !b))).map(|b| !b)
}

/// Whether one of a list's elements equals it.
pub fn contains(list: &[Read], element: &Read) -> Option<bool> {
    any(list.iter().map(|other| equal(element.value()?, other.value()?)))
}

pub fn equal(a: &V, b: &V) -> Option<bool> {
    let both = |(a, b): (&Read, &Read)| equal(a.value()?, b.value()?);
    match (a, b) {
        (V::Bool(a), V::Bool(b)) => Some(a == b),
        (V::List(a), V::List(b)) if a.len() == b.len() => all(a.iter().zip(b).map(both)),
        (V::List(_), V::List(_)) => Some(false),
        (V::Object(a), V::Object(b)) if a.keys().eq(b.keys()) => all(a.values().zip(b.values()).map(both)),
        (V::Object(_), V::Object(_)) => Some(false),
        _ => order(a, b).map(Ordering::is_eq),
    }
}

/// The order of numbers, strings and times.
pub fn order(a: &V, b: &V) -> Option<Ordering> {
    match (a, b) {
        (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
        (V::Float(a), V::Float(b)) => a.partial_cmp(b),
        (V::Int(a), V::Float(b)) => Some(exactly(*a, *b)),
        (V::Float(a), V::Int(b)) => Some(exactly(*b, *a).reverse()),
        (V::Text(a), V::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (V::Time(a), V::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// An integer beside a finite double, neither of them rounded: whole doubles up to 2 to the 64 are exact in 128 bits.
fn exactly(n: i64, x: f64) -> Ordering {
    let far = x.clamp(-2f64.powi(64), 2f64.powi(64));
    let whole = far.floor();
    i128::from(n).cmp(&(whole as i128)).then(if far > whole { Ordering::Less } else { Ordering::Equal })
}
