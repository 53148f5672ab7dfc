//! What OpenID providers say of themselves, read once for all who sign in.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use openidconnect::IssuerUrl;
use openidconnect::core::CoreProviderMetadata;
use tokio::sync::Mutex;

use crate::service::fetch::Fetch;

/// For how long it counts.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Of how many.
const PROVIDERS: u64 = 1000;

pub(in crate::service) struct Providers(Cache<String, Arc<Mutex<Option<CoreProviderMetadata>>>>);

impl Providers {
    pub(in crate::service) fn new() -> Self {
        Self(Cache::builder().max_capacity(PROVIDERS).time_to_live(REMEMBERED).build())
    }

    /// A provider's metadata and keys; `None` if it does not answer. Of many who want them at once, one asks.
    pub(super) async fn metadata(&self, fetch: &Fetch, issuer: &str) -> Option<CoreProviderMetadata> {
        let place = self.0.get_with(issuer.to_owned(), Arc::default);
        let mut known = place.lock().await;
        if known.is_none() {
            let url = IssuerUrl::new(issuer.to_owned()).ok()?;
            let read = CoreProviderMetadata::discover_async(url, fetch).await;
            let told = |error: &dyn std::error::Error| {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(issuer, %error, cause, "an identity provider does not say where it is asked");
            };
            *known = read.inspect_err(|error| told(error)).ok();
        }
        known.clone()
    }

    /// It may have other keys now.
    pub(super) fn forget(&self, issuer: &str) {
        self.0.invalidate(issuer);
    }
}
