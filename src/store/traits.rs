//! Traits of users.

use jiff::Timestamp;

use crate::model::{Slug, TenantId, UserId, UserRecord, Value};

use super::feed::{self, ChangeKind};
use super::{Result, Store, StoreError, tenants, users};

/// A user has at most this many traits.
const MAX_TRAITS: usize = 1000;

/// A stored trait.
#[derive(Debug, Clone, PartialEq)]
pub struct Trait {
    /// Its value.
    pub value: Value<'static>,
    /// The tenant's revision when it was written.
    pub revision: i64,
}

/// What setting a trait did.
#[derive(Debug)]
pub struct TraitSet {
    /// Whether there was none of that slug before.
    pub created: bool,
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
    /// The whole user after it.
    pub user: UserRecord,
}

/// What deleting a trait did.
#[derive(Debug)]
pub struct TraitUnset {
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
    /// The whole user after it.
    pub user: UserRecord,
}

impl Store {
    /// Sets one trait; makes the user if need be.
    ///
    /// # Errors
    /// [`StoreError::TooManyTraits`], or the database's.
    pub async fn set_trait(
        &self,
        tenant: &TenantId,
        user: &UserId,
        slug: &Slug,
        value: &Value<'_>,
        now: Timestamp,
    ) -> Result<TraitSet> {
        let mut tx = self.begin().await?;
        let revision = tenants::bump(&mut tx, tenant, now).await?;
        sqlx::query("INSERT INTO users (tenant, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(now.to_string())
            .execute(&mut *tx)
            .await?;
        let (all, same): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), COUNT(CASE WHEN slug = $3 THEN 1 END) FROM traits WHERE tenant = $1 AND user_id = $2",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(slug.as_str())
        .fetch_one(&mut *tx)
        .await?;
        let created = same == 0;
        if created && all >= MAX_TRAITS as i64 {
            return Err(StoreError::TooManyTraits(MAX_TRAITS));
        }
        sqlx::query(
            "INSERT INTO traits (tenant, user_id, slug, value, revision, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, user_id, slug)
             DO UPDATE SET value = excluded.value, revision = excluded.revision, updated_at = excluded.updated_at",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(slug.as_str())
        .bind(write_value(value))
        .bind(revision)
        .bind(now.to_string())
        .execute(&mut *tx)
        .await?;
        let seq = feed::append(&mut tx, Some(tenant), revision, ChangeKind::User, user.as_str(), now).await?;
        let (_, record) = users::load(&mut *tx, tenant, user).await?;
        tx.commit().await?;
        let user = record.unwrap_or_else(|| UserRecord::new(user.as_str(), Default::default()));
        Ok(TraitSet { created, revision, seq, user })
    }

    /// Deletes one trait; `None` if it was not there.
    ///
    /// # Errors
    /// The database's.
    pub async fn unset_trait(
        &self,
        tenant: &TenantId,
        user: &UserId,
        slug: &Slug,
        now: Timestamp,
    ) -> Result<Option<TraitUnset>> {
        let mut tx = self.begin().await?;
        let deleted = sqlx::query("DELETE FROM traits WHERE tenant = $1 AND user_id = $2 AND slug = $3")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(slug.as_str())
            .execute(&mut *tx)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(None);
        }
        let revision = tenants::bump(&mut tx, tenant, now).await?;
        let seq = feed::append(&mut tx, Some(tenant), revision, ChangeKind::User, user.as_str(), now).await?;
        let (_, record) = users::load(&mut *tx, tenant, user).await?;
        tx.commit().await?;
        let user = record.unwrap_or_else(|| UserRecord::new(user.as_str(), Default::default()));
        Ok(Some(TraitUnset { revision, seq, user }))
    }

    /// Reads one trait.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn get_trait(&self, tenant: &TenantId, user: &UserId, slug: &Slug) -> Result<Option<Trait>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT value, revision FROM traits WHERE tenant = $1 AND user_id = $2 AND slug = $3")
                .bind(tenant.as_str())
                .bind(user.as_str())
                .bind(slug.as_str())
                .fetch_optional(&self.reader)
                .await?;
        let Some((value, revision)) = row else { return Ok(None) };
        Ok(Some(Trait { value: read_value(tenant, user, slug.as_str(), &value)?, revision }))
    }
}

/// The JSON of a value; a value that was read from JSON can always be written again.
fn write_value(value: &Value<'_>) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn read_value(tenant: &TenantId, user: &UserId, slug: &str, text: &str) -> Result<Value<'static>> {
    serde_json::from_str::<Value<'_>>(text).map(Value::into_owned).map_err(|error| StoreError::Corrupt {
        table: "traits",
        column: "value",
        row: format!("{tenant}/{user}/{slug}"),
        why: error.to_string(),
    })
}
