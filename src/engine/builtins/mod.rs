//! Builtin functions: one file each, with its parameter, examples that run as tests, and its code.
//!
//! Every function is total and cheap: what it cannot work with is unknown, and it never panics.

mod abs;
mod cidr;
mod concat;
mod date_in;
mod day_of_week_in;
mod days_since;
mod difference;
mod email_domain;
mod has;
mod hour_in;
mod hours_since;
mod intersection;
mod intersects;
mod ip_family;
mod len;
mod lower;
mod max;
mod min;
mod minutes_since;
mod missing;
mod replace;
mod self_asserted;
mod sets;
mod split;
mod subset;
mod time;
mod trim;
mod union;
mod unix_time;
mod upper;
mod years_since;

use crate::model::Value;

pub use time::parse_time;

use super::{Operand, Read, Type};

/// Bytes of the longest string that a function makes: in a chain of `let`s it could otherwise grow beyond any memory.
const LONGEST: usize = 64 << 10;

/// A function of the language.
#[derive(Debug)]
pub struct Builtin {
    /// Its name, which is reserved.
    pub name: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub returns: Type,
    /// One sentence for the table of functions.
    pub summary: &'static str,
    /// Expressions that are true.
    pub examples: &'static [&'static str],
    pub(super) run: Run,
    /// What is wrong with arguments that are literals, if something is; others are not known yet.
    pub(super) check: Option<Check>,
}

/// Says what is wrong with arguments, as far as they are literals.
pub(super) type Check = fn(&[Option<&Value<'static>>]) -> Result<(), String>;

/// What a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A path: the function asks what stands there, not only for its value.
    Path,
    /// Any expression that may be of one of these types.
    Value(&'static [Type]),
}

/// How a function runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Run {
    /// On where the value at a path came from, which the evaluation knows.
    Provenance,
    /// On what stands at a path.
    Presence(fn(&Read<'_>) -> Option<bool>),
    /// On values, all of them known.
    Values(for<'v> fn(&[Operand<'v>]) -> Option<Operand<'v>>),
    /// On what clock and calendar show at a time in a zone, which is a literal: it is made ready with the program.
    Zone(fn(jiff::civil::DateTime) -> Operand<'static>),
    /// On one value and the time of the query.
    Clock(fn(&Operand<'_>, Clock<'_>) -> Option<Operand<'static>>),
}

/// The time of a query, and where the tenant is.
#[derive(Clone, Copy)]
pub(super) struct Clock<'c> {
    pub(super) now: jiff::Timestamp,
    pub(super) zone: &'c jiff::tz::TimeZone,
}

impl Builtin {
    /// Whether it takes each element of a list for each of another.
    pub(super) fn pairs_elements(&self) -> bool {
        self.parameters.iter().filter(|parameter| matches!(parameter, Parameter::Value([Type::List]))).count() > 1
    }
}

/// All functions, by name.
pub const ALL: &[&Builtin] = &[
    &abs::ABS,
    &cidr::CIDR,
    &concat::CONCAT,
    &date_in::DATE_IN,
    &day_of_week_in::DAY_OF_WEEK_IN,
    &days_since::DAYS_SINCE,
    &difference::DIFFERENCE,
    &email_domain::EMAIL_DOMAIN,
    &has::HAS,
    &hour_in::HOUR_IN,
    &hours_since::HOURS_SINCE,
    &intersection::INTERSECTION,
    &intersects::INTERSECTS,
    &ip_family::IP_FAMILY,
    &len::LEN,
    &lower::LOWER,
    &max::MAX,
    &min::MIN,
    &minutes_since::MINUTES_SINCE,
    &missing::MISSING,
    &replace::REPLACE,
    &self_asserted::SELF_ASSERTED,
    &split::SPLIT,
    &subset::SUBSET,
    &time::TIME,
    &trim::TRIM,
    &union::UNION,
    &unix_time::UNIX_TIME,
    &upper::UPPER,
    &years_since::YEARS_SINCE,
];

/// The function of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().copied().find(|builtin| builtin.name == name)
}
