-- Which database this is: what is kept elsewhere about one says nothing about another, not even about its restored copy.

CREATE TABLE instance (id TEXT COLLATE "C" NOT NULL);

INSERT INTO instance (id) VALUES (replace(gen_random_uuid()::text, '-', ''));
