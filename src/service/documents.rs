//! Definitions, rules and settings of profiling as they are stored; rules and settings replaced.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;
use tokio::sync::MutexGuard;

use crate::engine::Stored;
use crate::model::{Author, Definition, Definitions, Precondition, ProfilingSettings, Rule, TenantId};
use crate::profiling::{RuleError, RuleSet};
use crate::store::{Document, DocumentKind, DocumentSet, StoreError};

use super::tenants::Tenant;
use super::{Fault, Result, Service, ServiceError};

/// What the store has of a tenant.
pub(super) struct StoredDocuments {
    /// What policies are compiled with.
    pub(super) stored: Arc<Stored>,
    pub(super) rules: Vec<Rule>,
    pub(super) profiling: ProfilingSettings,
}

impl Service {
    pub(super) async fn stored_documents(&self, tenant: &TenantId) -> Result<StoredDocuments> {
        let definitions = self.store.documents(tenant, DocumentKind::Definition).await?;
        let definitions: Vec<Definition> =
            definitions.iter().map(|document| read(tenant, document)).collect::<Result<_>>()?;
        let rules = self.store.documents(tenant, DocumentKind::Rules).await?;
        let profiling = self.store.documents(tenant, DocumentKind::Profiling).await?;
        let settings = self.store.documents(tenant, DocumentKind::Settings).await?;
        let settings = settings.first().map(|document| read(tenant, document)).transpose()?.unwrap_or_default();
        Ok(StoredDocuments {
            stored: Arc::new(Stored { definitions: Arc::new(Definitions::new(definitions, None)), settings }),
            rules: rules.first().map(|document| read(tenant, document)).transpose()?.unwrap_or_default(),
            profiling: profiling.first().map(|document| read(tenant, document)).transpose()?.unwrap_or_default(),
        })
    }

    /// A document as it is stored, with its entity tag.
    ///
    /// # Errors
    /// The store's.
    pub async fn document<T: DeserializeOwned>(
        &self,
        tenant: &Tenant,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<(T, String)>> {
        let stored = self.store.document(&tenant.id, kind, name).await?;
        stored.map(|document| Ok((read(&tenant.id, &document)?, document.tag()))).transpose()
    }

    /// Replaces the rules; they come back with their ids, and with the revision.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with everything that is wrong, [`ServiceError::Conflict`] if they stand in a file,
    /// [`ServiceError::Stale`].
    pub async fn put_rules(
        self: &Arc<Self>,
        tenant: &Tenant,
        rules: Vec<Rule>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<(Vec<Rule>, i64)> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        let tenant = tenant.as_ref();
        if let Some(file) = tenant.rules.as_ref().and_then(|rules| rules.file.as_ref()) {
            return Err(ServiceError::Conflict(format!("the rules of this tenant stand in {file}: change them there")));
        }
        let compiled = check_rules(rules, tenant)?;
        let rules: Vec<Rule> = compiled.rules.into_iter().map(|rule| rule.rule).collect();
        let body = serde_json::to_string(&rules).unwrap_or_default();
        let written = self.write_document(tenant, (DocumentKind::Rules, ""), Some(&body), author, precondition).await?;
        Ok((rules, written.revision))
    }

    /// Replaces the settings of profiling.
    ///
    /// # Errors
    /// [`ServiceError::Stale`], or the store's.
    pub async fn put_profiling(
        self: &Arc<Self>,
        tenant: &Tenant,
        settings: ProfilingSettings,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<i64> {
        let body = serde_json::to_string(&settings).unwrap_or_default();
        let which = (DocumentKind::Profiling, "");
        let written = self.write_document(tenant, which, Some(&body), author, precondition).await?;
        Ok(written.revision)
    }

    /// Waits until nobody else changes documents, and takes the tenant as it is then: what is checked must still be so
    /// when it is written.
    pub(super) async fn alone_with(&self, tenant: &Tenant) -> (MutexGuard<'_, ()>, Arc<Tenant>) {
        let guard = self.changing_documents.lock().await;
        let now = self.tenant(tenant.id.as_str()).unwrap_or_else(|| Arc::new(tenant.clone()));
        (guard, now)
    }

    /// Writes a document, or takes it away, and puts that in force before it is acknowledged.
    pub(super) async fn write_document(
        self: &Arc<Self>,
        tenant: &Tenant,
        which: (DocumentKind, &str),
        body: Option<&str>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<DocumentSet> {
        let written = self.store.set_document(&tenant.id, which, body, author, precondition).await?;
        self.own_documents.fetch_max(written.seq, Ordering::AcqRel);
        self.reload(Some(&tenant.id)).await?;
        self.wrote(tenant, written.revision).await?;
        Ok(written)
    }
}

/// Checks rules as [`Service::put_rules`] does.
///
/// # Errors
/// Everything that is wrong with them.
pub fn check_rules(rules: Vec<Rule>, tenant: &Tenant) -> Result<RuleSet> {
    RuleSet::compile(rules, &tenant.definitions, &tenant.settings, None).map_err(|errors| {
        let fault = |error: RuleError| Fault { pointer: error.pointer, detail: error.detail, code: error.code };
        ServiceError::Invalid(errors.into_iter().map(fault).collect())
    })
}

fn read<T: DeserializeOwned>(tenant: &TenantId, document: &Document) -> Result<T> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt {
        table: "documents",
        column: "body",
        row: format!("{tenant}/{}", document.name),
        why: error.to_string(),
    };
    Ok(serde_json::from_str(&document.body).map_err(corrupt)?)
}
