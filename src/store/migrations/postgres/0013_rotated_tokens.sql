-- The token that was made in its place.
ALTER TABLE tokens ADD COLUMN rotated_to TEXT COLLATE "C";
