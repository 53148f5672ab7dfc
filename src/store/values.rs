//! The values that users have of one field.

use crate::model::{Bag, Slug, TenantId, Value};

use super::fields::{read_bag, read_value};
use super::sql::sql;
use super::{Result, Store};

/// Where a value stands among those of its slug; the first place is before all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuePlace {
    /// The start of the value, as it is stored.
    start: String,
    /// The user.
    user: String,
}

/// A value of some user.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredValue {
    /// Profile field or trait.
    pub bag: Bag,
    /// The value.
    pub value: Value<'static>,
    /// Where it stands.
    pub place: ValuePlace,
}

impl Store {
    /// How many users have a value of a slug.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_values(&self, tenant: &TenantId, slug: &Slug) -> Result<u64> {
        let (count,): (i64,) = sql("SELECT COUNT(*) FROM fields WHERE tenant = $1 AND slug = $2")
            .bind(tenant.as_str())
            .bind(slug.as_str())
            .fetch_one(&self.reader)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Values of a slug after a place, at most `limit`, in the order of the index.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn values_after(
        &self,
        tenant: &TenantId,
        slug: &Slug,
        after: &ValuePlace,
        limit: i64,
    ) -> Result<Vec<StoredValue>> {
        let rows: Vec<(String, String, String, String)> =
            sql("SELECT user_id, bag, value, substr(value, 1, 64) FROM fields
             WHERE tenant = $1 AND slug = $2 AND (substr(value, 1, 64), user_id) > ($3, $4)
             ORDER BY substr(value, 1, 64), user_id LIMIT $5")
            .bind(tenant.as_str())
            .bind(slug.as_str())
            .bind(&after.start)
            .bind(&after.user)
            .bind(limit)
            .fetch_all(&self.reader)
            .await?;
        let read = |(user, bag, value, start): (String, String, String, String)| {
            let bag = read_bag(tenant, &user, slug.as_str(), &bag)?;
            let value = read_value(tenant, &user, slug.as_str(), &value)?;
            Ok(StoredValue { bag, value, place: ValuePlace { start, user } })
        };
        rows.into_iter().map(read).collect()
    }
}
