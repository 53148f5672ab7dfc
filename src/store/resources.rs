//! Stored attributes of resources: one row, and one JSON object, for each.

use crate::model::{Author, Object, ResourceId, TenantId, Value};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::sql::{On, Tx, sql};
use super::{Result, Store, StoreError, stamp, tenants};

/// What is stored of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResource {
    /// Its attributes.
    pub attributes: Object<'static>,
    /// The tenant's revision when they were written.
    pub revision: i64,
}

/// What a change of a resource did.
#[derive(Debug)]
pub struct ResourceChanged {
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
    /// Its attributes after it, if any are stored.
    pub attributes: Option<Object<'static>>,
}

impl Store {
    /// Reads a resource.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn resource(&self, tenant: &TenantId, resource: &ResourceId) -> Result<Option<StoredResource>> {
        Ok(read(&self.reader, tenant, resource).await?.1)
    }

    /// Reads a resource's attributes and the number of the last change that the reading saw, in one snapshot.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn load_resource(
        &self,
        tenant: &TenantId,
        resource: &ResourceId,
    ) -> Result<(i64, Option<Object<'static>>)> {
        let (as_of, stored) = read(&self.reader, tenant, resource).await?;
        Ok((as_of, stored.map(|stored| stored.attributes)))
    }

    /// Changes a resource as `edit` says from what there is, with nobody else writing in between: to attributes, or to
    /// none. No change, if it stays as it was.
    ///
    /// # Errors
    /// Those of `edit`, or the database's.
    pub async fn edit_resource<E: From<StoreError>>(
        &self,
        tenant: &TenantId,
        resource: &ResourceId,
        author: &Author,
        edit: impl FnOnce(Option<&StoredResource>) -> std::result::Result<Option<Object<'static>>, E>,
    ) -> std::result::Result<Option<ResourceChanged>, E> {
        let mut tx = self.begin(Some(tenant)).await?;
        let (_, before) = read(&mut tx, tenant, resource).await?;
        let after = edit(before.as_ref())?;
        let before = before.map(|stored| stored.attributes);
        if before == after {
            return Ok(None);
        }
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        write(&mut tx, tenant, resource, after.as_ref(), author, revision).await?;
        let json = |object: Option<&Object<'_>>| object.and_then(|object| serde_json::to_string(object).ok());
        let action = if after.is_some() { "resource.set" } else { "resource.delete" };
        let target = resource.to_string();
        let entry = Entry {
            action,
            target: &target,
            before: json(before.as_ref()),
            after: json(after.as_ref()),
            ..Entry::default()
        };
        audit::note(&mut tx, tenant, author, entry);
        let (kind, key) = (ChangeKind::Resource, resource.to_key());
        let seq = feed::append(&mut tx, Some(tenant), revision, kind, &key, author.at).await?;
        tx.commit().await?;
        Ok(Some(ResourceChanged { revision, seq, attributes: after }))
    }

    /// The types of which resources are stored, by tenant.
    ///
    /// # Errors
    /// The database's.
    pub async fn resource_types(&self) -> Result<Vec<(String, String)>> {
        sql("SELECT DISTINCT tenant, type FROM resources").fetch_all(&self.reader).await
    }
}

/// The number of the last change, and what is stored of the resource: one query, and so one snapshot.
async fn read(
    on: impl Into<On<'_>>,
    tenant: &TenantId,
    resource: &ResourceId,
) -> Result<(i64, Option<StoredResource>)> {
    let (as_of, attributes, revision): (i64, Option<String>, Option<i64>) =
        sql("SELECT changes.seq, attributes, revision
         FROM (SELECT COALESCE(MAX(seq), 0) AS seq FROM changes) AS changes
         LEFT JOIN resources ON tenant = $1 AND type = $2 AND id = $3")
        .bind(tenant.as_str())
        .bind(resource.kind())
        .bind(resource.id())
        .fetch_one(on)
        .await?;
    let Some((attributes, revision)) = attributes.zip(revision) else { return Ok((as_of, None)) };
    let corrupt = |why: String| StoreError::corrupt("resources", "attributes", format!("{tenant}/{resource}"), why);
    match Value::parse(&attributes).map_err(|error| corrupt(error.to_string()))? {
        Value::Object(attributes) => Ok((as_of, Some(StoredResource { attributes, revision }))),
        _ => Err(corrupt("it is no object".to_owned())),
    }
}

async fn write(
    tx: &mut Tx,
    tenant: &TenantId,
    resource: &ResourceId,
    attributes: Option<&Object<'_>>,
    author: &Author,
    revision: i64,
) -> Result<()> {
    let Some(attributes) = attributes else {
        sql("DELETE FROM resources WHERE tenant = $1 AND type = $2 AND id = $3")
            .bind(tenant.as_str())
            .bind(resource.kind())
            .bind(resource.id())
            .execute(tx)
            .await?;
        return Ok(());
    };
    sql("INSERT INTO resources (tenant, type, id, attributes, revision, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, type, id) DO UPDATE SET attributes = excluded.attributes, revision = excluded.revision,
             updated_at = excluded.updated_at")
    .bind(tenant.as_str())
    .bind(resource.kind())
    .bind(resource.id())
    .bind(serde_json::to_string(attributes).unwrap_or_default())
    .bind(revision)
    .bind(stamp(author.at))
    .execute(tx)
    .await?;
    Ok(())
}
