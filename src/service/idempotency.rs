//! Requests that clients may send again.

use crate::model::{Author, Earlier, IdempotencyKey};

use super::{Result, Service, Tenant};

impl Service {
    /// What became of an earlier request of the author with this key.
    ///
    /// # Errors
    /// The store's.
    pub async fn earlier(&self, tenant: &Tenant, author: &Author, key: &IdempotencyKey) -> Result<Option<Earlier>> {
        Ok(self.store.earlier(&tenant.id, author, key).await?)
    }

    /// Keeps the answer to a request that was carried out. It may be lost: the request is still not carried out twice.
    pub async fn keep_answer(&self, tenant: &Tenant, author: &Author, key: &IdempotencyKey, answer: &str) {
        if let Err(error) = self.store.keep_answer(&tenant.id, author, key, answer).await {
            tracing::warn!(%error, tenant = %tenant.id, "the answer to a request with an Idempotency-Key was not kept");
        }
    }
}
