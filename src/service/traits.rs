//! Fields of users, profile fields and traits alike: read, set, delete.

use crate::lang::suggest;
use crate::model::{
    Author, Caller, FieldChange, Object, Origin, Precondition, Slug, Source, UserId, UserRecord, Value,
};
use crate::store::{Edited, Erased, Known, Name, Remembered, StoreError, StoredField, UserChanged};

use super::authenticate::ADMIN;
use super::tenants::Tenant;
use super::{Fault, Result, Service, ServiceError, pointer_to};

/// The JSON of a value holds at most this many bytes.
pub(super) const MAX_VALUE: usize = 64 << 10;

/// What setting a trait did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutTrait {
    /// Whether there was none of that slug before.
    pub created: bool,
    /// The entity tag of the field after it.
    pub tag: String,
    /// The tenant's revision after it.
    pub revision: i64,
}

/// All fields of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// The values by slug.
    pub values: Object<'static>,
    /// The entity tag of all of them; `None` if there are none.
    pub tag: Option<String>,
    /// The tenant's revision, as far as this process knows.
    pub revision: i64,
}

impl Service {
    /// Who writes, in the name of a caller with a service token.
    #[must_use]
    pub fn author(&self, caller: &Caller, origin: Origin) -> Author {
        let (source, actor, credential) = match caller {
            Caller::Service(credential) if credential.id == ADMIN => {
                (Source::Admin, credential.id.clone(), "admin's token")
            }
            Caller::Service(credential) => (Source::Admin, credential.id.clone(), "service token"),
            Caller::User { id, .. } => (Source::User, id.to_string(), "access token"),
            Caller::Client { id, .. } => (Source::Admin, id.to_string(), "access token"),
        };
        Author { source, actor, at: self.clock.now(), origin: Origin { credential: credential.to_owned(), ..origin } }
    }

    /// Sets a field; makes the user if need be. When it returns, every decision here follows the new value.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a value that it does not have, [`ServiceError::Stale`], or the store's.
    pub async fn put_trait(
        &self,
        tenant: &Tenant,
        user: &UserId,
        slug: &Slug,
        value: Value<'_>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<PutTrait> {
        if let Some(fault) = fault(tenant, slug, &value) {
            let pointer = if fault.code == NOT_DEFINED { "/slug" } else { "/value" };
            return Err(ServiceError::invalid(pointer, fault.code, fault.detail));
        }
        let change = tenant.definitions.change(slug.clone(), Some(value.into_owned()));
        let edit = |stored: &[StoredField]| {
            expect(precondition, find(stored, slug).map(StoredField::tag)).map(|()| vec![change])
        };
        let Edited { after, change } = self.store.edit_fields(&tenant.id, user, author, edit).await?;
        let created = change.as_ref().is_some_and(|changed| changed.existed == [false]);
        let tag = find(&after, slug).map(StoredField::tag).unwrap_or_default();
        let revision = self.edited(tenant, user, change).await?;
        Ok(PutTrait { created, tag, revision })
    }

    /// Deletes a field, and tells the tenant's revision after it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] if it was not there, [`ServiceError::Stale`], or the store's.
    pub async fn delete_trait(
        &self,
        tenant: &Tenant,
        user: &UserId,
        slug: &Slug,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<i64> {
        let edit = |stored: &[StoredField]| {
            let found = find(stored, slug).ok_or(ServiceError::NotFound("this user has no such attribute"))?;
            // Its definition may have moved since it was written.
            let change = FieldChange { bag: found.field.bag, ..tenant.definitions.change(slug.clone(), None) };
            expect(precondition, Some(found.tag())).map(|()| vec![change])
        };
        let edited = self.store.edit_fields(&tenant.id, user, author, edit).await?;
        self.edited(tenant, user, edited.change).await
    }

    /// Changes several fields as a JSON merge patch says (RFC 7396), all or none; makes the user if need be.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with all that is wrong, [`ServiceError::Stale`], or the store's.
    pub async fn patch_fields(
        &self,
        tenant: &Tenant,
        user: &UserId,
        patch: &Object<'_>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<Fields> {
        let edit = |stored: &[StoredField]| {
            expect(precondition, StoredField::tag_of_all(stored))?;
            changes(tenant, &values(stored), patch)
        };
        let Edited { after, change } = self.store.edit_fields(&tenant.id, user, author, edit).await?;
        let revision = self.edited(tenant, user, change).await?;
        Ok(Fields { values: values(&after), tag: StoredField::tag_of_all(&after), revision })
    }

    /// All fields of a user, from the store.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody has stored, or the store's.
    pub async fn fields(&self, tenant: &Tenant, user: &UserId) -> Result<Fields> {
        let revision = tenant.revision();
        let stored = self.store.fields(&tenant.id, user).await?;
        if stored.is_empty() {
            self.must_be_known(tenant, user).await?;
        }
        Ok(Fields { values: values(&stored), tag: StoredField::tag_of_all(&stored), revision })
    }

    pub(super) async fn must_be_known(&self, tenant: &Tenant, user: &UserId) -> Result<()> {
        match self.user(tenant, user.as_str()).await? {
            Some(_) => Ok(()),
            None => Err(ServiceError::NotFound("there is no such user")),
        }
    }

    /// Erases a user, and tells the tenant's revision after it. When it returns, decisions here know nobody of that name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody has stored, or the store's.
    pub async fn erase_user(&self, tenant: &Tenant, user: &UserId, author: &Author) -> Result<i64> {
        let erased = self.store.erase_user(&tenant.id, user, author).await?;
        let Erased { revision, seq } = erased.ok_or(ServiceError::NotFound("there is no such user"))?;
        self.users.gone(&tenant.id, Name::user(user.as_str()), seq);
        self.issuers.user_changed(&tenant.id, user.as_str());
        self.wrote(tenant, revision).await?;
        Ok(revision)
    }

    /// Takes in what an edit did, if it did anything; the tenant's revision after it.
    async fn edited(&self, tenant: &Tenant, user: &UserId, change: Option<UserChanged>) -> Result<i64> {
        match change {
            Some(changed) => self.user_changed(tenant, user, changed).await,
            None => Ok(tenant.revision()),
        }
    }

    /// Takes in what the store made of a user, so that decisions follow it.
    pub(super) async fn user_changed(&self, tenant: &Tenant, user: &UserId, changed: UserChanged) -> Result<i64> {
        let UserChanged { revision, seq, user: record, .. } = changed;
        self.users.written(&tenant.id, Name::user(user.as_str()), seq, record);
        self.wrote(tenant, revision).await?;
        Ok(revision)
    }

    /// Notes a revision of our own. Another process may have written in between: a decision must not claim to know
    /// a revision without having taken in those before it.
    pub(super) async fn wrote(&self, tenant: &Tenant, revision: i64) -> Result<()> {
        if let Some(shared) = &self.shared {
            shared.tell();
        }
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
    pub async fn user(&self, tenant: &Tenant, user: &str) -> Result<Known<UserRecord>> {
        if let Some(known) = self.users.get(&tenant.id, Name::user(user)) {
            return Ok(known);
        }
        let Ok(id) = UserId::parse(user) else { return Ok(None) };
        let read = || self.store.load_user(&tenant.id, &id);
        Ok(self.users.load(&tenant.id, Name::user(user), read).await?)
    }
}

impl Service {
    /// How old what Redis has of a user is, if it has anything, and what the database has.
    ///
    /// # Errors
    /// The store's.
    pub async fn remembered(&self, tenant: &Tenant, user: &UserId) -> Result<(Option<Remembered>, Remembered)> {
        let redis = self.users.remembered(&tenant.id, Name::user(user.as_str())).await;
        let (as_of, record) = self.store.load_user(&tenant.id, user).await?;
        Ok((redis, Remembered { as_of, present: record.is_some() }))
    }
}

fn find<'s>(stored: &'s [StoredField], slug: &Slug) -> Option<&'s StoredField> {
    stored.iter().find(|stored| stored.field.slug == *slug)
}

fn values(stored: &[StoredField]) -> Object<'static> {
    stored.iter().map(|stored| (stored.field.slug.to_string(), stored.field.value.clone())).collect()
}

/// Refuses a write whose caller has seen something else than what has this tag.
pub(super) fn expect(precondition: &Precondition, tag: Option<String>) -> Result<()> {
    if precondition.holds(tag.as_deref()) { Ok(()) } else { Err(StoreError::Stale.into()) }
}

/// The changes that a patch makes, or all that is wrong with it.
fn changes(tenant: &Tenant, before: &Object<'static>, patch: &Object<'_>) -> Result<Vec<FieldChange<'static>>> {
    let (mut changes, mut faults) = (Vec::new(), Vec::new());
    for (name, patch) in patch.iter() {
        let slug = match Slug::parse(name) {
            Ok(slug) => slug,
            Err(error) => {
                faults.push(Fault { pointer: pointer_to(name), detail: error.to_string(), code: "bad_name" });
                continue;
            }
        };
        let value = merged_value(before.get(name).cloned(), patch);
        match value.as_ref().and_then(|value| fault(tenant, &slug, value)) {
            Some(fault) => faults.push(Fault { pointer: pointer_to(name), ..fault }),
            None if value.is_none() && before.get(name).is_none() => {}
            None => changes.push(tenant.definitions.change(slug, value)),
        }
    }
    if faults.is_empty() { Ok(changes) } else { Err(ServiceError::Invalid(faults)) }
}

/// An object as a JSON merge patch leaves it (RFC 7396, section 2): objects are merged member by member, null takes
/// away, anything else replaces.
#[must_use]
pub fn merged(mut before: Object<'static>, patch: &Object<'_>) -> Object<'static> {
    for (name, patch) in patch.iter() {
        if let Some(value) = merged_value(before.remove(name), patch) {
            before.set(name.to_owned(), value);
        }
    }
    before
}

fn merged_value(before: Option<Value<'static>>, patch: &Value<'_>) -> Option<Value<'static>> {
    match patch {
        Value::Null => None,
        Value::Object(patch) => {
            let before = match before {
                Some(Value::Object(members)) => members,
                _ => Object::new(),
            };
            Some(Value::Object(merged(before, patch)))
        }
        value => Some(value.clone().into_owned()),
    }
}

const NOT_DEFINED: &str = "not_defined";

/// What is wrong with a value for a field, if anything is; its pointer is for the caller to say.
pub(super) fn fault(tenant: &Tenant, slug: &Slug, value: &Value<'_>) -> Option<Fault> {
    let fault = |code, detail| Some(Fault { pointer: String::new(), detail, code });
    if let Some((code, detail)) = unusable(value) {
        return fault(code, detail);
    }
    if let Some(definition) = tenant.definitions.get(slug.as_str()) {
        return definition.check(value).err().and_then(|why| fault("not_as_defined", why));
    }
    if !tenant.settings.defined_traits_only {
        return None;
    }
    let known = tenant.definitions.iter().map(|definition| definition.slug.as_str());
    let near = suggest(slug.as_str(), known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    fault(NOT_DEFINED, format!("no trait `{slug}` is defined, and tenant.json accepts only defined ones{near}"))
}

/// Why no field can have a value, if none can: a code and a sentence.
pub(super) fn unusable(value: &Value<'_>) -> Option<(&'static str, String)> {
    if *value == Value::Null {
        return Some(("null_value", "null is no value: DELETE the attribute to take it away".to_owned()));
    }
    if value.holds_oversized() {
        let detail = "integers go up to 9223372036854775807: send a string";
        return Some(("integer_too_large", detail.to_owned()));
    }
    let bytes = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    let too_large = || format!("the value takes {bytes} bytes as JSON, and {MAX_VALUE} is the most");
    (bytes > MAX_VALUE).then(|| ("value_too_large", too_large()))
}
