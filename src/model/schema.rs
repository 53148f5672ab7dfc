//! JSON Schemas of what is checked as it is read, and of what may be any JSON.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Colour, Object, Scope, Slug, TenantId, UserId, Value};

macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Value<'_>, "Value", { "description": "any JSON value" });
schema!(Object<'_>, "Object", { "type": "object" });
schema!(TenantId, "TenantId", { "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" });
schema!(Slug, "Slug", { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$" });
schema!(Colour, "Colour", { "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" });
schema!(Scope, "Scope", { "enum": Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>() });
// At most 255 bytes, which JSON Schema does not count.
schema!(UserId, "UserId", { "type": "string", "pattern": "^[^\\u0000-\\u001F\\u007F-\\u009F]{1,255}$" });

/// The schema of a `jiff::Timestamp`: a moment as RFC 3339 writes it.
pub enum Moment {}

schema!(Moment, "Moment", { "type": "string", "format": "date-time" });
