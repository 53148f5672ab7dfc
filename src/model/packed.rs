//! A user as the cache holds one: millions of them, so each is as small as it can be.
//!
//! All names and values stand in one text, an entry after the other. Whatever in it is no text of the user's is ASCII, so
//! that the whole is a `str`: it was checked when it was put together, and what is read is borrowed from it without
//! another look. Lists and objects stand aside as values of their own; few users have any.

mod entry;

use std::collections::HashSet;

use super::{Bag, Object, ObjectRef, SelfAsserted, Slug, Value, ValueRef};

use self::entry::{Entry, Part};

/// Up to this many entries a walk along them is as quick as any index, and needs no memory.
const SCAN: usize = 32;

/// A user as the store keeps one and the cache holds one.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRecord {
    /// The entries, in the order of their parts and names.
    text: Box<str>,
    aside: Option<Box<Aside>>,
    any_self_asserted: bool,
}

/// What few users have.
#[derive(Debug, Clone, Default, PartialEq)]
struct Aside {
    /// Lists and objects.
    values: Vec<Value<'static>>,
    /// Where each entry begins; empty up to [`SCAN`] entries.
    places: Box<[u32]>,
}

impl Aside {
    /// Where it takes as little as it can: nothing, if it holds nothing.
    fn boxed(mut self) -> Option<Box<Self>> {
        self.values.shrink_to_fit();
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// Where entries begin, if there are so many that it is worth while. A text beyond 32 bits is walked along.
fn index(places: Vec<usize>) -> Box<[u32]> {
    if places.len() <= SCAN {
        return Box::default();
    }
    places.into_iter().map(u32::try_from).collect::<Result<_, _>>().unwrap_or_default()
}

/// Cached by the million.
const _: () = assert!(size_of::<UserRecord>() == 32);

impl UserRecord {
    /// A user with traits and nothing else.
    #[must_use]
    pub fn new(id: &str, traits: Object<'_>) -> Self {
        let user = [("id", Value::Str(id.into())), ("traits", Value::Object(traits))];
        Self::pack(&user.into_iter().collect(), &Object::new(), &[])
    }

    /// Packs a user's facts, and logins, in the shape that a policy reads: `id`, profile fields, `traits`, `consents`;
    /// of the fields, those are named that the user wrote. (There is always an object of traits, and one of consents.)
    #[must_use]
    pub fn pack(user: &Object<'_>, login: &Object<'_>, self_asserted: &[(Bag, Slug)]) -> Self {
        let mut entries: Vec<(Part, &str, &Value<'_>)> = Vec::new();
        for (name, value) in user.iter() {
            match (Part::within_user(name), value) {
                (Some(part), Value::Object(members)) => {
                    entries.extend(members.iter().map(|(name, value)| (part, name, value)));
                }
                (Some(_), _) => {}
                (None, value) => entries.push((Part::User, name, value)),
            }
        }
        entries.extend(login.iter().map(|(name, value)| (Part::Login, name, value)));
        entries.sort_unstable_by_key(|(part, name, _)| (*part, *name));

        let own: HashSet<_> = self_asserted.iter().map(|(bag, slug)| (Part::of(*bag), slug.as_str())).collect();
        let (mut text, mut aside, mut places) = (String::new(), Aside::default(), Vec::new());
        let mut any_self_asserted = false;
        for (part, name, value) in entries {
            let is_own = own.contains(&(part, name));
            any_self_asserted |= is_own;
            places.push(text.len());
            entry::write(&mut text, &mut aside.values, (part, name), is_own, value);
        }
        aside.places = index(places);
        Self { text: text.into(), aside: aside.boxed(), any_self_asserted }
    }

    /// The user's facts, in the shape that a policy reads.
    #[must_use]
    pub fn user(&self) -> ObjectRef<'_> {
        ObjectRef::Packed(Packed { record: self, part: Part::User })
    }

    /// The user's traits.
    #[must_use]
    pub fn traits(&self) -> ObjectRef<'_> {
        ObjectRef::Packed(Packed { record: self, part: Part::Traits })
    }

    /// The user's logins, in the shape that a policy reads; empty before the first.
    #[must_use]
    pub fn login(&self) -> ObjectRef<'_> {
        ObjectRef::Packed(Packed { record: self, part: Part::Login })
    }

    /// A field's value.
    #[must_use]
    pub fn field(&self, bag: Bag, slug: &str) -> Option<ValueRef<'_>> {
        Some(self.entry(self.find(Part::of(bag), slug)?)?.value(self.values()))
    }

    /// Fields that the user wrote about themselves.
    #[must_use]
    pub fn self_asserted(&self) -> SelfAsserted<'_> {
        SelfAsserted::Packed(self)
    }

    /// Whether the user wrote any field.
    pub(super) fn any_self_asserted(&self) -> bool {
        self.any_self_asserted
    }

    /// Whether the user wrote a field.
    pub(super) fn is_self_asserted(&self, bag: Bag, slug: &str) -> bool {
        let entry = || self.entry(self.find(Part::of(bag), slug)?);
        self.any_self_asserted && entry().is_some_and(|entry| entry.is_self_asserted())
    }

    /// Bytes on the heap behind this record, to weigh caches with.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let aside = self.aside.as_ref().map_or(0, |aside| {
            let values: usize = aside.values.iter().map(Value::heap_bytes).sum();
            size_of::<Aside>() + size_of_val(&*aside.values) + values + size_of_val(&*aside.places)
        });
        self.text.len() + aside
    }

    /// The record as bytes, for those who keep it elsewhere. What they read back may be of another version of this: a
    /// change of the layout needs another format there, which a test reminds of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Each value as a text of its own: what is in one says how its numbers are read.
        let values: Vec<String> =
            self.values().iter().map(|value| serde_json::to_string(value).unwrap_or_default()).collect();
        serde_json::to_vec(&(&self.text, self.any_self_asserted, values)).unwrap_or_default()
    }

    /// The record that [`UserRecord::to_bytes`] wrote; `None` for what is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (text, any_self_asserted, values): (Box<str>, bool, Vec<String>) = serde_json::from_slice(bytes).ok()?;
        let values = values.iter().map(|value| Value::parse(value).map(Value::into_owned));
        let values = values.collect::<Result<_, _>>().ok()?;
        let mut record = Self { text, aside: None, any_self_asserted };
        let mut places = vec![0];
        places.extend(record.entries().map(|entry| entry.end));
        // The last entry ends where the text does.
        (places.pop()? == record.text.len()).then_some(())?;
        record.aside = Aside { values, places: index(places) }.boxed();
        Some(record)
    }

    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        Entry::read(&self.text, at)
    }

    /// Where an entry stands: a number comes back in registers, an entry does not.
    fn find(&self, part: Part, name: &str) -> Option<usize> {
        if let Some(aside) = &self.aside
            && !aside.places.is_empty()
        {
            return self.find_by_index(&aside.places, part, name);
        }
        let (part, name, mut at) = (part as u8, name.as_bytes(), 0);
        loop {
            let entry = self.entry(at)?;
            match entry.part() {
                own if own == part && entry.name_bytes() == name => return Some(at),
                own if own > part => return None,
                _ => at = entry.end,
            }
        }
    }

    fn find_by_index(&self, places: &[u32], part: Part, name: &str) -> Option<usize> {
        let wanted = (part as u8, name.as_bytes());
        let is_before = |place: &u32| self.entry(*place as usize).is_some_and(|entry| entry.order() < wanted);
        let at = *places.get(places.partition_point(is_before))? as usize;
        self.entry(at).filter(|entry| entry.order() == wanted).map(|_| at)
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        std::iter::successors(self.entry(0), |entry| self.entry(entry.end))
    }

    /// Lists and objects.
    #[inline]
    fn values(&self) -> &[Value<'static>] {
        self.aside.as_ref().map_or(&[], |aside| &aside.values)
    }
}

/// A part of a packed user, to be read as an object.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    record: &'a UserRecord,
    part: Part,
}

impl<'a> Packed<'a> {
    /// The part of the user that is an object of that name.
    #[must_use]
    #[inline]
    pub fn part(self, name: &str) -> Option<Self> {
        let part = Part::within_user(name).filter(|_| self.part == Part::User)?;
        Some(Self { part, ..self })
    }

    /// The value under a name.
    #[must_use]
    #[inline(always)]
    pub fn get(self, name: &str) -> Option<ValueRef<'a>> {
        if let Some(part) = self.part(name) {
            return Some(ValueRef::Object(ObjectRef::Packed(part)));
        }
        let Self { record, part } = self;
        Some(record.entry(record.find(part, name)?)?.value(record.values()))
    }

    pub(super) fn iter(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        let Self { record, part } = self;
        let entries = record.entries().filter(move |entry| entry.part() == part as u8);
        let inner = ["traits", "consents"].into_iter().filter(move |_| part == Part::User);
        let inner = inner.filter_map(move |name| Some((name, self.get(name)?)));
        entries.map(move |entry| (entry.name(), entry.value(record.values()))).chain(inner)
    }
}
