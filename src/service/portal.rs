//! The portal: who may in, and what its pages show.

use jiff::{SignedDuration, Timestamp};

use crate::model::{AuditEntry, Author, Consent, Identity, Origin, Slug, Source, TenantId, UserId, Value};
use crate::profiling::Verdict;
use crate::store::{AuditVerdict, IMPORTED, Listed, Store, StoredField};

use super::tenants::Tenant;
use super::tokens::TokenHasher;
use super::{Result, Service, ServiceError, entropy};

/// How long a one-time link is good for.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// Who comes by a link: whoever may make one on the server.
const LINK_ACTOR: &str = "admin";

/// How long a session lasts.
const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// Entries of the audit trail on a user's page.
const AUDIT_SHOWN: i64 = 20;

/// Logins on a user's page.
const LOGINS_SHOWN: i64 = 10;

/// An admin who is signed in to the portal of a tenant.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub actor: String,
    /// What the forms of this session must carry.
    pub csrf: String,
}

/// Everything on a user's page.
pub struct Profile<'t> {
    /// Fields with where they came from.
    pub fields: Vec<StoredField>,
    /// Linked identities.
    pub identities: Vec<Identity>,
    /// Consents.
    pub consents: Vec<Consent>,
    /// The last entries of the audit trail, newest first.
    pub audit: Vec<AuditEntry>,
    /// The last logins: when, and to which client.
    pub logins: Vec<(String, Option<String>)>,
    /// What each rule would ask now, and why.
    pub verdicts: Vec<Verdict<'t>>,
}

/// Makes a one-time link into the portal of a tenant, for whoever holds it.
///
/// # Errors
/// The store's.
pub async fn make_link(
    store: &Store,
    hasher: &TokenHasher,
    base: &str,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<String> {
    let secret = entropy::secret();
    let hash = hasher.hash(&format!("link {secret}"));
    let expires_at = now.saturating_add(LINK_LIFETIME).unwrap_or(now);
    store.insert_grant(tenant, "link", &hash, LINK_ACTOR, expires_at, now).await?;
    Ok(format!("{}/t/{tenant}/portal/sign-in?link={secret}", base.trim_end_matches('/')))
}

impl Service {
    /// Makes a one-time link into the portal of a tenant.
    ///
    /// # Errors
    /// The store's.
    pub async fn portal_link(&self, tenant: &TenantId) -> Result<String> {
        make_link(&self.store, self.credentials.hasher(), &self.admin_url_of(""), tenant, self.clock.now()).await
    }

    /// Whether a link still counts.
    ///
    /// # Errors
    /// The store's.
    pub async fn link_counts(&self, tenant: &Tenant, secret: &str) -> Result<bool> {
        let hash = self.credentials.hash(&format!("link {secret}"));
        Ok(self.store.find_grant(&tenant.id, "link", &hash, self.clock.now()).await?.is_some())
    }

    /// Turns a link into a session, once; the secret of the session.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_in(&self, tenant: &Tenant, secret: &str) -> Result<Option<String>> {
        let now = self.clock.now();
        let hash = self.credentials.hash(&format!("link {secret}"));
        let Some(actor) = self.store.find_grant(&tenant.id, "link", &hash, now).await? else { return Ok(None) };
        if !self.store.delete_grant(&tenant.id, &hash).await? {
            return Ok(None);
        }
        Ok(Some(self.new_session(tenant, &actor).await?))
    }

    /// Makes a session, and tells its secret.
    pub(super) async fn new_session(&self, tenant: &Tenant, actor: &str) -> Result<String> {
        let now = self.clock.now();
        let session = entropy::secret();
        let hash = self.credentials.hash(&format!("session {session}"));
        let expires_at = now.saturating_add(SESSION_LIFETIME).unwrap_or(now);
        self.store.insert_grant(&tenant.id, "session", &hash, actor, expires_at, now).await?;
        Ok(session)
    }

    /// The session behind a secret.
    ///
    /// # Errors
    /// The store's.
    pub async fn session(&self, tenant: &Tenant, secret: &str) -> Result<Option<Session>> {
        let hash = self.credentials.hash(&format!("session {secret}"));
        let actor = self.store.find_grant(&tenant.id, "session", &hash, self.clock.now()).await?;
        // Whoever came by the identity provider is an admin as long as the settings say so.
        let still = |actor: &String| {
            let admins = tenant.settings.portal.as_ref().map(|portal| &portal.admins);
            actor == LINK_ACTOR || admins.is_some_and(|admins| admins.contains(actor))
        };
        Ok(actor.filter(still).map(|actor| Session { actor, csrf: self.csrf(&format!("session {secret}")) }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_out(&self, tenant: &Tenant, secret: &str) -> Result<()> {
        let hash = self.credentials.hash(&format!("session {secret}"));
        self.store.delete_grant(&tenant.id, &hash).await?;
        Ok(())
    }

    /// Who writes, in the name of a session.
    #[must_use]
    pub fn author_of(&self, session: &Session, origin: Origin) -> Author {
        let origin = Origin { credential: "portal session".to_owned(), ..origin };
        Author { source: Source::Admin, actor: session.actor.clone(), at: self.clock.now(), origin }
    }

    /// A page of users.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_users(&self, tenant: &Tenant, prefix: &str, after: &str, limit: i64) -> Result<Vec<Listed>> {
        Ok(self.store.list_users(&tenant.id, prefix, after, limit).await?)
    }

    /// The linked identities of a user.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody has stored, or the store's.
    pub async fn identities(&self, tenant: &Tenant, user: &UserId) -> Result<Vec<Identity>> {
        self.must_be_known(tenant, user).await?;
        Ok(self.store.identities(&tenant.id, user).await?)
    }

    /// The consents of a user, those withdrawn too.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a user whom nobody has stored, or the store's.
    pub async fn consents(&self, tenant: &Tenant, user: &UserId) -> Result<Vec<Consent>> {
        self.must_be_known(tenant, user).await?;
        Ok(self.store.consents(&tenant.id, user).await?)
    }

    /// The logins of a user that were counted, newest first, with the client of each.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn logins(&self, tenant: &Tenant, user: &UserId, limit: i64) -> Result<Vec<(String, Option<String>)>> {
        self.must_be_known(tenant, user).await?;
        Ok(self.store.logins(&tenant.id, user, limit).await?)
    }

    /// Users as [`Service::list_users`] has them, of whom each of some traits has a value that is written so.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_users(
        &self,
        tenant: &Tenant,
        prefix: &str,
        traits: &[(Slug, String)],
        after: &str,
        limit: i64,
    ) -> Result<Vec<Listed>> {
        let traits: Vec<(Slug, Vec<String>)> =
            traits.iter().map(|(slug, text)| (slug.clone(), values_written(text))).collect();
        Ok(self.store.find_users(&tenant.id, prefix, &traits, after, limit).await?)
    }

    /// A page of the audit trail, newest first: of all, of one user, of one action. Values of fields that are defined as
    /// sensitive are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn audit(
        &self,
        tenant: &Tenant,
        of: (Option<&str>, Option<&str>),
        before: i64,
        limit: i64,
    ) -> Result<Vec<AuditEntry>> {
        let mut entries = self.store.audit_before(&tenant.id, of, before, limit).await?;
        let sensitive = |path: &str| tenant.definitions.is_sensitive(path.strip_prefix("traits.").unwrap_or(path));
        for entry in &mut entries {
            // Of a field that became sensitive later, the trail may hold values.
            if !entry.sensitive && sensitive(&entry.target) {
                (entry.before, entry.after) = (None, None);
            }
            // An import is one entry for all fields of a user.
            for value in [&mut entry.before, &mut entry.after] {
                if let (IMPORTED, Some(Value::Object(fields))) = (entry.action.as_str(), value) {
                    let hidden: Vec<String> =
                        fields.iter().map(|(path, _)| path.to_owned()).filter(|path| sensitive(path)).collect();
                    hidden.iter().for_each(|path| drop(fields.remove(path)));
                }
            }
        }
        Ok(entries)
    }

    /// Whether the audit trail is as it was written.
    ///
    /// # Errors
    /// The store's.
    pub async fn verify_audit(&self, tenant: &Tenant) -> Result<AuditVerdict> {
        Ok(self.store.verify_audit(&tenant.id, None).await?)
    }

    /// Everything on a user's page.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the store's.
    pub async fn profile<'t>(&self, tenant: &'t Tenant, user: &UserId) -> Result<Profile<'t>> {
        Ok(Profile {
            fields: self.store.fields(&tenant.id, user).await?,
            identities: self.store.identities(&tenant.id, user).await?,
            consents: self.store.consents(&tenant.id, user).await?,
            audit: self.store.audit_before(&tenant.id, (Some(user.as_str()), None), i64::MAX, AUDIT_SHOWN).await?,
            logins: self.store.logins(&tenant.id, user, LOGINS_SHOWN).await?,
            verdicts: match self.preview(tenant, user).await {
                Err(ServiceError::NoRules(_)) => Vec::new(),
                other => other?,
            },
        })
    }
}

/// The values that somebody may mean who writes a text, as JSON: the text itself, and the number or truth that it looks
/// like. A number is stored as it was sent, so `5` may stand there as `5.0`.
fn values_written(text: &str) -> Vec<String> {
    let mut values = vec![serde_json::Value::from(text).to_string()];
    if matches!(text, "true" | "false") {
        values.push(text.to_owned());
    } else if let Ok(number) = text.parse::<i64>() {
        values.extend([number.to_string(), format!("{number}.0")]);
    } else if let Some(number) = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
        values.push(number.to_string());
    }
    values
}
