//! Users in batches: what a file says of some hundred, checked against what there is, and written in one transaction.

mod plan;
mod read;
mod write;

use crate::model::{Author, PortableUser, TenantId};

use super::feed::{self, ChangeKind};
use super::{Result, Store, tenants};

use self::plan::Plan;
use self::read::Known;

/// The action of an entry in the audit trail: what changed of a user, as members of one object before and after.
pub const IMPORTED: &str = "user.import";

/// What becomes of a user of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The user is new.
    Created,
    /// Something of the user changes.
    Updated,
    /// All is so already.
    Unchanged,
    /// It cannot be.
    Refused(ImportRefusal),
}

/// Why what a file says of a user cannot be, as the store stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefusal {
    /// The user would have more fields than a user may.
    #[error("a user has at most {0} attributes")]
    TooManyTraits(usize),
    /// An identity is another user's.
    #[error("the identity {subject:?} at {provider:?} belongs to another user")]
    IdentityOfAnother {
        /// The provider.
        provider: String,
        /// The user's id there.
        subject: String,
    },
    /// A login was counted for another user.
    #[error("the login {0:?} was counted for another user")]
    LoginOfAnother(String),
}

/// What writing a batch did.
#[derive(Debug)]
pub struct Imported {
    /// What became of each user, in their order.
    pub outcomes: Vec<Outcome>,
    /// The tenant's revision after it and the number of the change, if there was anything to change.
    pub change: Option<(i64, i64)>,
}

impl Store {
    /// What [`Store::import_users`] would make of these users, each of whom is there once. Nothing is changed.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn preview_import(
        &self,
        tenant: &TenantId,
        users: &[PortableUser],
        author: &Author,
    ) -> Result<Vec<Outcome>> {
        let mut tx = self.begin_read().await?;
        let mut known = Known::read(&mut tx, tenant, users).await?;
        tx.commit().await?;
        Ok(users.iter().map(|user| plan::plan(&mut known, user, author).outcome()).collect())
    }

    /// Makes and changes users, each of whom is there once, with an entry in the audit trail for everyone that changes.
    /// Those who are refused stay as they are; with `all_or_none`, the others do then, too.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn import_users(
        &self,
        tenant: &TenantId,
        users: &[PortableUser],
        author: &Author,
        all_or_none: bool,
    ) -> Result<Imported> {
        let mut tx = self.begin(Some(tenant)).await?;
        let mut known = Known::read(&mut tx, tenant, users).await?;
        let plans: Vec<Plan<'_>> = users.iter().map(|user| plan::plan(&mut known, user, author)).collect();
        let outcomes: Vec<Outcome> = plans.iter().map(Plan::outcome).collect();
        let refused = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Refused(_)));
        let changed: Vec<&str> = plans.iter().filter(|plan| plan.changes()).map(|plan| plan.user.id.as_str()).collect();
        if changed.is_empty() || (all_or_none && refused) {
            return Ok(Imported { outcomes, change: None });
        }
        let key = serde_json::to_string(&changed).unwrap_or_default();
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        write::write(&mut tx, tenant, plans, author, revision).await?;
        let seq = feed::append(&mut tx, Some(tenant), revision, ChangeKind::Users, &key, author.at).await?;
        tx.commit().await?;
        Ok(Imported { outcomes, change: Some((revision, seq)) })
    }
}
