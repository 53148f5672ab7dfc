//! Sidecars over one database: each says which policies it has in force. Times are those of the database, whose clock is the
//! one that all of them share.

use std::collections::BTreeMap;

use super::sql::{Pool, sql};
use super::{Result, Store, StoreError};

/// A sidecar that has not said anything for so many seconds has ended.
const GONE_AFTER: i64 = 30;

/// A sidecar, and what it has in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its own id, new with every start.
    pub id: String,
    /// Where it is reached.
    pub url: String,
    /// By what one knows that its keys are the same.
    pub keys: String,
    /// The revisions of the policies in force, by tenant.
    pub policies: BTreeMap<String, String>,
}

impl Store {
    /// Says what a sidecar has in force, and tells what the others have; `None` on SQLite, where all are on one machine.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn meet(&self, own: &Sidecar) -> Result<Option<Vec<Sidecar>>> {
        let Pool::Postgres(_) = &self.reader else { return Ok(None) };
        sql("WITH gone AS (DELETE FROM sidecars WHERE seen < EXTRACT(EPOCH FROM now())::bigint - $4)
             INSERT INTO sidecars (id, url, policies, keys, seen)
             VALUES ($1, $2, $3, $5, EXTRACT(EPOCH FROM now())::bigint)
             ON CONFLICT (id) DO UPDATE SET url = excluded.url, policies = excluded.policies, seen = excluded.seen")
        .bind(&own.id)
        .bind(&own.url)
        .bind(serde_json::to_string(&own.policies).unwrap_or_default())
        .bind(GONE_AFTER)
        .bind(&own.keys)
        .execute(&self.writer)
        .await?;
        let rows: Vec<(String, String, String, String)> =
            sql("SELECT id, url, policies, keys FROM sidecars WHERE id <> $1 ORDER BY url, id")
                .bind(&own.id)
                .fetch_all(&self.reader)
                .await?;
        let read = |(id, url, policies, keys): (String, String, String, String)| {
            let read = serde_json::from_str(&policies);
            let policies = read.map_err(|error| StoreError::corrupt("sidecars", "policies", id.clone(), error))?;
            Ok(Sidecar { id, url, keys, policies })
        };
        rows.into_iter().map(read).collect::<Result<_>>().map(Some)
    }
}
