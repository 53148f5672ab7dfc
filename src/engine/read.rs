//! Reading a path out of the query and the facts.

use std::borrow::Cow;
use std::cell::Cell;

use crate::model::{Facts, Object, ObjectRef, Packed, Query, Stored, Value, ValueRef};

use super::Operand;
use super::path::{ClockKey, Lookup, Path, Step};

/// What stands at a path.
#[derive(Debug, Clone)]
pub enum Read<'v> {
    /// A value to work with.
    Present(Operand<'v>),
    /// A value that is there and that no operator can use: an integer beyond 64 bits.
    Unusable,
    /// Nothing, or JSON null.
    Absent,
    /// Nobody knows: the store could not be asked.
    Unreachable,
}

impl<'v> Read<'v> {
    #[inline]
    pub(super) fn of(value: impl Into<ValueRef<'v>>) -> Self {
        match value.into() {
            ValueRef::Null => Read::Absent,
            value => Operand::of(value).map_or(Read::Unusable, Read::Present),
        }
    }

    /// What stands at some steps from here.
    pub(super) fn step(self, steps: &[Step]) -> Self {
        match (steps, self) {
            ([], here) => here,
            (steps, Read::Present(Operand::Object(object))) => member(object, steps),
            ([Step::Index(place), rest @ ..], Read::Present(Operand::List(items))) => {
                items.get(*place).map_or(Read::Absent, |value| walk(value, rest))
            }
            ([Step::Index(place), rest @ ..], Read::Present(Operand::Made(items))) => match items.get(*place) {
                Some(element) => element.clone().step(rest),
                None => Read::Absent,
            },
            (_, Read::Unreachable) => Read::Unreachable,
            _ => Read::Absent,
        }
    }

    fn text(text: &'v str) -> Self {
        Read::Present(Operand::Text(Cow::Borrowed(text)))
    }

    /// The value, if there is one to work with.
    #[must_use]
    pub fn as_value(&self) -> Option<&Operand<'v>> {
        match self {
            Read::Present(operand) => Some(operand),
            _ => None,
        }
    }

    /// The value, if there is one to work with.
    #[must_use]
    pub fn value(self) -> Option<Operand<'v>> {
        match self {
            Read::Present(operand) => Some(operand),
            _ => None,
        }
    }
}

/// The clock on the wall of the tenant, told once per decision and only if somebody asks.
#[derive(Default)]
pub(super) struct Wall(Cell<Option<WallTime>>);

#[derive(Clone, Copy)]
struct WallTime {
    hour: i8,
    minute: i8,
    day_of_week: i8,
}

impl Wall {
    fn tell(&self, zone: &jiff::tz::TimeZone, now: jiff::Timestamp) -> WallTime {
        self.0.get().unwrap_or_else(|| {
            let local = zone.to_datetime(now);
            let day_of_week = local.weekday().to_monday_one_offset();
            let told = WallTime { hour: local.hour(), minute: local.minute(), day_of_week };
            self.0.set(Some(told));
            told
        })
    }
}

/// Everything that a path can lead into.
pub(super) struct World<'d> {
    pub(super) query: &'d Query<'d>,
    pub(super) facts: &'d Facts<'d>,
    pub(super) zone: &'d jiff::tz::TimeZone,
    /// What a stored user has who has no value of their own.
    pub(super) defaults: &'d Object<'static>,
    pub(super) wall: Wall,
}

impl<'d> World<'d> {
    /// Reads a path.
    pub(super) fn read(&self, path: &'d Path) -> Read<'d> {
        let World { query, facts, .. } = self;
        match &path.lookup {
            Lookup::User => match self.of_user(facts.user) {
                Stored::Present(user) => self.field(user, &path.steps),
                other => stored(other, &path.steps),
            },
            Lookup::Login => stored(self.of_user(facts.login), &path.steps),
            Lookup::Token => facts.token.map_or(Read::Absent, |claims| member(claims.into(), &path.steps)),
            Lookup::SubjectType => Read::text(&query.subject.kind),
            Lookup::SubjectId => Read::text(&query.subject.id),
            Lookup::SubjectProperty => member((&query.subject.properties).into(), &path.steps),
            Lookup::ActionName => Read::text(&query.action.name),
            Lookup::ActionProperty => member((&query.action.properties).into(), &path.steps),
            Lookup::ResourceType => Read::text(&query.resource.kind),
            Lookup::ResourceId => Read::text(&query.resource.id),
            // What the request says of an attribute stands before what is stored, null included.
            Lookup::ResourceAttribute => match first(&query.resource.properties, &path.steps) {
                Some((value, rest)) => walk(value, rest),
                None => stored(facts.resource, &path.steps),
            },
            Lookup::Context => member((&query.context).into(), &path.steps),
            Lookup::Clock(key) => self.clock(*key),
            // Variables belong to the evaluation, which does not come here for them.
            Lookup::Variable(_) => Read::Absent,
        }
    }

    /// A field of a stored user. Its default stands in for the whole of it, never for single members of a JSON value.
    fn field(&self, user: ObjectRef<'d>, steps: &[Step]) -> Read<'d> {
        if self.defaults.is_empty() {
            return member(user, steps);
        }
        let own = steps.len().min(if matches!(steps, [Step::Field(bag), ..] if bag == "traits") { 2 } else { 1 });
        let (field, within) = steps.split_at_checked(own).unwrap_or((steps, &[]));
        match member(user, field) {
            Read::Absent => member(self.defaults.into(), steps),
            present => present.step(within),
        }
    }

    /// Facts of users speak of a subject only if it is a user.
    fn of_user(&self, facts: Stored<'d>) -> Stored<'d> {
        if self.query.subject.user_id().is_some() { facts } else { Stored::Absent }
    }

    fn clock(&self, key: ClockKey) -> Read<'d> {
        let now = self.query.now;
        if key == ClockKey::Time {
            return Read::Present(Operand::Time(now));
        }
        let told = self.wall.tell(self.zone, now);
        Read::Present(match key {
            ClockKey::Hour => Operand::Int(told.hour.into()),
            ClockKey::Minute => Operand::Int(told.minute.into()),
            ClockKey::DayOfWeek => Operand::Int(told.day_of_week.into()),
            ClockKey::IsWeekend => Operand::Bool(told.day_of_week >= 6),
            ClockKey::Time => Operand::Time(now),
        })
    }
}

fn stored<'v>(facts: Stored<'v>, steps: &[Step]) -> Read<'v> {
    match facts {
        Stored::Present(object) => member(object, steps),
        Stored::Absent => Read::Absent,
        Stored::Unreachable => Read::Unreachable,
    }
}

fn member<'v>(object: ObjectRef<'v>, steps: &[Step]) -> Read<'v> {
    match object {
        ObjectRef::Plain(object) => first(object, steps).map_or(Read::Absent, |(value, rest)| walk(value, rest)),
        ObjectRef::Packed(packed) => packed_member(packed, steps),
    }
}

fn packed_member<'v>(mut packed: Packed<'v>, mut steps: &[Step]) -> Read<'v> {
    while let [Step::Field(name), rest @ ..] = steps {
        if let (Some(part), [_, ..]) = (packed.part(name), rest) {
            (packed, steps) = (part, rest);
            continue;
        }
        return match packed.get(name) {
            None => Read::Absent,
            Some(value) if rest.is_empty() => Read::of(value),
            Some(value) => Read::of(value).step(rest),
        };
    }
    Read::Absent
}

/// The member that the first step names, and the steps after it.
fn first<'v, 's>(object: &'v Object<'v>, steps: &'s [Step]) -> Option<(&'v Value<'v>, &'s [Step])> {
    match steps {
        [Step::Field(name), rest @ ..] => Some((object.get(name)?, rest)),
        _ => None,
    }
}

/// Takes the steps one by one; a step into something that is no object, or no list, is absent.
fn walk<'v>(mut value: &'v Value<'v>, steps: &[Step]) -> Read<'v> {
    for step in steps {
        let next = match (value, step) {
            (Value::Object(object), Step::Field(name)) => object.get(name),
            (Value::List(items), Step::Index(place)) => items.get(*place),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Read::Absent,
        }
    }
    Read::of(value)
}
