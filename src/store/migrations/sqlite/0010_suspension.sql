-- Since when a tenant is suspended, if it is.
ALTER TABLE tenants ADD COLUMN suspended_at TEXT;
