//! Signing in to the portal at the tenant's identity provider: OpenID Connect, authorization code with PKCE.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};

use crate::model::PortalSignIn;

use super::tenants::Tenant;
use super::{Result, Service};

/// A sign-in that was begun: where the browser goes, and what it must bring back.
pub struct BegunSignIn {
    /// The provider's page.
    pub address: String,
    /// What this browser keeps until it comes back.
    pub kept: String,
}

/// What the browser keeps: it binds the answer of the provider to the browser that asked.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    nonce: String,
    verifier: String,
}

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
        let provider = self.provider(tenant, settings).await?;
        let secret = client_secret(settings);
        let client = CoreClient::from_provider_metadata(provider, ClientId::new(settings.client_id.clone()), secret)
            .set_redirect_uri(self.redirect_url(tenant)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let kept =
            Kept { state: state.secret().clone(), nonce: nonce.secret().clone(), verifier: verifier.secret().clone() };
        let kept = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&kept).ok()?);
        Some(BegunSignIn { address: address.into(), kept })
    }

    /// Finishes a sign-in with what the provider sent the browser back with.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish_sign_in(&self, tenant: &Tenant, kept: &str, state: &str, code: &str) -> Result<SignedIn> {
        let who = match self.identify(tenant, kept, state, code).await {
            Ok(who) => who,
            Err(why) => return Ok(SignedIn::Failed(why)),
        };
        let admins = tenant.settings.portal.as_ref().map_or(&[][..], |settings| &settings.admins);
        // A name with an @ is an e-mail address and nothing else: subjects may be chosen by their users.
        let (subject, email) = who;
        let by_email = email.filter(|email| admins.contains(email));
        let by_subject = Some(&subject).filter(|subject| !subject.contains('@') && admins.contains(subject));
        match by_email.as_ref().or(by_subject) {
            Some(admin) => Ok(SignedIn::Session(self.new_session(tenant, admin).await?)),
            None => Ok(SignedIn::NotAdmin(subject)),
        }
    }

    /// The subject, and the e-mail address if the provider has verified it.
    async fn identify(
        &self,
        tenant: &Tenant,
        kept: &str,
        state: &str,
        code: &str,
    ) -> std::result::Result<(String, Option<String>), &'static str> {
        const STALE: &str = "This sign-in was not begun in this browser, or is too old.";
        const REFUSED: &str = "The identity provider did not confirm this sign-in.";
        let kept = BASE64_URL_SAFE_NO_PAD.decode(kept).ok().and_then(|json| serde_json::from_slice::<Kept>(&json).ok());
        let kept = kept.ok_or(STALE)?;
        // Hashes are compared, so that the time taken tells nothing.
        if self.credentials.hash(&kept.state) != self.credentials.hash(state) {
            return Err(STALE);
        }
        let settings = tenant.settings.portal.as_ref().ok_or(REFUSED)?;
        let provider = self.provider(tenant, settings).await.ok_or("The identity provider does not answer.")?;
        let secret = client_secret(settings);
        let client = CoreClient::from_provider_metadata(provider, ClientId::new(settings.client_id.clone()), secret)
            .set_redirect_uri(self.redirect_url(tenant).ok_or(REFUSED)?);
        let refused = |error: &dyn std::fmt::Display| {
            tracing::warn!(tenant = %tenant.id, %error, "a sign-in to the portal was refused");
            REFUSED
        };
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|error| refused(&error))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier));
        let tokens = request.request_async(&self.fetch).await.map_err(|error| refused(&error))?;
        let id_token = tokens.id_token().ok_or_else(|| refused(&"no id_token"))?;
        let claims =
            id_token.claims(&client.id_token_verifier(), &Nonce::new(kept.nonce)).map_err(|error| refused(&error))?;
        let verified = claims.email().filter(|_| claims.email_verified() == Some(true));
        Ok((claims.subject().to_string(), verified.map(|email| email.to_string())))
    }

    async fn provider(&self, tenant: &Tenant, settings: &PortalSignIn) -> Option<CoreProviderMetadata> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).ok()?;
        let discovered = CoreProviderMetadata::discover_async(issuer, &self.fetch).await;
        discovered
            .inspect_err(|error| tracing::warn!(tenant = %tenant.id, %error, "the identity provider of the portal"))
            .ok()
    }

    fn redirect_url(&self, tenant: &Tenant) -> Option<RedirectUrl> {
        RedirectUrl::new(self.admin_url_of(&format!("/t/{}/portal/callback", tenant.id))).ok()
    }
}

/// The secret is named in the settings and stands in the environment: settings lie among the policies.
fn client_secret(settings: &PortalSignIn) -> Option<ClientSecret> {
    let secret = settings.client_secret_env.as_ref().and_then(|name| std::env::var(name).ok())?;
    Some(ClientSecret::new(secret))
}
