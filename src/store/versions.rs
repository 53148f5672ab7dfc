//! Versions of what is stored of a user, from which entity tags are made.

use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use crate::model::{Precondition, Slug, TenantId, UserId};

use super::{Result, StoreError};

/// The fields of a user, each with the tenant's revision when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions(Vec<(String, i64)>);

/// What a write expects to find.
#[derive(Debug, Clone, Copy)]
pub enum Expect<'e> {
    /// Whatever there is.
    Anything,
    /// A field as a precondition says.
    Field(&'e Slug, &'e Precondition),
}

impl Versions {
    /// Of fields and their revisions, in any order.
    #[must_use]
    pub fn new(mut fields: Vec<(String, i64)>) -> Self {
        fields.sort();
        Self(fields)
    }

    /// The tag of one field, if it is there.
    #[must_use]
    pub fn field(&self, slug: &Slug) -> Option<String> {
        self.0.iter().find(|(name, _)| name == slug.as_str()).map(|(_, revision)| revision.to_string())
    }

    /// The tag of all fields together, if there are any: another one after every change, and after one is taken away.
    #[must_use]
    pub fn all(&self) -> Option<String> {
        let mut hash = Sha256::new();
        self.0.iter().for_each(|(slug, revision)| hash.update(format!("{slug} {revision}\n")));
        let digest = hash.finalize();
        (!self.0.is_empty()).then(|| digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether they are as a write expects them.
    pub(super) fn check(&self, expected: Expect<'_>) -> Result<()> {
        let holds = match expected {
            Expect::Anything => true,
            Expect::Field(slug, precondition) => precondition.holds(self.field(slug).as_deref()),
        };
        if holds { Ok(()) } else { Err(StoreError::Stale) }
    }
}

pub(super) async fn of(db: &mut SqliteConnection, tenant: &TenantId, user: &UserId) -> Result<Versions> {
    let rows = sqlx::query_as("SELECT slug, revision FROM fields WHERE tenant = $1 AND user_id = $2")
        .bind(tenant.as_str())
        .bind(user.as_str())
        .fetch_all(db)
        .await?;
    Ok(Versions::new(rows))
}
