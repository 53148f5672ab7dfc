-- What SQLite's migrations up to the third make; from here on, both databases have migrations of the same numbers.
-- Text is ordered and compared by its bytes, whatever the database's own order is. Times are RFC 3339 in UTC.

CREATE TABLE tenants (
    id         TEXT COLLATE "C" PRIMARY KEY,
    revision   BIGINT NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL
);

CREATE TABLE users (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    user_id    TEXT COLLATE "C" NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

CREATE TABLE fields (
    tenant     TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    slug       TEXT COLLATE "C" NOT NULL,
    bag        TEXT COLLATE "C" NOT NULL, -- profile, traits
    value      TEXT COLLATE "C" NOT NULL, -- JSON, as text: numbers keep every digit
    source     TEXT COLLATE "C" NOT NULL, -- admin, user, idp
    writer     TEXT COLLATE "C" NOT NULL, -- the user, or the id of the credential
    revision   BIGINT NOT NULL, -- the tenant's, when it was written
    updated_at TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, user_id, slug),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);

CREATE TABLE documents (
    tenant   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    kind     TEXT COLLATE "C" NOT NULL, -- definition, rules, profiling
    name     TEXT COLLATE "C" NOT NULL,
    body     TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);

CREATE TABLE identities (
    tenant    TEXT COLLATE "C" NOT NULL,
    provider  TEXT COLLATE "C" NOT NULL,
    subject   TEXT COLLATE "C" NOT NULL,
    user_id   TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL, -- social, enterprise
    linked_at TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, provider, subject),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);
CREATE INDEX identities_of_user ON identities (tenant, user_id);

CREATE TABLE consents (
    tenant       TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    purpose      TEXT COLLATE "C" NOT NULL,
    version      TEXT COLLATE "C" NOT NULL,
    given_at     TEXT COLLATE "C" NOT NULL,
    withdrawn_at TEXT COLLATE "C",
    PRIMARY KEY (tenant, user_id, purpose),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);

CREATE TABLE logins (
    tenant   TEXT COLLATE "C" NOT NULL,
    login_id TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    client   TEXT COLLATE "C",
    at       TEXT COLLATE "C" NOT NULL,
    prompted BIGINT NOT NULL DEFAULT 0, -- optional rules that were shown at it
    PRIMARY KEY (tenant, login_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);
CREATE INDEX logins_of_user ON logins (tenant, user_id, at);

CREATE TABLE prompts (
    tenant        TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    rule          TEXT COLLATE "C" NOT NULL,
    skips         BIGINT NOT NULL DEFAULT 0,
    snoozed_until TEXT COLLATE "C",
    done_at_login TEXT COLLATE "C", -- answered or skipped
    PRIMARY KEY (tenant, user_id, rule),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);

CREATE TABLE tickets (
    tenant     TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    rule       TEXT COLLATE "C" NOT NULL,
    login_id   TEXT COLLATE "C" NOT NULL,
    return_to  TEXT COLLATE "C" NOT NULL,
    expires_at TEXT COLLATE "C" NOT NULL,
    browser    BYTEA, -- a hash of the secret of the first browser that opened it
    used_at    TEXT COLLATE "C",
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);
CREATE INDEX tickets_of_user ON tickets (tenant, user_id);

CREATE TABLE resources (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    type       TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    attributes TEXT COLLATE "C" NOT NULL, -- a JSON object
    revision   BIGINT NOT NULL, -- the tenant's, when it was written
    updated_at TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, type, id)
);

CREATE TABLE tokens (
    id         TEXT COLLATE "C" PRIMARY KEY,
    tenant     TEXT COLLATE "C", -- NULL: the whole instance
    hash       BYTEA NOT NULL UNIQUE,
    scopes     TEXT COLLATE "C" NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL,
    expires_at TEXT COLLATE "C",
    revoked_at TEXT COLLATE "C"
);

-- Links and sessions of the portal, each kept as a hash.
CREATE TABLE portal_grants (
    hash       BYTEA PRIMARY KEY,
    tenant     TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL, -- link, session
    actor      TEXT COLLATE "C" NOT NULL,
    expires_at TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit (
    tenant  TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,
    at      TEXT COLLATE "C" NOT NULL,
    source  TEXT COLLATE "C" NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL, -- field.set, field.delete, rule.skip ...
    user_id TEXT COLLATE "C",
    target  TEXT COLLATE "C" NOT NULL,
    before  TEXT COLLATE "C", -- JSON
    after   TEXT COLLATE "C", -- JSON
    PRIMARY KEY (tenant, seq)
);
CREATE INDEX audit_of_user ON audit (tenant, user_id, seq);

-- What changed, for caches here and in other processes. Written in the transaction of the change.
CREATE TABLE changes (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant   TEXT COLLATE "C" NOT NULL, -- '': no tenant in particular
    revision BIGINT NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL, -- user, resource, token, documents
    key      TEXT COLLATE "C" NOT NULL,
    at       TEXT COLLATE "C" NOT NULL
);
