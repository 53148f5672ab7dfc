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
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Places of the members in the order of their keys; empty up to [`SCAN`] members.
    sorted: Vec<u32>,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl<'a> Object<'a> {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new(), sorted: Vec::new() }
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.members.get(self.place(key)?).map(|(_, value)| value)
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.members.iter().position(|(name, _)| name == key);
        }
        let found = self.sorted.binary_search_by(|place| self.members[*place as usize].0.as_ref().cmp(key)).ok()?;
        Some(self.sorted[found] as usize)
    }

    /// Makes the index, if there are enough members for one; the first key that is there twice.
    fn index(&mut self) -> Option<usize> {
        self.sorted.clear();
        let members = &self.members;
        if members.len() <= SCAN {
            let twice = |place: &usize| members[..*place].iter().any(|(name, _)| *name == members[*place].0);
            return (0..members.len()).find(twice);
        }
        self.sorted.extend(0..members.len() as u32);
        self.sorted.sort_by(|a, b| members[*a as usize].0.cmp(&members[*b as usize].0));
        let twice = self.sorted.windows(2).find(|pair| members[pair[0] as usize].0 == members[pair[1] as usize].0);
        twice.map(|pair| pair[1] as usize)
    }

    /// Sets `key`, in its place if it is there, else at the end.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: Value<'a>) {
        let key = key.into();
        match self.place(&key) {
            Some(place) => self.members[place].1 = value,
            None => {
                self.members.push((key, value));
                if self.members.len() > SCAN {
                    self.index();
                }
            }
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        let removed = self.members.remove(self.place(key)?).1;
        self.index();
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
        self.members.iter_mut().map(|(_, value)| value)
    }

    /// Members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Object<'static> {
        let own = |(name, value): (Cow<'a, str>, Value<'a>)| (Cow::Owned(name.into_owned()), value.into_owned());
        Object { members: self.members.into_iter().map(own).collect(), sorted: self.sorted }
    }

    /// Bytes on the heap behind this object, to weigh caches with.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let members: usize = self.members.iter().map(|(name, value)| name.len() + value.heap_bytes()).sum();
        self.sorted.capacity() * size_of::<u32>()
            + self.members.capacity() * size_of::<(Cow<'_, str>, Value<'_>)>()
            + members
    }

    /// Reads the members of a map, refusing a key that is given twice: what two readers could take
    /// differently must not reach a decision.
    pub(super) fn from_map_access<'de: 'a, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        let mut object = Self { members, sorted: Vec::new() };
        match object.index() {
            None => Ok(object),
            Some(twice) => {
                let key = &object.members[twice].0;
                Err(de::Error::custom(format_args!("the key \"{key}\" is given twice")))
            }
        }
    }
}

impl<'a, K: Into<Cow<'a, str>>> FromIterator<(K, Value<'a>)> for Object<'a> {
    /// Of members with the same key, the first counts.
    fn from_iter<I: IntoIterator<Item = (K, Value<'a>)>>(members: I) -> Self {
        let mut object =
            Self { members: members.into_iter().map(|(key, value)| (key.into(), value)).collect(), sorted: Vec::new() };
        while let Some(twice) = object.index() {
            object.members.remove(twice);
        }
        object
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

/// A key that borrows from the input where it holds no escapes (serde's own `Cow` always copies).
struct Key<'a>(Cow<'a, str>);

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
