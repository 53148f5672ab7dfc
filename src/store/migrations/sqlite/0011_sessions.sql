-- Users who have signed in to the tenant's apps, each session kept as a hash of its secret.
CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY NOT NULL,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    login_id   TEXT NOT NULL,
    claims     TEXT NOT NULL, -- JSON
    complete   INTEGER NOT NULL, -- 0: something is asked of the user first
    expires_at TEXT NOT NULL,
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sessions_of_user ON sessions (tenant, user_id);
CREATE INDEX sessions_by_end ON sessions (tenant, expires_at);
