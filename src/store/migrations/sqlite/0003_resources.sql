-- Stored attributes of resources: what decisions know of one beside what the request says.

CREATE TABLE resources (
    tenant     TEXT NOT NULL REFERENCES tenants (id),
    type       TEXT NOT NULL,
    id         TEXT NOT NULL,
    attributes TEXT NOT NULL, -- a JSON object
    revision   INTEGER NOT NULL, -- the tenant's, when it was written
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant, type, id)
) STRICT, WITHOUT ROWID;
