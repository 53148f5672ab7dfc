//! The nouns of sidegate: ids, values, what is asked, what is known, what was decided, who asks.
//!
//! This room imports nothing of ours and does nothing: no IO, no clock, no randomness, no logging.
//! Everything above it, from the parser to the HTTP server, speaks in these types.

mod appearance;
mod borrowed;
mod caller;
mod decision;
mod definition;
mod definitions;
mod facts;
mod hex;
mod history;
mod id;
mod idempotency;
mod issuer;
mod object;
mod packed;
mod portable;
mod precondition;
mod proxy_settings;
mod query;
mod request_path;
mod rule;
mod schema;
mod settings;
mod sign_in;
mod unclear_paths;
mod value;

pub use appearance::{Appearance, Colour};
pub use borrowed::{ObjectRef, ValueRef};
pub use caller::{AccessToken, Caller, Credential, Scope, Scopes, TenantScope, UnknownScope};
pub use decision::{Decision, Denial, Permit, PolicyRef, Reason};
pub use definition::{Bag, Definition, Format, field_of_claim, standard_fields};
pub use definitions::Definitions;
pub use facts::{Facts, Given, SelfAsserted, Stored};
pub use hex::hex;
pub use history::{
    AuditEntry, Author, Consent, FieldChange, FieldValue, Identity, Logins, Origin, PromptState, Source,
};
pub use id::{InvalidId, ResourceId, Slug, TenantId, UserId, is_name};
pub use idempotency::{Earlier, IdempotencyKey};
pub use issuer::{Introspection, Issuer, SUBJECT};
pub use object::{Key, Object, UniqueKeys};
pub use packed::{Packed, UserRecord};
pub use portable::{CountedLogin, PortableField, PortableUser, Provenance};
pub use precondition::{Precondition, Tags};
pub use proxy_settings::{ProxySettings, RETURN_TO};
pub use query::{Action, Entity, Query};
pub use request_path::{PathForm, RequestPath, UnclearPath};
pub use rule::{Access, Condition, ProfilingSettings, Rule};
pub use schema::Moment;
pub use settings::{Limits, TenantSettings, Wrong};
pub use sign_in::{AppSignIn, PortalSignIn};
pub use unclear_paths::{climbing, spellings};
pub use value::{DataType, Value, holds_long_integer};
