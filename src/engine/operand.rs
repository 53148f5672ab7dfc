//! Values as an evaluation holds them, and what it means to compare two.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::model::{ObjectRef, Value, ValueRef};

use super::Read;
use super::steps::step;

/// A value that is there and usable, borrowed from the facts, the query or the program.
#[derive(Debug, Clone)]
pub enum Operand<'v> {
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A double.
    Float(f64),
    /// A string; owned only where a function made it.
    Text(Cow<'v, str>),
    /// A moment.
    Time(jiff::Timestamp),
    /// A list of the data or of literals.
    List(&'v [Value<'v>]),
    /// A list written in the policy with something to evaluate in it, or one that a function made.
    Made(Rc<[Read<'v>]>),
    /// An object.
    Object(ObjectRef<'v>),
}

impl<'v> Operand<'v> {
    /// The value as an operand; `None` for null and for integers that do not fit: they are no operands.
    #[must_use]
    #[inline]
    pub fn of(value: impl Into<ValueRef<'v>>) -> Option<Self> {
        match value.into() {
            ValueRef::Null | ValueRef::Oversized(_) => None,
            ValueRef::Bool(b) => Some(Operand::Bool(b)),
            ValueRef::Int(n) => Some(Operand::Int(n)),
            ValueRef::Float(x) => Some(Operand::Float(x)),
            ValueRef::Str(s) => Some(Operand::Text(Cow::Borrowed(s))),
            ValueRef::Time(t) => Some(Operand::Time(t)),
            ValueRef::List(items) => Some(Operand::List(items)),
            ValueRef::Object(object) => Some(Operand::Object(object)),
        }
    }

    /// A copy as data; `None` for a list with an unknown element.
    #[must_use]
    pub fn to_value(&self) -> Option<Value<'static>> {
        Some(match self {
            Operand::Bool(truth) => Value::Bool(*truth),
            Operand::Int(n) => Value::Int(*n),
            Operand::Float(x) => Value::Float(*x),
            Operand::Text(text) => Value::Str(text.to_string().into()),
            Operand::Time(at) => Value::Time(*at),
            Operand::List(items) => Value::List(items.iter().cloned().map(Value::into_owned).collect()),
            Operand::Made(items) => {
                let values = items.iter().map(|item| item.as_value().and_then(Operand::to_value));
                Value::List(values.collect::<Option<_>>()?)
            }
            Operand::Object(object) => Value::Object(object.to_object().into_owned()),
        })
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Operand::Int(_) | Operand::Float(_))
    }

    /// Number of elements, if this is a list.
    #[must_use]
    pub fn list_len(&self) -> Option<usize> {
        match self {
            Operand::List(items) => Some(items.len()),
            Operand::Made(items) => Some(items.len()),
            _ => None,
        }
    }

    /// The elements, if this is a list; each may be unknown.
    pub(super) fn elements(&self) -> Option<Elements<'_>> {
        match self {
            Operand::List(items) => Some(Elements::Values(items.iter())),
            Operand::Made(items) => Some(Elements::Reads(items.iter())),
            _ => None,
        }
    }
}

pub(super) enum Elements<'o> {
    Values(std::slice::Iter<'o, Value<'o>>),
    Reads(std::slice::Iter<'o, Read<'o>>),
}

impl<'o> Iterator for Elements<'o> {
    type Item = Option<Operand<'o>>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Elements::Values(values) => values.next().map(Operand::of),
            Elements::Reads(reads) => reads.next().map(|read| read.as_value().cloned()),
        }
    }
}

/// Equality: same type or unknown; lists element by element, objects key by key, unknown where an element is.
pub(super) fn equal(a: &Operand<'_>, b: &Operand<'_>) -> Option<bool> {
    step();
    match (a, b) {
        (Operand::Bool(a), Operand::Bool(b)) => Some(a == b),
        (Operand::Text(a), Operand::Text(b)) => Some(a == b),
        (Operand::Int(_) | Operand::Float(_), Operand::Int(_) | Operand::Float(_))
        | (Operand::Time(_), Operand::Time(_)) => order(a, b).map(Ordering::is_eq),
        (Operand::Object(a), Operand::Object(b)) => {
            if a.len() != b.len() || a.iter().any(|(key, _)| b.get(key).is_none()) {
                return Some(false);
            }
            all(a.iter().map(|(key, value)| equal_known(Operand::of(value), b.get(key).and_then(Operand::of))))
        }
        _ => {
            let (ours, theirs) = (a.elements()?, b.elements()?);
            if a.list_len() != b.list_len() {
                return Some(false);
            }
            all(ours.zip(theirs).map(|(ours, theirs)| equal_known(ours, theirs)))
        }
    }
}

fn equal_known(a: Option<Operand<'_>>, b: Option<Operand<'_>>) -> Option<bool> {
    equal(&a?, &b?)
}

/// `item IN list`: an OR of equalities; unknown over what is no list.
pub(super) fn contained(item: Option<&Operand<'_>>, list: &Operand<'_>) -> Option<bool> {
    any(list.elements()?.map(|element| equal(item?, &element?)))
}

/// `text CONTAINS part` and `list CONTAINS item`.
pub(super) fn contains(whole: &Operand<'_>, part: Option<&Operand<'_>>) -> Option<bool> {
    match (whole, part) {
        (Operand::Text(whole), Some(Operand::Text(part))) => Some(whole.contains(part.as_ref())),
        _ => contained(part, whole),
    }
}

/// A sum or difference of numbers; unknown where it leaves 64 bits or is not finite.
pub(super) fn add(a: &Operand<'_>, b: &Operand<'_>, minus: bool) -> Option<Operand<'static>> {
    match (a, b) {
        (Operand::Int(a), Operand::Int(b)) => {
            if minus { a.checked_sub(*b) } else { a.checked_add(*b) }.map(Operand::Int)
        }
        _ => {
            let (a, b) = (double(a)?, double(b)?);
            finite(if minus { a - b } else { a + b })
        }
    }
}

/// A product of numbers; unknown where it leaves 64 bits or is not finite.
pub(super) fn multiply(a: &Operand<'_>, b: &Operand<'_>) -> Option<Operand<'static>> {
    match (a, b) {
        (Operand::Int(a), Operand::Int(b)) => a.checked_mul(*b).map(Operand::Int),
        _ => finite(double(a)? * double(b)?),
    }
}

fn double(number: &Operand<'_>) -> Option<f64> {
    match number {
        Operand::Int(n) => Some(*n as f64),
        Operand::Float(x) => Some(*x),
        _ => None,
    }
}

fn finite(x: f64) -> Option<Operand<'static>> {
    x.is_finite().then_some(Operand::Float(x))
}

/// The order of two numbers, strings (by bytes) or times; unknown for anything else.
pub(super) fn order(a: &Operand<'_>, b: &Operand<'_>) -> Option<Ordering> {
    match (a, b) {
        (Operand::Int(a), Operand::Int(b)) => Some(a.cmp(b)),
        (Operand::Float(a), Operand::Float(b)) => a.partial_cmp(b),
        (Operand::Int(a), Operand::Float(b)) => order_exactly(*a, *b),
        (Operand::Float(a), Operand::Int(b)) => order_exactly(*b, *a).map(Ordering::reverse),
        (Operand::Text(a), Operand::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Operand::Time(a), Operand::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// An integer and a double, compared as the numbers that they are: neither is rounded into the other's type.
fn order_exactly(int: i64, float: f64) -> Option<Ordering> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= TWO_TO_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_TO_63 {
        return Some(Ordering::Greater);
    }
    // In range: the whole part is exact as an integer, and what is left decides a tie.
    let whole = float.trunc();
    let left_over = if float > whole {
        Ordering::Less
    } else if float < whole {
        Ordering::Greater
    } else {
        Ordering::Equal
    };
    Some(int.cmp(&(whole as i64)).then(left_over))
}

/// Kleene's AND.
pub(super) fn all(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    fold(truths, false)
}

/// Kleene's OR.
pub(super) fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    fold(truths, true)
}

/// One `decisive` value decides whatever the others are; without one, an unknown makes the whole unknown.
#[inline]
fn fold(truths: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for truth in truths {
        match truth {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => outcome = None,
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_doubles_compare_exactly() {
        let near = 9_007_199_254_740_993_i64; // 2^53 + 1, which no double can hold
        assert_eq!(order(&Operand::Int(near), &Operand::Float(9_007_199_254_740_992.0)), Some(Ordering::Greater));
        assert_eq!(order(&Operand::Int(i64::MAX), &Operand::Float(9.3e18)), Some(Ordering::Less));
        assert_eq!(order(&Operand::Int(i64::MIN), &Operand::Float(-9.3e18)), Some(Ordering::Greater));
        assert_eq!(
            order(&Operand::Int(i64::MIN), &Operand::Float(-9_223_372_036_854_775_808.0)),
            Some(Ordering::Equal)
        );
        assert_eq!(order(&Operand::Float(-1.5), &Operand::Int(-1)), Some(Ordering::Less));
        assert_eq!(order(&Operand::Int(1), &Operand::Float(1.0)), Some(Ordering::Equal));
        assert_eq!(order(&Operand::Int(1), &Operand::Text("1".into())), None);
    }
}
