//! Signing in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).

mod app;
mod portal;
mod providers;

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;

use crate::model::Object;

use super::Service;
use super::issuers::claims_of;
use super::tenants::Tenant;

pub(super) use providers::Providers;

pub use app::AppStep;
pub use portal::SignedIn;

/// Browsers keep cookies of 4096 bytes, which hold more than where one was going.
const MAX_RETURN: usize = 2048;

/// What is kept of a sign-in that is under way.
const RETURNING: &str = "returning";

/// A sign-in that was begun: where the browser goes, and what it must bring back.
#[derive(Debug)]
pub struct BegunSignIn {
    /// The provider's page.
    pub address: String,
    /// What tells it from others that are under way in the same browser.
    pub state: String,
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
    /// Where the browser is.
    pub address: Option<IpAddr>,
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
        let provider = self.providers.metadata(&self.fetch, client.issuer).await?;
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
            return_to: no_longer_than_kept(return_to),
        };
        let kept = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&kept).ok()?);
        let kept = self.marked(tenant, RETURNING, &kept);
        Some(BegunSignIn { address: address.into(), state: state.secret().clone(), kept })
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
        let kept = self.kept(tenant, back.kept).ok_or(STALE)?;
        // Hashes are compared, so that the time taken tells nothing.
        if self.credentials.hash(&kept.state) != self.credentials.hash(back.state) {
            return Err(STALE);
        }
        // Whoever has one may come with any code, and the provider is asked about each.
        let failures = &self.credentials.failures;
        failures
            .may_try(back.address)
            .map_err(|_| "Too much did not work from where you are. Try again in a moment.")?;
        const SILENT: &str = "The identity provider does not answer.";
        let provider = self.providers.metadata(&self.fetch, client.issuer).await.ok_or(SILENT)?;
        let oidc = CoreClient::from_provider_metadata(provider.clone(), client.id(), client.secret())
            .set_redirect_uri(client.redirect().ok_or(REFUSED)?);
        let refused = |error: &dyn std::fmt::Display| {
            tracing::warn!(tenant = %tenant.id, %error, "a sign-in was refused");
            failures.failed(back.address);
            REFUSED
        };
        let code = AuthorizationCode::new(back.code.to_owned());
        let request = oidc.exchange_code(code).map_err(|error| refused(&error))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier));
        let tokens = request.request_async(&self.fetch).await.map_err(|error| refused(&error))?;
        let id_token = tokens.id_token().ok_or_else(|| refused(&"no id_token"))?;
        let nonce = Nonce::new(kept.nonce);
        if verify(client, provider, id_token, &nonce).is_err() {
            // Its keys may be newer than what is remembered of it.
            self.providers.forget(client.issuer);
            let provider = self.providers.metadata(&self.fetch, client.issuer).await.ok_or(SILENT)?;
            verify(client, provider, id_token, &nonce).map_err(|error| refused(&error))?;
        }
        let claims = claims_of(&id_token.to_string()).ok_or_else(|| refused(&"its claims cannot be read"))?;
        Ok((claims, kept.return_to))
    }

    /// What a browser has kept that was given it by us, for this tenant.
    fn kept(&self, tenant: &Tenant, kept: &str) -> Option<Kept> {
        let kept = self.unmarked(tenant, RETURNING, kept)?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(kept).ok()?).ok()
    }

    /// What a browser is given to keep for a tenant, with a mark that only we can make.
    fn marked(&self, tenant: &Tenant, purpose: &str, text: &str) -> String {
        format!("{text}.{}", self.csrf(&format!("{purpose} {} {text}", tenant.id)))
    }

    /// The text of what we have marked.
    fn unmarked<'k>(&self, tenant: &Tenant, purpose: &str, kept: &'k str) -> Option<&'k str> {
        let (text, _) = kept.split_once('.')?;
        bool::from(self.marked(tenant, purpose, text).as_bytes().ct_eq(kept.as_bytes())).then_some(text)
    }
}

fn verify(
    client: &Client<'_>,
    provider: CoreProviderMetadata,
    id_token: &CoreIdToken,
    nonce: &Nonce,
) -> Result<(), ClaimsVerificationError> {
    let oidc = CoreClient::from_provider_metadata(provider, client.id(), client.secret());
    id_token.claims(&oidc.id_token_verifier(), nonce).map(|_| ())
}

/// Where a browser was going, or the app's first page if that is too long to be kept.
fn no_longer_than_kept(return_to: &str) -> String {
    if return_to.len() <= MAX_RETURN {
        return return_to.to_owned();
    }
    Url::parse(return_to).map_or_else(|_| String::new(), |url| format!("{}/", url.origin().ascii_serialization()))
}

impl Client<'_> {
    fn id(&self) -> ClientId {
        ClientId::new(self.id.to_owned())
    }

    fn secret(&self) -> Option<ClientSecret> {
        let name = self.secret_env?;
        let secret = std::env::var(name).ok().filter(|secret| !secret.is_empty());
        if secret.is_none() {
            tracing::warn!("clientSecretEnv: the environment variable {name} is not set");
        }
        secret.map(ClientSecret::new)
    }

    fn redirect(&self) -> Option<RedirectUrl> {
        RedirectUrl::new(self.back.clone()).ok()
    }
}
