-- Users who have signed in to the tenant's apps, each session kept as a hash of its secret.
CREATE TABLE sessions (
    hash       BYTEA PRIMARY KEY NOT NULL,
    tenant     TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    login_id   TEXT COLLATE "C" NOT NULL,
    claims     TEXT COLLATE "C" NOT NULL, -- JSON
    complete   BIGINT NOT NULL, -- 0: something is asked of the user first
    expires_at TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
);
CREATE INDEX sessions_of_user ON sessions (tenant, user_id);
CREATE INDEX sessions_by_end ON sessions (tenant, expires_at);
