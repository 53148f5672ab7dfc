//! What happened to a user: who wrote, linked identities, consents, logins, the audit trail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bag, IdempotencyKey, Moment, Slug, Value};

/// Who a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An admin, or a program that acts for one.
    Admin,
    /// The user, about themselves.
    User,
    /// An identity provider.
    Idp,
}

impl Source {
    /// As tables and the API name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Admin => "admin",
            Source::User => "user",
            Source::Idp => "idp",
        }
    }
}

impl std::str::FromStr for Source {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Source::Admin, Source::User, Source::Idp]
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| format!("there is no source {text:?}"))
    }
}

/// Who writes, and when.
#[derive(Debug, Clone)]
pub struct Author {
    /// In which role.
    pub source: Source,
    /// The user, or the id of the credential.
    pub actor: String,
    /// When.
    pub at: jiff::Timestamp,
    /// Where the request came from that says so.
    pub origin: Origin,
}

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// By what the caller was let in, such as `service token`, whose id is the actor; empty for the command line.
    pub credential: String,
    /// The request's `X-Request-ID`, if it had one.
    pub request_id: Option<String>,
    /// The address of the peer, if it was a network's.
    pub address: Option<String>,
    /// The request's `Idempotency-Key`, if it had one.
    pub idempotency: Option<IdempotencyKey>,
}

/// A value of a user with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    /// Profile field or trait.
    pub bag: Bag,
    /// Its slug.
    pub slug: Slug,
    /// The value.
    pub value: Value<'static>,
    /// In which role it was written.
    pub source: Source,
    /// By whom.
    pub writer: String,
    /// When.
    pub at: jiff::Timestamp,
}

/// A change of one field: a value, or `None` to take it away.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange<'a> {
    /// Profile field or trait.
    pub bag: Bag,
    /// Its slug.
    pub slug: Slug,
    /// The new value.
    pub value: Option<Value<'a>>,
    /// Whether the audit trail may hold digests of its values only.
    pub sensitive: bool,
}

/// An identity of the user at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// `social` or `enterprise`.
    #[serde(default = "social")]
    pub kind: String,
    /// The provider.
    pub provider: String,
    /// The user's id there.
    pub subject: String,
    /// When it was linked.
    #[serde(default)]
    #[schemars(with = "Option<Moment>")]
    pub linked_at: Option<jiff::Timestamp>,
}

fn social() -> String {
    "social".to_owned()
}

/// What a user agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// What for.
    pub purpose: String,
    /// Which version of the text.
    #[serde(default)]
    pub version: String,
    /// When it was given.
    #[serde(default)]
    #[schemars(with = "Option<Moment>")]
    pub given_at: Option<jiff::Timestamp>,
    /// When it was withdrawn.
    #[serde(default)]
    #[schemars(with = "Option<Moment>")]
    pub withdrawn_at: Option<jiff::Timestamp>,
}

/// The logins of a user that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Logins {
    /// How many.
    pub count: u64,
    /// The first.
    pub first_at: jiff::Timestamp,
    /// The last.
    pub last_at: jiff::Timestamp,
}

/// How a rule stands with a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptState {
    /// How often it was skipped.
    pub skips: u32,
    /// Until when it stays quiet.
    pub snoozed_until: Option<jiff::Timestamp>,
    /// The login at which it was last answered or skipped.
    pub done_at_login: Option<String>,
}

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number in the tenant's trail, from 1 on, without gaps.
    pub seq: i64,
    /// The user whom it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// When.
    #[schemars(with = "Moment")]
    pub at: jiff::Timestamp,
    /// In which role.
    pub source: Source,
    /// Who.
    pub actor: String,
    /// By what the actor was let in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credential: String,
    /// What was done, such as `field.set`.
    pub action: String,
    /// To what.
    pub target: String,
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value<'static>>,
    /// The value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value<'static>>,
    /// The request's `X-Request-ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether the values before and after are salted digests.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}
