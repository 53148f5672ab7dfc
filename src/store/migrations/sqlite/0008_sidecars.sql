-- Sidecars that run over this database, and which policies each has in force. (Those over SQLite say nothing: they are on
-- one machine.)

CREATE TABLE sidecars (
    id       TEXT PRIMARY KEY NOT NULL,
    url      TEXT NOT NULL,
    policies TEXT NOT NULL, -- JSON: revisions by tenant
    seen     INTEGER NOT NULL -- seconds by the clock of the database
) STRICT;
