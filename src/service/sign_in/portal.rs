//! Signing in to the portal at the tenant's identity provider.

use crate::model::{PortalSignIn, SUBJECT, Value};
use crate::service::issuers::text;
use crate::service::tenants::Tenant;
use crate::service::{Result, Service};

use super::{BegunSignIn, CameBack, Client};

/// What came of a sign-in.
pub enum SignedIn {
    /// The secret of a new session.
    Session(String),
    /// The provider knows who it is, and that is no admin of this tenant.
    NotAdmin(String),
    /// It did not work; the words are for the page, details are in the log.
    Failed(&'static str),
}

impl Service {
    /// Begins a sign-in; `None` if the tenant has no provider, or it does not answer.
    pub async fn begin_sign_in(&self, tenant: &Tenant) -> Option<BegunSignIn> {
        let settings = tenant.settings.portal.as_ref()?;
        self.ask_provider(tenant, &self.portal_client(tenant, settings), "").await
    }

    /// Finishes a sign-in with what the provider sent the browser back with.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish_sign_in(&self, tenant: &Tenant, back: CameBack<'_>) -> Result<SignedIn> {
        let Some(settings) = &tenant.settings.portal else {
            return Ok(SignedIn::Failed("This tenant has no identity provider any more."));
        };
        let (claims, _) = match self.hear_provider(tenant, &self.portal_client(tenant, settings), back).await {
            Ok(heard) => heard,
            Err(why) => return Ok(SignedIn::Failed(why)),
        };
        let claim = |name: &str| claims.get(name).and_then(text);
        let is_admin = |name: &&str| settings.admins.iter().any(|admin| admin == name);
        // A name with an @ is an e-mail address and nothing else: subjects may be chosen by their users.
        let verified = claims.get("email_verified") == Some(&Value::Bool(true));
        let by_email = claim("email").filter(|_| verified).filter(is_admin);
        let subject = claim(SUBJECT).unwrap_or_default();
        let by_subject = Some(subject).filter(|subject| !subject.contains('@')).filter(is_admin);
        match by_email.or(by_subject) {
            Some(admin) => Ok(SignedIn::Session(self.new_session(tenant, admin).await?)),
            None => Ok(SignedIn::NotAdmin(subject.to_owned())),
        }
    }

    fn portal_client<'s>(&self, tenant: &Tenant, settings: &'s PortalSignIn) -> Client<'s> {
        Client {
            issuer: &settings.issuer,
            id: &settings.client_id,
            secret_env: settings.client_secret_env.as_deref(),
            scopes: &["email"],
            back: self.admin_url_of(&format!("/t/{}/portal/callback", tenant.id)),
        }
    }
}
