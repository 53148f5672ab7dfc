//! What a cache can hold: it knows how much it takes, and goes to Redis and back as bytes.

use crate::model::{Object, UserRecord};

/// Facts of a kind.
pub trait Portable: Sized + Send + Sync + 'static {
    /// The kind, in a word.
    const KIND: &'static str;

    /// Bytes on the heap behind it.
    fn heap_bytes(&self) -> usize;

    /// As bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// From those bytes; `None` for what is none.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Portable for UserRecord {
    const KIND: &'static str = "user";

    fn heap_bytes(&self) -> usize {
        UserRecord::heap_bytes(self)
    }

    fn to_bytes(&self) -> Vec<u8> {
        UserRecord::to_bytes(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        UserRecord::from_bytes(bytes)
    }
}

impl Portable for Object<'static> {
    const KIND: &'static str = "resource";

    fn heap_bytes(&self) -> usize {
        Object::heap_bytes(self)
    }

    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Object::parse(std::str::from_utf8(bytes).ok()?).ok().map(Object::into_owned)
    }
}
