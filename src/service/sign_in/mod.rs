//! Signing in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).

mod app;
mod portal;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};

use crate::model::Object;

use super::Service;
use super::issuers::claims_of;
use super::tenants::Tenant;

pub use app::AppStep;
pub use portal::SignedIn;

/// A sign-in that was begun: where the browser goes, and what it must bring back.
#[derive(Debug)]
pub struct BegunSignIn {
    /// The provider's page.
    pub address: String,
    /// What this browser keeps until it comes back.
    pub kept: String,
}

/// What a browser comes back from the provider with.
#[derive(Debug, Clone, Copy)]
pub struct CameBack<'a> {
    /// What it kept.
    pub kept: &'a str,
    /// The state that the provider handed back.
    pub state: &'a str,
    /// The code that it may be asked about.
    pub code: &'a str,
}

/// What we are at a provider.
struct Client<'a> {
    issuer: &'a str,
    id: &'a str,
    /// The secret is named in the settings and stands in the environment: settings lie among the policies.
    secret_env: Option<&'a str>,
    scopes: &'a [&'a str],
    /// Where the provider sends browsers back to.
    back: String,
}

/// What the browser keeps: it binds the answer of the provider to the browser that asked.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    nonce: String,
    verifier: String,
    /// Where it was going.
    return_to: String,
}

impl Service {
    /// Sends a browser to a provider; `None` if that does not answer.
    async fn ask_provider(&self, tenant: &Tenant, client: &Client<'_>, return_to: &str) -> Option<BegunSignIn> {
        let provider = self.provider(tenant, client).await?;
        let oidc = CoreClient::from_provider_metadata(provider, client.id(), client.secret())
            .set_redirect_uri(client.redirect()?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request =
            oidc.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        let scopes = client.scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
        let (address, state, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        let kept = Kept {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            return_to: return_to.to_owned(),
        };
        let kept = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&kept).ok()?);
        Some(BegunSignIn { address: address.into(), kept })
    }

    /// Who came back from a provider, by the claims of the id token, and where the browser was going. The words of an error
    /// are for the page, details are in the log.
    async fn hear_provider(
        &self,
        tenant: &Tenant,
        client: &Client<'_>,
        back: CameBack<'_>,
    ) -> Result<(Object<'static>, String), &'static str> {
        const STALE: &str = "This sign-in was not begun in this browser, or is too old.";
        const REFUSED: &str = "The identity provider did not confirm this sign-in.";
        let kept = BASE64_URL_SAFE_NO_PAD.decode(back.kept).ok();
        let kept = kept.and_then(|json| serde_json::from_slice::<Kept>(&json).ok()).ok_or(STALE)?;
        // Hashes are compared, so that the time taken tells nothing.
        if self.credentials.hash(&kept.state) != self.credentials.hash(back.state) {
            return Err(STALE);
        }
        let provider = self.provider(tenant, client).await.ok_or("The identity provider does not answer.")?;
        let oidc = CoreClient::from_provider_metadata(provider, client.id(), client.secret())
            .set_redirect_uri(client.redirect().ok_or(REFUSED)?);
        let refused = |error: &dyn std::fmt::Display| {
            tracing::warn!(tenant = %tenant.id, %error, "a sign-in was refused");
            REFUSED
        };
        let code = AuthorizationCode::new(back.code.to_owned());
        let request = oidc.exchange_code(code).map_err(|error| refused(&error))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier));
        let tokens = request.request_async(&self.fetch).await.map_err(|error| refused(&error))?;
        let id_token = tokens.id_token().ok_or_else(|| refused(&"no id_token"))?;
        id_token.claims(&oidc.id_token_verifier(), &Nonce::new(kept.nonce)).map_err(|error| refused(&error))?;
        let claims = claims_of(&id_token.to_string()).ok_or_else(|| refused(&"its claims cannot be read"))?;
        Ok((claims, kept.return_to))
    }

    async fn provider(&self, tenant: &Tenant, client: &Client<'_>) -> Option<CoreProviderMetadata> {
        let issuer = IssuerUrl::new(client.issuer.to_owned()).ok()?;
        let discovered = CoreProviderMetadata::discover_async(issuer, &self.fetch).await;
        discovered.inspect_err(|error| tracing::warn!(tenant = %tenant.id, %error, "the identity provider")).ok()
    }
}

impl Client<'_> {
    fn id(&self) -> ClientId {
        ClientId::new(self.id.to_owned())
    }

    fn secret(&self) -> Option<ClientSecret> {
        self.secret_env.and_then(|name| std::env::var(name).ok()).map(ClientSecret::new)
    }

    fn redirect(&self) -> Option<RedirectUrl> {
        RedirectUrl::new(self.back.clone()).ok()
    }
}
