//! The cookie of a user who has signed in to a tenant's apps.

use http::HeaderMap;
use http::header::HeaderValue;

use crate::service::Tenant;

use super::Cookies;

/// Its name and its reach. With a domain it cannot be bound to one origin, so it has the weaker prefix (RFC 6265bis,
/// section 4.1.3).
pub struct SessionCookie<'t> {
    name: String,
    domain: Option<&'t str>,
}

impl<'t> SessionCookie<'t> {
    /// That of a tenant; `None` if its apps have no sign-in here.
    #[must_use]
    pub fn of(tenant: &'t Tenant) -> Option<Self> {
        let domain = tenant.settings.sign_in.as_ref()?.cookie_domain.as_deref();
        let prefix = if domain.is_some() { "__Secure" } else { "__Host" };
        Some(Self { name: format!("{prefix}-sidegate-{}-session", tenant.id), domain })
    }

    /// Its value in a request.
    #[must_use]
    pub fn get(&self, headers: &HeaderMap) -> Option<String> {
        Cookies::get(headers, &self.name)
    }

    /// Gives it to a browser.
    #[must_use]
    pub fn set(&self, value: &str) -> Option<HeaderValue> {
        Cookies::set_within(self.domain, &self.name, value)
    }

    /// Takes it away.
    #[must_use]
    pub fn unset(&self) -> Option<HeaderValue> {
        Cookies::unset_within(self.domain, &self.name)
    }
}
