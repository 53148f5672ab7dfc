//! Fields of users, profile fields and traits alike: read, set, delete.

use crate::lang::suggest;
use crate::model::{Author, Caller, FieldChange, Slug, Source, UserId, Value};
use crate::store::{Known, StoredField, UserChanged};

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
    /// Who writes, in the name of a caller with a service token.
    #[must_use]
    pub fn author(&self, caller: &Caller) -> Author {
        let (source, actor) = match caller {
            Caller::Service(credential) => (Source::Admin, credential.id.clone()),
            Caller::User { id, .. } => (Source::User, id.to_string()),
        };
        Author { source, actor, at: self.clock.now() }
    }

    /// Sets a field; makes the user if need be. When it returns, every decision here follows the new value.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a value that it does not have, or the store's.
    pub async fn put_trait(
        &self,
        tenant: &Tenant,
        user: &UserId,
        slug: &Slug,
        value: Value<'_>,
        author: &Author,
    ) -> Result<PutTrait> {
        check_value(&value)?;
        if let Some(definition) = tenant.definitions.get(slug.as_str()) {
            definition.check(&value).map_err(|why| ServiceError::invalid("/value", "not_as_defined", why))?;
        } else if tenant.settings.defined_traits_only {
            let known = tenant.definitions.iter().map(|definition| definition.slug.as_str());
            let near =
                suggest(slug.as_str(), known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let why = format!("no trait `{slug}` is defined, and tenant.json accepts only defined ones{near}");
            return Err(ServiceError::invalid("/slug", "not_defined", why));
        }
        let bag = tenant.definitions.bag(slug.as_str());
        let change = FieldChange { bag, slug: slug.clone(), value: Some(value) };
        let changed = self.store.change_fields(&tenant.id, user, &[change], author).await?;
        let created = changed.existed == [false];
        let revision = self.user_changed(tenant, user, changed).await?;
        Ok(PutTrait { created, revision })
    }

    /// Deletes a field, and tells the tenant's revision after it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if it was not there, or the store's.
    pub async fn delete_trait(&self, tenant: &Tenant, user: &UserId, slug: &Slug, author: &Author) -> Result<i64> {
        let changed = self.store.delete_field(&tenant.id, user, slug, author).await?;
        let changed = changed.ok_or(ServiceError::NotFound("this user has no such attribute"))?;
        self.user_changed(tenant, user, changed).await
    }

    /// Takes in what the store made of a user, so that decisions follow it.
    pub(super) async fn user_changed(&self, tenant: &Tenant, user: &UserId, changed: UserChanged) -> Result<i64> {
        let UserChanged { revision, seq, user: record, .. } = changed;
        self.users.written(&tenant.id, user, seq, record);
        self.wrote(tenant, revision).await?;
        Ok(revision)
    }

    /// Notes a revision of our own. Another process may have written in between: a decision must not claim to know
    /// a revision without having taken in those before it.
    pub(super) async fn wrote(&self, tenant: &Tenant, revision: i64) -> Result<()> {
        if tenant.is_next(revision) {
            tenant.raise_revision(revision);
            return Ok(());
        }
        self.catch_up().await
    }

    /// Reads a field.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if it is not there, or the store's.
    pub async fn get_trait(&self, tenant: &Tenant, user: &UserId, slug: &Slug) -> Result<StoredField> {
        let found = self.store.get_field(&tenant.id, user, slug).await?;
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

pub(super) fn check_value(value: &Value<'_>) -> Result<()> {
    let invalid = |code, detail: &str| Err(ServiceError::invalid("/value", code, detail));
    if *value == Value::Null {
        return invalid("null_value", "null is no value: DELETE the attribute to take it away");
    }
    if value.holds_oversized() {
        return invalid("integer_too_large", "integers go up to 9223372036854775807: send a string");
    }
    let bytes = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_VALUE {
        return invalid(
            "value_too_large",
            &format!("the value takes {bytes} bytes as JSON, and {MAX_VALUE} is the most"),
        );
    }
    Ok(())
}
