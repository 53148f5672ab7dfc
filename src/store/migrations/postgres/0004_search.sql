-- What users are looked for by: the start of a name or an e-mail address, whatever its case, and the values of traits.

ALTER TABLE users
    ADD COLUMN name TEXT COLLATE "C",
    ADD COLUMN email TEXT COLLATE "C",
    ADD COLUMN name_key TEXT COLLATE "C", -- the first 64 characters, in lower case
    ADD COLUMN email_key TEXT COLLATE "C";

CREATE INDEX users_by_name ON users (tenant, name_key) WHERE name_key IS NOT NULL;
CREATE INDEX users_by_email ON users (tenant, email_key) WHERE email_key IS NOT NULL;

-- The start of a value: large ones would not fit into an index.
CREATE INDEX fields_by_value ON fields (tenant, slug, substr(value, 1, 64), user_id);
