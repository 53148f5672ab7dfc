-- What users are looked for by: the start of a name or an e-mail address, whatever its case, and the values of traits.

ALTER TABLE users ADD COLUMN name TEXT;
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN name_key TEXT; -- the first 64 characters, in lower case
ALTER TABLE users ADD COLUMN email_key TEXT;

UPDATE users SET
    name = (SELECT CAST(value ->> '$' AS TEXT) FROM fields AS f
            WHERE f.tenant = users.tenant AND f.user_id = users.user_id AND slug = 'name' AND json_type(value) = 'text'),
    email = (SELECT CAST(value ->> '$' AS TEXT) FROM fields AS f
             WHERE f.tenant = users.tenant AND f.user_id = users.user_id AND slug = 'email' AND json_type(value) = 'text');
UPDATE users SET name_key = LOWER(SUBSTR(name, 1, 64)), email_key = LOWER(SUBSTR(email, 1, 64));

CREATE INDEX users_by_name ON users (tenant, name_key) WHERE name_key IS NOT NULL;
CREATE INDEX users_by_email ON users (tenant, email_key) WHERE email_key IS NOT NULL;

-- The start of a value: large ones would not fit into an index.
CREATE INDEX fields_by_value ON fields (tenant, slug, substr(value, 1, 64), user_id);
CREATE INDEX tickets_of_user ON tickets (tenant, user_id);
