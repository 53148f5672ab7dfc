-- Tenants, users with their traits, service tokens, and the change feed.
-- Times are RFC 3339 in UTC. Revisions count changes of one tenant; `changes.seq` counts all and is never shown.

CREATE TABLE tenants (
    id         TEXT PRIMARY KEY NOT NULL,
    revision   INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    tenant     TEXT NOT NULL REFERENCES tenants (id),
    user_id    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE traits (
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    slug       TEXT NOT NULL,
    value      TEXT NOT NULL, -- JSON
    revision   INTEGER NOT NULL, -- the tenant's, when it was written
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id, slug),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY NOT NULL,
    tenant     TEXT, -- NULL: the whole instance
    hash       BLOB NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) STRICT;

-- What changed, for caches here and in other processes. Written in the transaction of the change.
CREATE TABLE changes (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT NOT NULL, -- '': no tenant in particular
    revision INTEGER NOT NULL,
    kind     TEXT NOT NULL, -- user, token
    key      TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT;
