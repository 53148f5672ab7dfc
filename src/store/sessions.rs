//! Users who have signed in to the tenant's apps. Only hashes of their secrets are kept.

use jiff::Timestamp;
use serde_json::json;

use crate::model::{Author, InvalidId, Object, TenantId, UserId};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::logins::time;
use super::sql::{Statement, sql};
use super::{Result, Store, StoreError, stamp, tenants};

/// A user's session.
#[derive(Debug, Clone, PartialEq)]
pub struct AppSession {
    /// Whose it is.
    pub user: UserId,
    /// The login that it began with.
    pub login_id: String,
    /// What the identity provider said at it.
    pub claims: Object<'static>,
    /// Whether nothing is asked of the user first; until then it lets nobody in.
    pub complete: bool,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What ending a session did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnded {
    /// Whose it was.
    pub user: UserId,
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
}

impl Store {
    /// Keeps a session under the hash of its secret; forgets those of the tenant that are over. `false` if there is no such
    /// user any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_session(
        &self,
        tenant: &TenantId,
        hash: &[u8],
        session: &AppSession,
        now: Timestamp,
    ) -> Result<bool> {
        sql("DELETE FROM sessions WHERE tenant = $1 AND expires_at < $2")
            .bind(tenant.as_str())
            .bind(stamp(now))
            .execute(&self.writer)
            .await?;
        let inserted = sql("INSERT INTO sessions (hash, tenant, user_id, login_id, claims, complete, expires_at)
             SELECT $1, tenant, user_id, $4, $5, $6, $7 FROM users WHERE tenant = $2 AND user_id = $3")
        .bind(hash)
        .bind(tenant.as_str())
        .bind(session.user.as_str())
        .bind(&session.login_id)
        .bind(json!(session.claims).to_string())
        .bind(i64::from(session.complete))
        .bind(stamp(session.expires_at))
        .execute(&self.writer)
        .await?;
        Ok(inserted == 1)
    }

    /// The session behind a hash, if it has not ended.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn session(&self, tenant: &TenantId, hash: &[u8], now: Timestamp) -> Result<Option<AppSession>> {
        let row: Option<(String, String, String, i64, String)> =
            sql("SELECT user_id, login_id, claims, complete, expires_at FROM sessions
             WHERE tenant = $1 AND hash = $2 AND expires_at > $3")
            .bind(tenant.as_str())
            .bind(hash)
            .bind(stamp(now))
            .fetch_optional(&self.reader)
            .await?;
        let Some((user, login_id, claims, complete, expires_at)) = row else { return Ok(None) };
        let of = || format!("{tenant}/{user}");
        let corrupt = |column, error: String| StoreError::corrupt("sessions", column, of(), error);
        let expires_at = time("sessions", "expires_at", &expires_at, of)?;
        let claims = Object::parse(&claims).map_err(|error| corrupt("claims", error.to_string()))?.into_owned();
        let user = UserId::parse(&user).map_err(|error: InvalidId| corrupt("user_id", error.to_string()))?;
        Ok(Some(AppSession { user, login_id, claims, complete: complete == 1, expires_at }))
    }

    /// Nothing is asked any more before a session counts.
    ///
    /// # Errors
    /// The database's.
    pub async fn complete_session(&self, tenant: &TenantId, hash: &[u8]) -> Result<()> {
        sql("UPDATE sessions SET complete = 1 WHERE tenant = $1 AND hash = $2")
            .bind(tenant.as_str())
            .bind(hash)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Ends a session; `None` if it was not there.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn end_session(&self, tenant: &TenantId, hash: &[u8], author: &Author) -> Result<Option<SessionEnded>> {
        let Some(AppSession { user, .. }) = self.session(tenant, hash, author.at).await? else { return Ok(None) };
        let delete = sql("DELETE FROM sessions WHERE tenant = $1 AND hash = $2").bind(tenant.as_str()).bind(hash);
        self.end_what(delete, tenant, &user, author).await
    }

    /// Ends all sessions of a user; `None` if there are none.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_sessions(
        &self,
        tenant: &TenantId,
        user: &UserId,
        author: &Author,
    ) -> Result<Option<SessionEnded>> {
        let delete = sql("DELETE FROM sessions WHERE tenant = $1 AND user_id = $2");
        self.end_what(delete.bind(tenant.as_str()).bind(user.as_str()), tenant, user, author).await
    }

    /// Ends what a statement deletes, for all sidecars: it is a change of the user.
    async fn end_what(
        &self,
        delete: Statement<'_>,
        tenant: &TenantId,
        user: &UserId,
        author: &Author,
    ) -> Result<Option<SessionEnded>> {
        let mut tx = self.begin(Some(tenant)).await?;
        if delete.execute(&mut tx).await? == 0 {
            return Ok(None);
        }
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let entry = Entry { user: Some(user), action: "user.sign_out", target: "", ..Entry::default() };
        audit::note(&mut tx, tenant, author, entry);
        let seq = feed::append(&mut tx, Some(tenant), revision, ChangeKind::User, user.as_str(), author.at).await?;
        tx.commit().await?;
        Ok(Some(SessionEnded { user: user.clone(), revision, seq }))
    }
}
