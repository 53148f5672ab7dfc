-- Which database this is: what is kept elsewhere about one says nothing about another, not even about its restored copy.

CREATE TABLE instance (id TEXT NOT NULL) STRICT;

INSERT INTO instance (id) VALUES (lower(hex(randomblob(16))));
