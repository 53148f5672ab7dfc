//! Erasing a user.

use crate::model::{Author, TenantId, UserId};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::sql::sql;
use super::{Result, Store, tenants};

/// What erasing a user did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
}

impl Store {
    /// Erases a user and all that hangs on one: fields, identities, consents, logins, prompts, tickets, kept answers. Of the audit
    /// trail, entries stay and what they held goes; one entry says who erased the user, and when. `None`, and no change,
    /// for a user whom nobody has stored.
    ///
    /// # Errors
    /// The database's.
    pub async fn erase_user(&self, tenant: &TenantId, user: &UserId, author: &Author) -> Result<Option<Erased>> {
        let mut tx = self.begin(Some(tenant)).await?;
        // Everything else of a user refers to this row, and goes with it.
        let erased = sql("DELETE FROM users WHERE tenant = $1 AND user_id = $2")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .execute(&mut tx)
            .await?;
        if erased == 0 {
            return Ok(None);
        }
        let emptied = audit::empty(&mut tx, tenant, user).await?;
        sql("DELETE FROM idempotency_keys WHERE tenant = $1 AND user_id = $2")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .execute(&mut tx)
            .await?;
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let tombstone = Entry { user: Some(user), action: audit::ERASED, after: Some(emptied), ..Entry::default() };
        audit::note(&mut tx, tenant, author, tombstone);
        let seq = feed::append(&mut tx, Some(tenant), revision, ChangeKind::User, user.as_str(), author.at).await?;
        tx.commit().await?;
        Ok(Some(Erased { revision, seq }))
    }
}
