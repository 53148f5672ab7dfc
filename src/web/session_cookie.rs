//! The cookie of a user who has signed in to a tenant's apps.

use http::HeaderMap;
use http::header::HeaderValue;

use crate::service::Tenant;

use super::Cookies;

/// Its name and its reach. With a domain it cannot be bound to one origin, so it has the weaker prefix (RFC 6265bis,
/// section 4.1.3), and the domain in its name: one that was set for another does not stand in its way.
pub struct SessionCookie<'t> {
    name: String,
    domain: Option<&'t str>,
}

/// What a browser holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// No session.
    Nothing,
    /// One, which may have ended.
    One(String),
    /// More than one: somebody else set one of them, and nobody knows which.
    Several,
}

impl<'t> SessionCookie<'t> {
    /// That of a tenant; `None` if its apps have no sign-in here.
    #[must_use]
    pub fn of(tenant: &'t Tenant) -> Option<Self> {
        let domain = tenant.settings.sign_in.as_ref()?.cookie_domain.as_deref();
        let name = match domain {
            Some(domain) => format!("__Secure-sidegate-{}-session-{domain}", tenant.id),
            None => format!("__Host-sidegate-{}-session", tenant.id),
        };
        Some(Self { name, domain })
    }

    /// What a request shows.
    #[must_use]
    pub fn held(&self, headers: &HeaderMap) -> Held {
        let mut values = Cookies::all(headers, &self.name);
        match (values.next(), values.next()) {
            (None, _) => Held::Nothing,
            (Some(one), None) => Held::One(one),
            (Some(_), Some(_)) => Held::Several,
        }
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
