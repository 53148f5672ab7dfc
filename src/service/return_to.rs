//! Where browsers are sent back to.

use url::Url;

use super::Service;
use super::tenants::Tenant;

impl Service {
    /// The way back, if its origin is one that the tenant names exactly, or it is our own sign-in; else the tenant's default.
    /// What is sent to the browser is our own writing of the parsed URL, so that browser and check cannot read it differently.
    pub(super) fn return_url(&self, tenant: &Tenant, wanted: &str) -> Option<Url> {
        let settings = &tenant.settings;
        let parsed = |url: &str| Url::parse(url).ok().filter(is_plain);
        let allowed = |url: &Url| {
            let listed = settings.return_origins.iter().filter_map(|origin| Url::parse(origin).ok());
            let own = self.sign_in_url(tenant, "").and_then(|url| Url::parse(&url).ok());
            listed.into_iter().any(|origin| origin.origin() == url.origin())
                || own.is_some_and(|own| own.origin() == url.origin() && own.path() == url.path())
        };
        // Characters that URL parsers quietly drop, turn or fold are no part of an honest address.
        let honest = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let taken = parsed(wanted).filter(|url| honest && allowed(url));
        if taken.is_none() && !wanted.is_empty() {
            let origin =
                Url::parse(wanted).map_or_else(|_| "no URL".to_owned(), |url| url.origin().ascii_serialization());
            tracing::info!(tenant = %tenant.id, origin, "this is none of returnOrigins; where one goes instead is defaultReturn, if there is one");
        }
        taken.or_else(|| settings.default_return.as_deref().and_then(parsed))
    }
}

fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
}
