//! Many sidecars over one database.

mod revisions;
