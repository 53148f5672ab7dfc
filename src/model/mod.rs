//! The nouns of sidegate: ids, values, what is asked, what is known, what was decided, who asks.
//!
//! This room imports nothing of ours and does nothing: no IO, no clock, no randomness, no logging.
//! Everything above it, from the parser to the HTTP server, speaks in these types.

mod caller;
mod decision;
mod facts;
mod id;
mod object;
mod query;
mod settings;
mod value;

pub use caller::{Caller, Credential, Scope, Scopes, TenantScope, UnknownScope};
pub use decision::{Decision, Denial, Permit, PolicyRef, Reason};
pub use facts::{Facts, Stored, UserRecord};
pub use id::{InvalidId, Slug, TenantId, UserId};
pub use object::Object;
pub use query::{Action, Entity, Query};
pub use settings::TenantSettings;
pub use value::{DataType, Value};
