-- A chain begins with the first entry that there is.

ALTER TABLE audit_heads DROP COLUMN first;
