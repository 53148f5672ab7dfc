-- The audit trail as a chain: each entry's link is over the link before it and a salted digest of the entry, so that
-- what an erased user's entries held can go while the chain holds. A keyed head counts the entries.

ALTER TABLE audit
    ADD COLUMN credential TEXT COLLATE "C" NOT NULL DEFAULT '', -- by which the actor was let in
    ADD COLUMN request_id TEXT COLLATE "C",
    ADD COLUMN address TEXT COLLATE "C",
    ADD COLUMN sensitive BIGINT NOT NULL DEFAULT 0, -- 1: before and after are salted digests
    ADD COLUMN salt TEXT COLLATE "C", -- NULL: erased, or from before there was a chain
    ADD COLUMN digest BYTEA,
    ADD COLUMN link BYTEA;

CREATE TABLE audit_heads (
    tenant TEXT COLLATE "C" PRIMARY KEY,
    first  BIGINT NOT NULL, -- the first entry of the chain
    last   BIGINT NOT NULL, -- the last one
    link   BYTEA NOT NULL, -- of the last one
    mac    BYTEA NOT NULL -- HMAC over all of this, with a key that is not in the database
);
