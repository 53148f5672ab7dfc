//! A JSON object: unique keys, in the order they came.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Value;

/// Up to this many members a walk along them is as quick as any index, and needs no memory.
const SCAN: usize = 16;

/// An object whose keys are unique, in the order they came. A list: objects here are small, and reading one of a few
/// members beside each other beats any map. Large ones have an index beside the list.
///
/// One pointer wide, so that values, most of which are no objects, are small: they are moved and cached by the million.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(Option<Box<Members<'a>>>);

#[derive(Debug, Clone, Default)]
struct Members<'a> {
    list: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Places of the members in the order of their keys; empty up to [`SCAN`] members.
    sorted: Box<[u32]>,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl<'a> Members<'a> {
    fn place(&self, key: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.list.iter().position(|(name, _)| name == key);
        }
        let found = self.sorted.binary_search_by(|place| self.list[*place as usize].0.as_ref().cmp(key)).ok()?;
        Some(self.sorted[found] as usize)
    }

    /// Makes the index, if there are enough members for one; the first key that is there twice.
    fn index(&mut self) -> Option<usize> {
        let list = &self.list;
        if list.len() <= SCAN {
            self.sorted = Box::default();
            let twice = |place: &usize| list[..*place].iter().any(|(name, _)| *name == list[*place].0);
            return (0..list.len()).find(twice);
        }
        let mut sorted: Box<[u32]> = (0..list.len() as u32).collect();
        sorted.sort_by(|a, b| list[*a as usize].0.cmp(&list[*b as usize].0));
        let twice = sorted.windows(2).find(|pair| list[pair[0] as usize].0 == list[pair[1] as usize].0);
        let twice = twice.map(|pair| pair[1] as usize);
        self.sorted = sorted;
        twice
    }
}

impl<'a> Object<'a> {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    fn list(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        self.0.as_ref().map_or(&[], |members| &members.list)
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let members = self.0.as_ref()?;
        members.list.get(members.place(key)?).map(|(_, value)| value)
    }

    /// Sets `key`, in its place if it is there, else at the end.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: Value<'a>) {
        let (key, members) = (key.into(), self.0.get_or_insert_default());
        match members.place(&key) {
            Some(place) => members.list[place].1 = value,
            None => {
                members.list.push((key, value));
                if members.list.len() > SCAN {
                    members.index();
                }
            }
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        let members = self.0.as_mut()?;
        let removed = members.list.remove(members.place(key)?).1;
        if !members.sorted.is_empty() {
            members.index();
        }
        Some(removed)
    }

    /// Reads the text of a JSON object, borrowing from it. Keys that are given twice are refused at every level, and
    /// integers beyond 64 bits are kept apart from doubles.
    ///
    /// # Errors
    /// `serde_json`'s, with line and column.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut value = Value::Object(serde_json::from_str(text)?);
        value.mark_oversized(text);
        match value {
            Value::Object(object) => Ok(object),
            _ => Ok(Self::new()),
        }
    }

    /// Values in their order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value<'a>> {
        self.0.iter_mut().flat_map(|members| &mut members.list).map(|(_, value)| value)
    }

    /// Members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.list().iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// A copy that borrows nothing, and takes no more memory than it needs.
    #[must_use]
    pub fn into_owned(self) -> Object<'static> {
        let own = |(name, value): (Cow<'a, str>, Value<'a>)| (Cow::Owned(name.into_owned()), value.into_owned());
        let own = |members: Box<Members<'a>>| {
            let Members { list, sorted } = *members;
            Box::new(Members { list: list.into_iter().map(own).collect::<Box<[_]>>().into_vec(), sorted })
        };
        Object(self.0.map(own))
    }

    /// Bytes on the heap behind this object, to weigh caches with.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let Some(members) = &self.0 else { return 0 };
        let name_bytes = |name: &Cow<'_, str>| if matches!(name, Cow::Owned(_)) { name.len() } else { 0 };
        let list: usize = members.list.iter().map(|(name, value)| name_bytes(name) + value.heap_bytes()).sum();
        size_of::<Members<'_>>()
            + size_of_val(&*members.sorted)
            + members.list.capacity() * size_of::<(Cow<'_, str>, Value<'_>)>()
            + list
    }

    /// Reads the members of a map, refusing a key that is given twice: what two readers could take
    /// differently must not reach a decision.
    pub(super) fn from_map_access<'de: 'a, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            list.push((key, map.next_value()?));
        }
        let mut members = Members { list, sorted: Box::default() };
        match members.index() {
            None => Ok(Self::of(members)),
            Some(twice) => Err(UniqueKeys::given_twice(&members.list[twice].0)),
        }
    }

    fn of(members: Members<'a>) -> Self {
        Self((!members.list.is_empty()).then(|| Box::new(members)))
    }
}

impl<'a, K: Into<Cow<'a, str>>> FromIterator<(K, Value<'a>)> for Object<'a> {
    /// Of members with the same key, the first counts.
    fn from_iter<I: IntoIterator<Item = (K, Value<'a>)>>(members: I) -> Self {
        // What is put together so, is kept: it takes no more memory than it needs.
        let list: Box<[_]> = members.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let mut members = Members { list: list.into_vec(), sorted: Box::default() };
        while let Some(twice) = members.index() {
            members.list.remove(twice);
        }
        Self::of(members)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<'de>, A::Error> {
                Object::from_map_access(map)
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Keys of an object whose members are not kept.
#[derive(Debug, Default)]
pub struct UniqueKeys<'a>(Vec<Cow<'a, str>>);

impl<'a> UniqueKeys<'a> {
    /// Notes a key.
    pub fn add(&mut self, key: Cow<'a, str>) {
        self.0.push(key);
    }

    /// Whether each was there once.
    ///
    /// # Errors
    /// [`UniqueKeys::given_twice`]
    pub fn check<E: de::Error>(mut self) -> Result<(), E> {
        self.0.sort_unstable();
        match self.0.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(Self::given_twice(&pair[0])),
        }
    }

    /// What is said of a key that is there twice.
    pub fn given_twice<E: de::Error>(key: &str) -> E {
        E::custom(format_args!("the key \"{key}\" is given twice"))
    }
}

/// A key that borrows from the input where it holds no escapes (serde's own `Cow` always copies).
#[derive(Debug)]
pub struct Key<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
