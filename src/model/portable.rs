//! A user as files carry one from a store to another.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Bag, Consent, Identity, Slug, Source, UserId, Value};

/// A user, or what is to be changed of one: what is not named stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PortableUser {
    /// The user.
    pub id: UserId,
    /// When the user was first stored; only for one that is new.
    pub created_at: Option<Timestamp>,
    /// Profile fields and traits, each slug once.
    pub fields: Vec<PortableField>,
    /// Linked identities.
    pub identities: Vec<Identity>,
    /// Consents, those withdrawn too.
    pub consents: Vec<Consent>,
    /// Logins that were counted.
    pub logins: Vec<CountedLogin>,
}

/// A profile field or a trait.
#[derive(Debug, Clone, PartialEq)]
pub struct PortableField {
    /// Which of the two.
    pub bag: Bag,
    /// Its slug.
    pub slug: Slug,
    /// Its value; `None` takes it away.
    pub value: Option<Value<'static>>,
    /// Whether the audit trail may hold digests of it only.
    pub sensitive: bool,
    /// Where the value came from, if that is known.
    pub origin: Option<Provenance>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// In which role it was written.
    pub source: Source,
    /// By whom.
    #[serde(default)]
    pub writer: String,
    /// When.
    pub at: Timestamp,
}

/// A login that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountedLogin {
    /// Names the login.
    pub login_id: String,
    /// When.
    pub at: Timestamp,
    /// The client that the user signed in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How many optional rules were shown at it.
    #[serde(default)]
    pub prompted: u32,
}
