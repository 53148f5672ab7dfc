//! What is asked: may this subject do this action on this resource, now and in this context?

use super::Object;

/// One question to the PDP, borrowed from the request that carried it.
///
/// Source: OpenID AuthZEN Authorization API 1.0, "Information Model".
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// Who wants to act.
    pub subject: Entity<'a>,
    /// What they want to do.
    pub action: Action<'a>,
    /// What they want to do it to.
    pub resource: Entity<'a>,
    /// Circumstances that the PEP knows.
    pub context: Object<'a>,
    /// The moment of the decision; the engine has no clock of its own.
    pub now: jiff::Timestamp,
}

/// A subject or a resource.
#[derive(Debug, Clone, Default)]
pub struct Entity<'a> {
    /// Its type, such as `user` or `report`.
    pub kind: std::borrow::Cow<'a, str>,
    /// Its id within that type.
    pub id: std::borrow::Cow<'a, str>,
    /// What the PEP knows of it.
    pub properties: Object<'a>,
}

/// An action.
#[derive(Debug, Clone, Default)]
pub struct Action<'a> {
    /// Its name, such as `export`.
    pub name: std::borrow::Cow<'a, str>,
    /// What the PEP knows of it.
    pub properties: Object<'a>,
}

impl Entity<'_> {
    /// The id of the user that this entity speaks of, if it speaks of one.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        (self.kind == "user").then_some(self.id.as_ref())
    }
}
