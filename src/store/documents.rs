//! Definitions, rules and settings of a tenant: JSON documents that are read whole and replaced whole.

use crate::model::{Author, Precondition, TenantId};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::sql::{On, sql};
use super::{Result, Store, StoreError, tenants};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// The definition of a trait or profile field, by slug.
    Definition,
    /// The profiling rules; there is one, without a name.
    Rules,
    /// The settings of profiling; there is one, without a name.
    Profiling,
    /// The tenant's settings; there is one, without a name.
    Settings,
}

impl DocumentKind {
    fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Definition => "definition",
            DocumentKind::Rules => "rules",
            DocumentKind::Profiling => "profiling",
            DocumentKind::Settings => "settings",
        }
    }
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name among those of its kind.
    pub name: String,
    /// Its text, JSON.
    pub body: String,
    /// The tenant's revision at which it was written.
    pub revision: i64,
}

impl Document {
    /// Its entity tag.
    #[must_use]
    pub fn tag(&self) -> String {
        self.revision.to_string()
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
    pub async fn documents(&self, tenant: &TenantId, kind: DocumentKind) -> Result<Vec<Document>> {
        let rows: Vec<Row> =
            sql("SELECT name, body, revision FROM documents WHERE tenant = $1 AND kind = $2 ORDER BY name")
                .bind(tenant.as_str())
                .bind(kind.as_str())
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(document).collect())
    }

    /// The document of a kind and name.
    ///
    /// # Errors
    /// The database's.
    pub async fn document(&self, tenant: &TenantId, kind: DocumentKind, name: &str) -> Result<Option<Document>> {
        current(&self.reader, tenant, kind, name).await
    }

    /// Sets a document, or takes it away.
    ///
    /// # Errors
    /// [`StoreError::Stale`], or the database's.
    pub async fn set_document(
        &self,
        tenant: &TenantId,
        (kind, name): (DocumentKind, &str),
        body: Option<&str>,
        author: &Author,
        precondition: &Precondition,
    ) -> Result<DocumentSet> {
        let mut tx = self.begin(Some(tenant)).await?;
        let before = current(&mut tx, tenant, kind, name).await?;
        if !precondition.holds(before.as_ref().map(Document::tag).as_deref()) {
            return Err(StoreError::Stale);
        }
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
        let before = before.map(|document| document.body);
        let entry = Entry { action: &action, target: name, before, after, ..Entry::default() };
        audit::note(&mut tx, tenant, author, entry);
        let seq =
            feed::append(&mut tx, Some(tenant), revision, ChangeKind::Documents, kind.as_str(), author.at).await?;
        tx.commit().await?;
        Ok(DocumentSet { revision, seq, existed })
    }
}

type Row = (String, String, i64);

fn document((name, body, revision): Row) -> Document {
    Document { name, body, revision }
}

async fn current(on: impl Into<On<'_>>, tenant: &TenantId, kind: DocumentKind, name: &str) -> Result<Option<Document>> {
    let row = sql("SELECT name, body, revision FROM documents WHERE tenant = $1 AND kind = $2 AND name = $3")
        .bind(tenant.as_str())
        .bind(kind.as_str())
        .bind(name)
        .fetch_optional(on)
        .await?;
    Ok(row.map(document))
}
