//! Traits of users: read, set, delete.

use crate::model::{Slug, UserId, Value};
use crate::store::{Known, Trait};

use super::tenants::Tenant;
use super::{Result, Service, ServiceError};

/// The JSON of a value holds at most this many bytes.
const MAX_VALUE: usize = 64 << 10;

/// What setting a trait did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutTrait {
    /// Whether there was none of that slug before.
    pub created: bool,
    /// The tenant's revision after it.
    pub revision: i64,
}

impl Service {
    /// Sets a trait; makes the user if need be. When it returns, every decision here follows the new value.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a value that no trait has, or the store's.
    pub async fn put_trait(&self, tenant: &Tenant, user: &UserId, slug: &Slug, value: &Value<'_>) -> Result<PutTrait> {
        check_value(value)?;
        let set = self.store.set_trait(&tenant.id, user, slug, value, self.clock.now()).await?;
        self.users.written(&tenant.id, user, set.seq, set.user);
        self.wrote(tenant, set.revision).await?;
        Ok(PutTrait { created: set.created, revision: set.revision })
    }

    /// Deletes a trait, and tells the tenant's revision after it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if it was not there, or the store's.
    pub async fn delete_trait(&self, tenant: &Tenant, user: &UserId, slug: &Slug) -> Result<i64> {
        let unset = self.store.unset_trait(&tenant.id, user, slug, self.clock.now()).await?;
        let unset = unset.ok_or(ServiceError::NotFound("this user has no such attribute"))?;
        self.users.written(&tenant.id, user, unset.seq, unset.user);
        self.wrote(tenant, unset.revision).await?;
        Ok(unset.revision)
    }

    /// Notes a revision of our own. Another process may have written in between: a decision must not claim to know
    /// a revision without having taken in those before it.
    async fn wrote(&self, tenant: &Tenant, revision: i64) -> Result<()> {
        if tenant.is_next(revision) {
            tenant.raise_revision(revision);
            return Ok(());
        }
        self.catch_up().await
    }

    /// Reads a trait.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if it is not there, or the store's.
    pub async fn get_trait(&self, tenant: &Tenant, user: &UserId, slug: &Slug) -> Result<Trait> {
        let found = self.store.get_trait(&tenant.id, user, slug).await?;
        found.ok_or(ServiceError::NotFound("this user has no such attribute"))
    }

    /// All facts of a user, from memory where they are there; `None` for one that nobody stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn user(&self, tenant: &Tenant, user: &str) -> Result<Known> {
        if let Some(known) = self.users.get(&tenant.id, user) {
            return Ok(known);
        }
        let Ok(user) = UserId::parse(user) else { return Ok(None) };
        Ok(self.users.load(&self.store, &tenant.id, &user).await?)
    }
}

fn check_value(value: &Value<'_>) -> Result<()> {
    let invalid = |code, detail: String| Err(ServiceError::Invalid { pointer: "/value", code, detail });
    if *value == Value::Null {
        return invalid("null_value", "null is no value: DELETE the attribute to take it away".to_owned());
    }
    if value.holds_oversized() {
        return invalid("integer_too_large", "integers go up to 9223372036854775807: send a string".to_owned());
    }
    let bytes = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_VALUE {
        return invalid(
            "value_too_large",
            format!("the value takes {bytes} bytes as JSON, and {MAX_VALUE} is the most"),
        );
    }
    Ok(())
}
