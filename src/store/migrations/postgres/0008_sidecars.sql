-- Sidecars that run over this database, and which policies each has in force.

CREATE TABLE sidecars (
    id       TEXT COLLATE "C" PRIMARY KEY,
    url      TEXT COLLATE "C" NOT NULL,
    policies TEXT COLLATE "C" NOT NULL, -- JSON: revisions by tenant
    seen     BIGINT NOT NULL -- seconds by the clock of the database
);
