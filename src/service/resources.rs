//! Stored attributes of resources: read, replace, merge, delete.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Author, Object, Precondition, ResourceId, Slug, TenantId, Value};
use crate::store::{Known, Name, ResourceChanged, StoredResource};

use super::tenants::Tenant;
use super::traits::{MAX_VALUE, expect, merged, unusable};
use super::{Fault, Result, Service, ServiceError, pointer_to};

/// The types of which a tenant stores resources.
pub(super) type Types = HashMap<String, HashSet<String>>;

/// What a change of a resource did.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceWritten {
    /// Its attributes after it.
    pub attributes: Object<'static>,
    /// Whether nothing was stored of it before.
    pub created: bool,
    /// The revision of the tenant's data when they were written: their entity tag.
    pub tag: i64,
    /// The tenant's revision.
    pub revision: i64,
}

impl Service {
    /// What is stored of a resource.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn stored_resource(&self, tenant: &Tenant, resource: &ResourceId) -> Result<StoredResource> {
        let found = self.store.resource(&tenant.id, resource).await?;
        found.ok_or(ServiceError::NotFound("nothing is stored of this resource"))
    }

    /// Replaces all attributes of a resource. When it returns, every decision here follows the new ones.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with all that is wrong, [`ServiceError::Stale`], or the store's.
    pub async fn put_resource(
        &self,
        tenant: &Tenant,
        resource: &ResourceId,
        attributes: Object<'_>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<ResourceWritten> {
        let attributes = attributes.into_owned();
        check(&attributes)?;
        self.write_resource(tenant, resource, author, precondition, |_| Ok(Some(attributes))).await
    }

    /// Changes attributes of a resource as a JSON merge patch says (RFC 7396), all or none.
    ///
    /// # Errors
    /// Those of [`Service::put_resource`].
    pub async fn patch_resource(
        &self,
        tenant: &Tenant,
        resource: &ResourceId,
        patch: Object<'_>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<ResourceWritten> {
        let edit = |before: Option<&StoredResource>| {
            let after = merged(before.map(|stored| stored.attributes.clone()).unwrap_or_default(), &patch);
            check(&after).map(|()| Some(after))
        };
        self.write_resource(tenant, resource, author, precondition, edit).await
    }

    /// Sets one attribute of a resource.
    ///
    /// # Errors
    /// Those of [`Service::put_resource`]; the place is that of a body `{"value": ...}`.
    pub async fn put_resource_attribute(
        &self,
        tenant: &Tenant,
        resource: &ResourceId,
        slug: &Slug,
        value: Value<'_>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<ResourceWritten> {
        if let Some((code, detail)) = unusable(&value) {
            return Err(ServiceError::invalid("/value", code, detail));
        }
        let value = value.into_owned();
        let edit = |before: Option<&StoredResource>| {
            let mut attributes = before.map(|stored| stored.attributes.clone()).unwrap_or_default();
            attributes.set(slug.to_string(), value);
            check(&attributes).map(|()| Some(attributes))
        };
        self.write_resource(tenant, resource, author, precondition, edit).await
    }

    /// Takes away one attribute of a resource, or all; the tenant's revision after it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for what is not there, [`ServiceError::Stale`], or the store's.
    pub async fn delete_resource(
        &self,
        tenant: &Tenant,
        resource: &ResourceId,
        only: Option<&Slug>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<i64> {
        let edit = |before: Option<&StoredResource>| {
            let gone = || ServiceError::NotFound("nothing of that name is stored of this resource");
            let mut left = before.ok_or_else(gone)?.attributes.clone();
            let Some(slug) = only else { return Ok(None) };
            left.remove(slug.as_str()).ok_or_else(gone)?;
            Ok(Some(left))
        };
        Ok(self.write_resource(tenant, resource, author, precondition, edit).await?.revision)
    }

    async fn write_resource(
        &self,
        tenant: &Tenant,
        resource: &ResourceId,
        author: &Author,
        precondition: &Precondition,
        edit: impl FnOnce(Option<&StoredResource>) -> Result<Option<Object<'static>>>,
    ) -> Result<ResourceWritten> {
        let mut found = None;
        let edit = |before: Option<&StoredResource>| {
            let after = edit(before)?;
            found = before.cloned();
            expect(precondition, before.map(|stored| stored.revision.to_string())).map(|()| after)
        };
        let changed = self.store.edit_resource(&tenant.id, resource, author, edit).await?;
        let Some(ResourceChanged { revision, seq, attributes }) = changed else {
            let StoredResource { attributes, revision: tag } =
                found.unwrap_or(StoredResource { attributes: Object::new(), revision: 0 });
            return Ok(ResourceWritten { attributes, created: false, tag, revision: tenant.revision() });
        };
        let name = Name::resource(resource.kind(), resource.id());
        match &attributes {
            Some(attributes) => {
                self.resources.written(&tenant.id, name, seq, attributes.clone());
                self.stores_now(&tenant.id, resource.kind());
            }
            None => self.resources.gone(&tenant.id, name, seq),
        }
        self.wrote(tenant, revision).await?;
        let (attributes, created) = (attributes.unwrap_or_default(), found.is_none());
        Ok(ResourceWritten { attributes, created, tag: revision, revision })
    }

    /// All attributes of a resource, from memory where they are there.
    pub(super) async fn resource(&self, tenant: &Tenant, kind: &str, id: &str) -> Result<Known<Object<'static>>> {
        let Ok(resource) = ResourceId::parse(kind, id) else { return Ok(None) };
        let read = || self.store.load_resource(&tenant.id, &resource);
        Ok(self.resources.load(&tenant.id, Name::resource(kind, id), read).await?)
    }

    /// Whether a resource of that type may be stored.
    pub(super) fn stores_type(&self, tenant: &TenantId, kind: &str) -> bool {
        self.resource_types.load().get(tenant.as_str()).is_some_and(|types| types.contains(kind))
    }

    /// Notes that there is a resource of a type. Types are few, and never forgotten.
    pub(super) fn stores_now(&self, tenant: &TenantId, kind: &str) {
        if self.stores_type(tenant, kind) {
            return;
        }
        self.resource_types.rcu(|types| {
            let mut types = Types::clone(types);
            types.entry(tenant.to_string()).or_default().insert(kind.to_owned());
            Arc::new(types)
        });
    }
}

/// All that is wrong with the attributes of a resource.
fn check(attributes: &Object<'_>) -> Result<()> {
    let mut faults = Vec::new();
    for (name, value) in attributes.iter() {
        let wrong = match Slug::parse(name) {
            Err(error) => Some(("bad_name", error.to_string())),
            Ok(_) => unusable(value),
        };
        faults.extend(wrong.map(|(code, detail)| Fault { pointer: pointer_to(name), detail, code }));
    }
    let bytes = serde_json::to_vec(attributes).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_VALUE {
        let detail = format!("the attributes take {bytes} bytes as JSON, and {MAX_VALUE} is the most");
        faults.push(Fault { pointer: String::new(), detail, code: "value_too_large" });
    }
    if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
}
