//! Tenants as those see them who run the instance: made, suspended, taken away with their data.

use std::sync::Arc;

use crate::model::{Author, TenantId};
use crate::store::TenantRow;

use super::{Result, Service, ServiceError};

const NO_TENANT: ServiceError = ServiceError::NotFound("there is no such tenant");

impl Service {
    /// All tenants, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn stored_tenants(&self) -> Result<Vec<TenantRow>> {
        Ok(self.store.tenants().await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn stored_tenant(&self, tenant: &TenantId) -> Result<TenantRow> {
        self.store.tenant(tenant).await?.ok_or(NO_TENANT)
    }

    /// Makes a tenant; it denies everything until it has policies.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] if there is one of that name, or the store's.
    pub async fn create_tenant(self: &Arc<Self>, tenant: &TenantId) -> Result<TenantRow> {
        if !self.store.create_tenant(tenant, self.clock.now()).await? {
            return Err(ServiceError::Conflict(format!("there is a tenant {tenant} already")));
        }
        self.reload(Some(tenant)).await?;
        self.stored_tenant(tenant).await
    }

    /// Suspends a tenant, or lets it go on. While it is suspended, every decision for it is a deny, and nobody but the
    /// admin of the instance gets an answer.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn suspend_tenant(
        self: &Arc<Self>,
        tenant: &TenantId,
        suspend: bool,
        author: &Author,
    ) -> Result<TenantRow> {
        if !self.store.suspend_tenant(tenant, suspend, author).await? {
            return Err(NO_TENANT);
        }
        let row = self.stored_tenant(tenant).await?;
        self.tenants.note_row(&row);
        Ok(row)
    }

    /// Takes a tenant away with all of its data.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] while it has a folder of policies, [`ServiceError::NotFound`], or the store's.
    pub async fn delete_tenant(&self, tenant: &TenantId) -> Result<()> {
        // Held against a reload that has read the tenant and would bring it back.
        let _alone = self.reloading.lock().await;
        let folder = self.policies_folder().join(tenant.as_str());
        if folder.exists() {
            let detail = format!("the tenant has the folder {}: take that away first", folder.display());
            return Err(ServiceError::Conflict(detail));
        }
        let seq = self.store.delete_tenant(tenant, self.clock.now()).await?.ok_or(NO_TENANT)?;
        self.tenants.remove(tenant.as_str());
        self.forget_all(seq);
        tracing::info!(%tenant, "a tenant was deleted with its data");
        Ok(())
    }
}
