//! What is known when a decision is made, apart from the question itself.

use super::{Bag, Object, ObjectRef, Slug, UserRecord};

/// A stored thing as the engine sees it: there, not there, or not to be reached.
///
/// The last two differ: in an outage absence is not known, so nothing may be concluded from it.
#[derive(Debug, Clone, Copy, Default)]
pub enum Stored<'a> {
    /// The store has it.
    Present(ObjectRef<'a>),
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
            Given::Present(object) => Stored::Present(object.into()),
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
    pub self_asserted: SelfAsserted<'a>,
}

impl<'a> Facts<'a> {
    /// What is known of a stored user.
    #[must_use]
    pub fn of_user(record: &'a UserRecord) -> Self {
        Self {
            user: Stored::Present(record.user()),
            login: Stored::Present(record.login()),
            self_asserted: record.self_asserted(),
            ..Self::default()
        }
    }
}

/// Fields that a user wrote about themselves.
#[derive(Debug, Clone, Copy)]
pub enum SelfAsserted<'a> {
    /// As they were written down.
    Listed(&'a [(Bag, Slug)]),
    /// As a record knows them.
    Packed(&'a UserRecord),
}

impl Default for SelfAsserted<'_> {
    fn default() -> Self {
        SelfAsserted::Listed(&[])
    }
}

impl SelfAsserted<'_> {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            SelfAsserted::Listed(fields) => fields.is_empty(),
            SelfAsserted::Packed(record) => !record.any_self_asserted(),
        }
    }

    /// Whether a field is among them.
    #[must_use]
    pub fn holds(self, bag: Bag, slug: &str) -> bool {
        match self {
            SelfAsserted::Listed(fields) => fields.iter().any(|(own, name)| *own == bag && name.as_str() == slug),
            SelfAsserted::Packed(record) => record.is_self_asserted(bag, slug),
        }
    }
}
