-- What a token is for, and when it was last used, to the minute.
ALTER TABLE tokens ADD COLUMN name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN last_used_at TEXT COLLATE "C";
