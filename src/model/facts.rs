//! What is known when a decision is made, apart from the question itself.

use super::{Bag, Object, Slug, Value};

/// A stored thing as the engine sees it: there, not there, or not to be reached.
///
/// The last two differ: in an outage absence is not known, so nothing may be concluded from it.
#[derive(Debug, Clone, Copy, Default)]
pub enum Stored<'a> {
    /// The store has it.
    Present(&'a Object<'a>),
    /// The store does not have it.
    #[default]
    Absent,
    /// The store could not be asked.
    Unreachable,
}

/// A stored thing as those write it down who have no store: tests, and the command line.
#[derive(Debug, Clone)]
pub enum Given<'a> {
    /// It is said to be there.
    Present(Object<'a>),
    /// It is said not to be there.
    Absent,
    /// The store is said to be out of reach.
    Unreachable,
}

impl Given<'_> {
    /// As the engine sees it.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        match self {
            Given::Present(object) => Stored::Present(object),
            Given::Absent => Stored::Absent,
            Given::Unreachable => Stored::Unreachable,
        }
    }
}

/// Facts of one decision. All of them are borrowed: nothing is copied out of a cache.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The stored user that the subject is: `id`, profile fields, `traits`, `consents`.
    pub user: Stored<'a>,
    /// Stored attributes of the resource.
    pub resource: Stored<'a>,
    /// Verified claims of the caller's access token.
    pub token: Option<&'a Object<'a>>,
    /// The user's logins: `count`, `first_at`, `last_at`.
    pub login: Stored<'a>,
    /// Fields of the user that the user wrote about themselves.
    pub self_asserted: &'a [(Bag, Slug)],
}

/// A user as the store keeps one and the cache holds one.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRecord {
    /// The user's facts, in the shape that a policy reads: `id`, profile fields, `traits`, `consents`.
    pub facts: Object<'static>,
    /// The user's logins, in the shape that a policy reads; empty before the first.
    pub login: Object<'static>,
    /// Fields that the user wrote about themselves.
    pub self_asserted: Vec<(Bag, Slug)>,
}

impl UserRecord {
    /// A user with traits and nothing else.
    #[must_use]
    pub fn new(id: &str, traits: Object<'static>) -> Self {
        let facts = [("id", Value::Str(id.to_owned().into())), ("traits", Value::Object(traits))];
        Self { facts: facts.into_iter().collect(), login: Object::new(), self_asserted: Vec::new() }
    }

    /// A field's value.
    #[must_use]
    pub fn field(&self, bag: Bag, slug: &str) -> Option<&Value<'static>> {
        match bag {
            Bag::Profile => self.facts.get(slug),
            Bag::Traits => self.traits().get(slug),
        }
    }

    /// The user's traits.
    #[must_use]
    pub fn traits(&self) -> &Object<'static> {
        const NONE: &Object<'static> = &Object::new();
        match self.facts.get("traits") {
            Some(Value::Object(traits)) => traits,
            _ => NONE,
        }
    }
}
