-- Profile fields beside traits, with where each value came from; what progressive profiling and the portal keep.

CREATE TABLE fields (
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    slug       TEXT NOT NULL,
    bag        TEXT NOT NULL, -- profile, traits
    value      TEXT NOT NULL, -- JSON
    source     TEXT NOT NULL, -- admin, user, idp
    writer     TEXT NOT NULL, -- the user, or the id of the credential
    revision   INTEGER NOT NULL, -- the tenant's, when it was written
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id, slug),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;

INSERT INTO fields
SELECT tenant, user_id, slug, 'traits', value, 'admin', '', revision, updated_at FROM traits;

DROP TABLE traits;

-- Definitions, rules and settings: JSON documents by name.
CREATE TABLE documents (
    tenant   TEXT NOT NULL REFERENCES tenants (id),
    kind     TEXT NOT NULL, -- definition, rules, profiling
    name     TEXT NOT NULL,
    body     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name)
) STRICT;

CREATE TABLE identities (
    tenant    TEXT NOT NULL,
    provider  TEXT NOT NULL,
    subject   TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    kind      TEXT NOT NULL, -- social, enterprise
    linked_at TEXT NOT NULL,
    PRIMARY KEY (tenant, provider, subject),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX identities_of_user ON identities (tenant, user_id);

CREATE TABLE consents (
    tenant       TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    version      TEXT NOT NULL,
    given_at     TEXT NOT NULL,
    withdrawn_at TEXT,
    PRIMARY KEY (tenant, user_id, purpose),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE logins (
    tenant   TEXT NOT NULL,
    login_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    client   TEXT,
    at       TEXT NOT NULL,
    prompted INTEGER NOT NULL DEFAULT 0, -- optional rules that were shown at it
    PRIMARY KEY (tenant, login_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX logins_of_user ON logins (tenant, user_id, at);

CREATE TABLE prompts (
    tenant        TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    rule          TEXT NOT NULL,
    skips         INTEGER NOT NULL DEFAULT 0,
    snoozed_until TEXT,
    done_at_login TEXT, -- answered or skipped
    PRIMARY KEY (tenant, user_id, rule),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE tickets (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    rule       TEXT NOT NULL,
    login_id   TEXT NOT NULL,
    return_to  TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    browser    BLOB, -- a hash of the secret of the first browser that opened it
    used_at    TEXT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE audit (
    tenant  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      TEXT NOT NULL,
    source  TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL, -- field.set, field.delete, rule.skip ...
    user_id TEXT,
    target  TEXT NOT NULL,
    before  TEXT, -- JSON
    after   TEXT, -- JSON
    PRIMARY KEY (tenant, seq)
) STRICT;
CREATE INDEX audit_of_user ON audit (tenant, user_id, seq);

-- Links and sessions of the portal, each kept as a hash.
CREATE TABLE portal_grants (
    hash       BLOB PRIMARY KEY NOT NULL,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL, -- link, session
    actor      TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
