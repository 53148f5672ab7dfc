//! Definitions, rules and settings of a tenant: JSON documents that are read whole and replaced whole.

use crate::model::{Author, TenantId};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::sql::{Tx, sql};
use super::{Result, Store, tenants};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// The definition of a trait or profile field, by slug.
    Definition,
    /// The profiling rules; there is one, without a name.
    Rules,
    /// The settings of profiling; there is one, without a name.
    Profiling,
}

impl DocumentKind {
    fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Definition => "definition",
            DocumentKind::Rules => "rules",
            DocumentKind::Profiling => "profiling",
        }
    }
}

/// What setting a document did.
#[derive(Debug, Clone, Copy)]
pub struct DocumentSet {
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
    /// Whether there was one before.
    pub existed: bool,
}

impl Store {
    /// All documents of a kind, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn documents(&self, tenant: &TenantId, kind: DocumentKind) -> Result<Vec<(String, String)>> {
        let rows = sql("SELECT name, body FROM documents WHERE tenant = $1 AND kind = $2 ORDER BY name")
            .bind(tenant.as_str())
            .bind(kind.as_str())
            .fetch_all(&self.reader)
            .await?;
        Ok(rows)
    }

    /// Sets a document, or takes it away.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_document(
        &self,
        tenant: &TenantId,
        kind: DocumentKind,
        name: &str,
        body: Option<&str>,
        author: &Author,
    ) -> Result<DocumentSet> {
        let mut tx = self.begin(Some(tenant)).await?;
        let before = current(&mut tx, tenant, kind, name).await?;
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let statement = match body {
            Some(_) => {
                "INSERT INTO documents (tenant, kind, name, body, revision) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (tenant, kind, name) DO UPDATE SET body = excluded.body, revision = excluded.revision"
            }
            None => "DELETE FROM documents WHERE tenant = $1 AND kind = $2 AND name = $3",
        };
        let query = sql(statement).bind(tenant.as_str()).bind(kind.as_str()).bind(name);
        let query = match body {
            Some(body) => query.bind(body).bind(revision),
            None => query,
        };
        query.execute(&mut tx).await?;
        let existed = before.is_some();
        let action = format!("{}.{}", kind.as_str(), if body.is_some() { "set" } else { "delete" });
        let after = body.map(str::to_owned);
        let entry = Entry { action: &action, target: name, before, after, ..Entry::default() };
        audit::note(&mut tx, tenant, author, entry);
        let seq =
            feed::append(&mut tx, Some(tenant), revision, ChangeKind::Documents, kind.as_str(), author.at).await?;
        tx.commit().await?;
        Ok(DocumentSet { revision, seq, existed })
    }
}

async fn current(tx: &mut Tx, tenant: &TenantId, kind: DocumentKind, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = sql("SELECT body FROM documents WHERE tenant = $1 AND kind = $2 AND name = $3")
        .bind(tenant.as_str())
        .bind(kind.as_str())
        .bind(name)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(body,)| body))
}
