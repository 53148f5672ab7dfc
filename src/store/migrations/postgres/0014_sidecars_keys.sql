-- By what one knows that all have the same keys.
ALTER TABLE sidecars ADD COLUMN keys TEXT COLLATE "C" NOT NULL DEFAULT '';
