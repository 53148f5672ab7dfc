-- Keys of requests that clients may send again, with the answers that they get then; gone after a day.

CREATE TABLE idempotency_keys (
    tenant      TEXT COLLATE "C" NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL, -- whose key it is
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL, -- SHA-256 of the request
    user_id     TEXT COLLATE "C" NOT NULL, -- whom the request is about; '' for nobody
    at          TEXT COLLATE "C" NOT NULL,
    answer      TEXT COLLATE "C", -- JSON; NULL: carried out, and the answer was not kept
    PRIMARY KEY (tenant, actor, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (tenant, at);
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (tenant, user_id);
