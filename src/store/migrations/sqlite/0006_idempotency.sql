-- Keys of requests that clients may send again, with the answers that they get then; gone after a day.

CREATE TABLE idempotency_keys (
    tenant      TEXT NOT NULL,
    actor       TEXT NOT NULL, -- whose key it is
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL, -- SHA-256 of the request
    user_id     TEXT NOT NULL, -- whom the request is about; '' for nobody
    at          TEXT NOT NULL,
    answer      TEXT, -- JSON; NULL: carried out, and the answer was not kept
    PRIMARY KEY (tenant, actor, key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (tenant, at);
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (tenant, user_id);
