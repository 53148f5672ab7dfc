//! All tables with their columns: the one list of what a backup holds.
//!
//! A test compares it with the schema of both databases, so that nothing new is forgotten.

use self::Kind::{Bytes, Number, Text};

/// What a column holds, if it holds anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Number,
    /// Bytes.
    Bytes,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, those of the primary key first.
    pub columns: &'static [(&'static str, Kind)],
    /// How many of them are the primary key.
    pub key: usize,
}

/// The tables; one that refers to another comes after that. `instance` is not among them, since a restored copy
/// is another one, and neither are its sidecars.
pub const TABLES: &[Table] = &[
    Table {
        name: "tenants",
        key: 1,
        columns: &[("id", Text), ("revision", Number), ("created_at", Text), ("suspended_at", Text)],
    },
    Table {
        name: "users",
        key: 2,
        columns: &[
            ("tenant", Text),
            ("user_id", Text),
            ("created_at", Text),
            ("name", Text),
            ("email", Text),
            ("name_key", Text),
            ("email_key", Text),
        ],
    },
    Table {
        name: "fields",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("user_id", Text),
            ("slug", Text),
            ("bag", Text),
            ("value", Text),
            ("source", Text),
            ("writer", Text),
            ("revision", Number),
            ("updated_at", Text),
        ],
    },
    Table {
        name: "documents",
        key: 3,
        columns: &[("tenant", Text), ("kind", Text), ("name", Text), ("body", Text), ("revision", Number)],
    },
    Table {
        name: "identities",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("provider", Text),
            ("subject", Text),
            ("user_id", Text),
            ("kind", Text),
            ("linked_at", Text),
        ],
    },
    Table {
        name: "consents",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("user_id", Text),
            ("purpose", Text),
            ("version", Text),
            ("given_at", Text),
            ("withdrawn_at", Text),
        ],
    },
    Table {
        name: "logins",
        key: 2,
        columns: &[
            ("tenant", Text),
            ("login_id", Text),
            ("user_id", Text),
            ("client", Text),
            ("at", Text),
            ("prompted", Number),
        ],
    },
    Table {
        name: "prompts",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("user_id", Text),
            ("rule", Text),
            ("skips", Number),
            ("snoozed_until", Text),
            ("done_at_login", Text),
        ],
    },
    Table {
        name: "tickets",
        key: 2,
        columns: &[
            ("tenant", Text),
            ("id", Text),
            ("user_id", Text),
            ("rule", Text),
            ("login_id", Text),
            ("return_to", Text),
            ("expires_at", Text),
            ("browser", Bytes),
            ("used_at", Text),
        ],
    },
    Table {
        name: "resources",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("type", Text),
            ("id", Text),
            ("attributes", Text),
            ("revision", Number),
            ("updated_at", Text),
        ],
    },
    Table {
        name: "idempotency_keys",
        key: 3,
        columns: &[
            ("tenant", Text),
            ("actor", Text),
            ("key", Text),
            ("fingerprint", Bytes),
            ("user_id", Text),
            ("at", Text),
            ("answer", Text),
        ],
    },
    Table {
        name: "tokens",
        key: 1,
        columns: &[
            ("id", Text),
            ("tenant", Text),
            ("hash", Bytes),
            ("scopes", Text),
            ("created_at", Text),
            ("expires_at", Text),
            ("revoked_at", Text),
            ("name", Text),
            ("last_used_at", Text),
            ("rotated_to", Text),
        ],
    },
    Table {
        name: "portal_grants",
        key: 1,
        columns: &[("hash", Bytes), ("tenant", Text), ("kind", Text), ("actor", Text), ("expires_at", Text)],
    },
    Table {
        name: "sessions",
        key: 1,
        columns: &[
            ("hash", Bytes),
            ("tenant", Text),
            ("user_id", Text),
            ("login_id", Text),
            ("claims", Text),
            ("complete", Number),
            ("expires_at", Text),
        ],
    },
    Table {
        name: "audit",
        key: 2,
        columns: &[
            ("tenant", Text),
            ("seq", Number),
            ("at", Text),
            ("source", Text),
            ("actor", Text),
            ("action", Text),
            ("user_id", Text),
            ("target", Text),
            ("before", Text),
            ("after", Text),
            ("credential", Text),
            ("request_id", Text),
            ("address", Text),
            ("sensitive", Number),
            ("salt", Text),
            ("digest", Bytes),
            ("link", Bytes),
        ],
    },
    Table {
        name: "audit_heads",
        key: 1,
        columns: &[("tenant", Text), ("last", Number), ("link", Bytes), ("mac", Bytes)],
    },
    Table {
        name: "changes",
        key: 1,
        columns: &[
            ("seq", Number),
            ("tenant", Text),
            ("revision", Number),
            ("kind", Text),
            ("key", Text),
            ("at", Text),
        ],
    },
];

impl Table {
    /// Its columns, with commas.
    pub(super) fn list(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}
