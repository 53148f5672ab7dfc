-- The audit trail as a chain: each entry's link is over the link before it and a salted digest of the entry, so that
-- what an erased user's entries held can go while the chain holds. A keyed head counts the entries.

ALTER TABLE audit ADD COLUMN credential TEXT NOT NULL DEFAULT ''; -- by which the actor was let in
ALTER TABLE audit ADD COLUMN request_id TEXT;
ALTER TABLE audit ADD COLUMN address TEXT;
ALTER TABLE audit ADD COLUMN sensitive INTEGER NOT NULL DEFAULT 0; -- 1: before and after are salted digests
ALTER TABLE audit ADD COLUMN salt TEXT; -- NULL: erased, or from before there was a chain
ALTER TABLE audit ADD COLUMN digest BLOB;
ALTER TABLE audit ADD COLUMN link BLOB;

CREATE TABLE audit_heads (
    tenant TEXT PRIMARY KEY NOT NULL,
    first  INTEGER NOT NULL, -- the first entry of the chain
    last   INTEGER NOT NULL, -- the last one
    link   BLOB NOT NULL, -- of the last one
    mac    BLOB NOT NULL -- HMAC over all of this, with a key that is not in the database
) STRICT;
