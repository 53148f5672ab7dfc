//! An entry of a packed user: how it is written, and how it is read again.
//!
//! ```text
//! head             one character: the part of the user, whether the user wrote it, the kind of the value
//! length of name   in characters of six bits
//! length of value  likewise
//! name
//! value            a text as it is, a number in characters of seven bits, nothing for true, false and null
//! ```

use std::borrow::Cow;

use super::super::{Bag, Value, ValueRef};

/// The parts of a user, in the order in which they stand in the text: what policies read most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Traits,
    /// `id` and profile fields. As an object, it holds traits and consents, too.
    User,
    Consents,
    Login,
}

impl Part {
    pub(super) fn of(bag: Bag) -> Self {
        match bag {
            Bag::Profile => Part::User,
            Bag::Traits => Part::Traits,
        }
    }

    /// The part that is an object of that name within the user.
    #[inline]
    pub(super) fn within_user(name: &str) -> Option<Self> {
        match name {
            "traits" => Some(Part::Traits),
            "consents" => Some(Part::Consents),
            _ => None,
        }
    }
}

/// Kinds of values: the low bits of a head.
mod kind {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const OVERSIZED: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const STR: u8 = 6;
    pub(super) const TIME: u8 = 7;
    /// A list or an object: its place among the values aside.
    pub(super) const ASIDE: u8 = 8;
    /// The bits of a kind.
    pub(super) const ALL: u8 = 0xf;
}

/// The bit of a head for what the user wrote.
const SELF_ASSERTED: u8 = 0x10;

/// Where the part stands in a head.
const PART_SHIFT: u32 = 5;

/// An entry: its head, and where the rest of it is.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    text: &'a str,
    head: u8,
    name_at: usize,
    value_at: usize,
    /// Where the next one begins.
    pub(super) end: usize,
}

impl<'a> Entry<'a> {
    #[inline]
    pub(super) fn read(text: &'a str, at: usize) -> Option<Self> {
        let head = *text.as_bytes().get(at)?;
        let (name, at) = length(text, at + 1)?;
        let (value, name_at) = length(text, at)?;
        let value_at = name_at + name;
        Some(Self { text, head, name_at, value_at, end: value_at + value })
    }

    pub(super) fn part(&self) -> u8 {
        self.head >> PART_SHIFT
    }

    pub(super) fn name(&self) -> &'a str {
        self.text.get(self.name_at..self.value_at).unwrap_or_default()
    }

    pub(super) fn is_self_asserted(&self) -> bool {
        self.head & SELF_ASSERTED != 0
    }

    /// The value; lists and objects are among those aside.
    #[inline(always)]
    pub(super) fn value(&self, aside: &'a [Value<'static>]) -> ValueRef<'a> {
        let content = self.text.get(self.value_at..self.end).unwrap_or_default();
        match self.head & kind::ALL {
            kind::FALSE => ValueRef::Bool(false),
            kind::TRUE => ValueRef::Bool(true),
            kind::INT => ValueRef::Int(signed(number(content) as u64)),
            kind::OVERSIZED => ValueRef::Oversized(double(number(content))),
            kind::FLOAT => ValueRef::Float(double(number(content))),
            kind::STR => ValueRef::Str(content),
            kind::TIME => time(number(content)).map_or(ValueRef::Null, ValueRef::Time),
            kind::ASIDE => aside.get(number(content) as usize).map_or(ValueRef::Null, ValueRef::from),
            _ => ValueRef::Null,
        }
    }

    pub(super) fn name_bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.name_at..self.value_at).unwrap_or_default()
    }

    /// Its place in the order of entries.
    pub(super) fn order(&self) -> (u8, &'a [u8]) {
        (self.part(), self.name_bytes())
    }
}

/// Writes an entry at the end of a text.
pub(super) fn write(
    text: &mut String,
    aside: &mut Vec<Value<'static>>,
    (part, name): (Part, &str),
    is_self_asserted: bool,
    value: &Value<'_>,
) {
    let (kind, content) = content(value, aside);
    let own = if is_self_asserted { SELF_ASSERTED } else { 0 };
    text.push(char::from((part as u8) << PART_SHIFT | own | kind));
    push_length(text, name.len());
    push_length(text, content.len());
    text.push_str(name);
    text.push_str(&content);
}

/// So much of a length stands in one character; a higher bit says that more follows.
const LENGTH_BITS: u32 = 6;

fn push_length(text: &mut String, mut length: usize) {
    while length >> LENGTH_BITS != 0 {
        text.push(char::from((length % (1 << LENGTH_BITS)) as u8 | 1 << LENGTH_BITS));
        length >>= LENGTH_BITS;
    }
    text.push(char::from(length as u8));
}

/// The length at a place, and the place behind it.
#[inline]
fn length(text: &str, at: usize) -> Option<(usize, usize)> {
    match *text.as_bytes().get(at)? {
        short if short >> LENGTH_BITS == 0 => Some((short.into(), at + 1)),
        _ => long_length(text, at),
    }
}

fn long_length(text: &str, mut at: usize) -> Option<(usize, usize)> {
    let (mut length, mut shift) = (0, 0);
    loop {
        let digit = *text.as_bytes().get(at)?;
        at += 1;
        length |= usize::from(digit % (1 << LENGTH_BITS)) << shift;
        if digit >> LENGTH_BITS == 0 {
            return Some((length, at));
        }
        shift += LENGTH_BITS;
    }
}

/// The kind of a value, and what stands in the text for it.
fn content<'v>(value: &'v Value<'_>, aside: &mut Vec<Value<'static>>) -> (u8, Cow<'v, str>) {
    match value {
        Value::Null => (kind::NULL, "".into()),
        Value::Bool(false) => (kind::FALSE, "".into()),
        Value::Bool(true) => (kind::TRUE, "".into()),
        Value::Int(n) => (kind::INT, digits(unsigned(*n).into())),
        Value::Oversized(n) => (kind::OVERSIZED, digits(bits(*n))),
        Value::Float(x) => (kind::FLOAT, digits(bits(*x))),
        Value::Str(text) => (kind::STR, text.as_ref().into()),
        Value::Time(at) => (kind::TIME, digits(moment(*at))),
        Value::List(_) | Value::Object(_) => {
            aside.push(value.clone().into_owned());
            (kind::ASIDE, digits(aside.len() as u128 - 1))
        }
    }
}

/// Seven bits to a character, the lowest first; none for zero.
fn digits(mut number: u128) -> Cow<'static, str> {
    let mut text = String::new();
    while number != 0 {
        text.push(char::from((number & 0x7f) as u8));
        number >>= 7;
    }
    text.into()
}

fn number(digits: &str) -> u128 {
    digits.bytes().rev().fold(0, |number, digit| number << 7 | u128::from(digit))
}

/// An integer without its sign, small if the integer is near zero.
fn unsigned(n: i64) -> u64 {
    (n << 1 ^ n >> 63) as u64
}

fn signed(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// The bits of a double, turned round: those of most doubles end in zeros.
fn bits(x: f64) -> u128 {
    x.to_bits().swap_bytes().into()
}

fn double(bits: u128) -> f64 {
    f64::from_bits((bits as u64).swap_bytes())
}

/// Bits for the nanoseconds of a time.
const NANOS: u32 = 32;

fn moment(at: jiff::Timestamp) -> u128 {
    u128::from(unsigned(at.as_second())) << NANOS | u128::from(unsigned(at.subsec_nanosecond().into()))
}

fn time(moment: u128) -> Option<jiff::Timestamp> {
    let nanos = signed((moment % (1 << NANOS)) as u64);
    jiff::Timestamp::new(signed((moment >> NANOS) as u64), i32::try_from(nanos).ok()?).ok()
}
