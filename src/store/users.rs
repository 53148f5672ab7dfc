//! Users: all facts of one, in one query.

use sqlx::{Executor, Sqlite};

use crate::model::{Object, TenantId, UserId, UserRecord};

use super::{Result, Store, traits};

/// A user as of a change: `None` for one that nobody stored.
pub(super) type AsOf = (i64, Option<UserRecord>);

impl Store {
    /// Reads a user and the number of the last change that the reading saw, in one snapshot.
    pub(super) async fn load_user(&self, tenant: &TenantId, user: &UserId) -> Result<AsOf> {
        load(&self.reader, tenant, user).await
    }
}

/// One row per trait, and one without a trait for a user that has none; the number of the last change in each.
pub(super) async fn load<'e>(
    db: impl Executor<'e, Database = Sqlite>,
    tenant: &TenantId,
    user: &UserId,
) -> Result<AsOf> {
    type Row = (i64, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT feed.seq, users.user_id, traits.slug, traits.value
         FROM (SELECT COALESCE(MAX(seq), 0) AS seq FROM changes) AS feed
         LEFT JOIN users ON users.tenant = $1 AND users.user_id = $2
         LEFT JOIN traits ON traits.tenant = users.tenant AND traits.user_id = users.user_id
         ORDER BY traits.slug",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(db)
    .await?;
    let as_of = rows.first().map_or(0, |(seq, ..)| *seq);
    if !rows.iter().any(|(_, user_id, ..)| user_id.is_some()) {
        return Ok((as_of, None));
    }
    let mut facts = Object::new();
    for (_, _, slug, value) in rows {
        if let (Some(slug), Some(value)) = (slug, value) {
            let value = traits::read_value(tenant, user, &slug, &value)?;
            facts.set(slug, value);
        }
    }
    Ok((as_of, Some(UserRecord::new(user.as_str(), facts))))
}
