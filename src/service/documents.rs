//! Definitions, rules and settings of profiling: read, checked against each other, replaced.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;
use tokio::sync::MutexGuard;

use crate::engine::{Compiled, compile};
use crate::model::{Author, Definition, Definitions, ProfilingSettings, Rule, Slug, TenantId};
use crate::profiling::{RuleError, RuleSet};
use crate::store::{DocumentKind, DocumentSet, StoreError};

use super::policies::read_policies;
use super::tenants::{Tenant, first_error};
use super::{Fault, Result, Service, ServiceError};

/// What the store has of a tenant.
pub(super) struct StoredDocuments {
    pub(super) definitions: Definitions,
    pub(super) rules: Vec<Rule>,
    pub(super) profiling: ProfilingSettings,
}

impl Service {
    pub(super) async fn stored_documents(&self, tenant: &TenantId) -> Result<StoredDocuments> {
        let definitions = self.store.documents(tenant, DocumentKind::Definition).await?;
        let definitions: Vec<Definition> =
            definitions.iter().map(|(name, body)| read(tenant, name, body)).collect::<Result<_>>()?;
        let rules = self.store.documents(tenant, DocumentKind::Rules).await?;
        let profiling = self.store.documents(tenant, DocumentKind::Profiling).await?;
        Ok(StoredDocuments {
            definitions: Definitions::new(definitions, None),
            rules: rules.first().map(|(name, body)| read(tenant, name, body)).transpose()?.unwrap_or_default(),
            profiling: profiling.first().map(|(name, body)| read(tenant, name, body)).transpose()?.unwrap_or_default(),
        })
    }

    /// Sets a definition; whether it is a new one, and the tenant's revision after it.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] if policies or rules do not go with it, [`ServiceError::Conflict`] if definitions
    /// stand in a file.
    pub async fn put_definition(
        self: &Arc<Self>,
        tenant: &Tenant,
        definition: Definition,
        author: &Author,
    ) -> Result<(i64, bool)> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        let tenant = tenant.as_ref();
        definition.check_itself().map_err(|(pointer, why)| ServiceError::invalid(pointer, "bad_definition", why))?;
        let changed = tenant.definitions.with(definition.clone());
        self.check_definitions(tenant, changed).await?;
        let slug = definition.slug.as_str();
        let body = serde_json::to_string(&definition).unwrap_or_default();
        let written = self.store.set_document(&tenant.id, DocumentKind::Definition, slug, Some(&body), author).await?;
        self.documents_changed(tenant, &written).await?;
        Ok((written.revision, !written.existed))
    }

    /// Takes a definition away; a standard profile field is then as it was at first.
    ///
    /// # Errors
    /// As [`Service::put_definition`], and [`ServiceError::NotFound`].
    pub async fn delete_definition(self: &Arc<Self>, tenant: &Tenant, slug: &Slug, author: &Author) -> Result<i64> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        let tenant = tenant.as_ref();
        refuse_file(&tenant.definitions)?;
        let stored = self.store.documents(&tenant.id, DocumentKind::Definition).await?;
        if !stored.iter().any(|(name, _)| name == slug.as_str()) {
            return Err(ServiceError::NotFound("this tenant has no definition of its own of that slug"));
        }
        self.check_definitions(tenant, tenant.definitions.without(slug.as_str())).await?;
        let written =
            self.store.set_document(&tenant.id, DocumentKind::Definition, slug.as_str(), None, author).await?;
        self.documents_changed(tenant, &written).await?;
        Ok(written.revision)
    }

    /// Replaces the rules.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with everything that is wrong, [`ServiceError::Conflict`] if they stand in a file.
    pub async fn put_rules(self: &Arc<Self>, tenant: &Tenant, rules: Vec<Rule>, author: &Author) -> Result<i64> {
        let (_alone, tenant) = self.alone_with(tenant).await;
        let tenant = tenant.as_ref();
        if let Some(file) = tenant.rules.as_ref().and_then(|rules| rules.file.as_ref()) {
            return Err(ServiceError::Conflict(format!("the rules of this tenant stand in {file}: change them there")));
        }
        let compiled = check_rules(rules, tenant)?;
        let rules: Vec<&Rule> = compiled.rules.iter().map(|rule| &rule.rule).collect();
        let body = serde_json::to_string(&rules).unwrap_or_default();
        let written = self.store.set_document(&tenant.id, DocumentKind::Rules, "", Some(&body), author).await?;
        self.documents_changed(tenant, &written).await?;
        Ok(written.revision)
    }

    /// Replaces the settings of profiling.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_profiling(
        self: &Arc<Self>,
        tenant: &Tenant,
        settings: ProfilingSettings,
        author: &Author,
    ) -> Result<i64> {
        let body = serde_json::to_string(&settings).unwrap_or_default();
        let written = self.store.set_document(&tenant.id, DocumentKind::Profiling, "", Some(&body), author).await?;
        self.documents_changed(tenant, &written).await?;
        Ok(written.revision)
    }

    /// Waits until nobody else changes documents, and takes the tenant as it is then: what is checked must still be so
    /// when it is written.
    async fn alone_with(&self, tenant: &Tenant) -> (MutexGuard<'_, ()>, Arc<Tenant>) {
        let guard = self.changing_documents.lock().await;
        let now = self.tenant(tenant.id.as_str()).unwrap_or_else(|| Arc::new(tenant.clone()));
        (guard, now)
    }

    /// Puts in force what was written, before it is acknowledged.
    async fn documents_changed(self: &Arc<Self>, tenant: &Tenant, written: &DocumentSet) -> Result<()> {
        self.own_documents.fetch_max(written.seq, Ordering::AcqRel);
        self.reload(Some(&tenant.id)).await?;
        self.wrote(tenant, written.revision).await
    }

    /// Refuses definitions with which the tenant's policies or rules would not be in force, naming them.
    async fn check_definitions(&self, tenant: &Tenant, changed: Definitions) -> Result<()> {
        refuse_file(&tenant.definitions)?;
        let changed = Arc::new(changed);
        let folder = self.policies_folder().join(tenant.id.as_str());
        let with = changed.clone();
        let compiled = move || folder.is_dir().then(|| compile(read_policies(&folder), &with));
        let failed = |_| ServiceError::Conflict("the policies could not be compiled".to_owned());
        let compiled: Option<Compiled> = tokio::task::spawn_blocking(compiled).await.map_err(failed)?;
        if let Some(broken) = compiled.filter(|compiled| compiled.program.is_none()) {
            let detail = format!("the policies of this tenant do not go with it: {}", first_error(&broken));
            return Err(ServiceError::invalid("", "policies_disagree", detail));
        }
        let rules = tenant.rules.iter().flat_map(|set| &set.rules).map(|rule| rule.rule.clone()).collect();
        RuleSet::compile(rules, &changed, &tenant.settings, None).map(|_| ()).map_err(|errors| {
            let first = errors.first().map_or(String::new(), |error| format!("{}: {}", error.pointer, error.detail));
            ServiceError::invalid("", "rules_disagree", format!("the profiling rules do not go with it: {first}"))
        })
    }
}

fn refuse_file(definitions: &Definitions) -> Result<()> {
    match &definitions.file {
        Some(file) => {
            Err(ServiceError::Conflict(format!("the definitions of this tenant stand in {file}: change them there")))
        }
        None => Ok(()),
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

fn read<T: DeserializeOwned>(tenant: &TenantId, name: &str, body: &str) -> Result<T> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt {
        table: "documents",
        column: "body",
        row: format!("{tenant}/{name}"),
        why: error.to_string(),
    };
    Ok(serde_json::from_str(body).map_err(corrupt)?)
}
