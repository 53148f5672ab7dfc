//! Forms and cookies.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HeaderValue};

/// Reads a posted form; `None` if it is none.
#[must_use]
pub fn parse_form(headers: &HeaderMap, body: &[u8]) -> Option<Vec<(String, String)>> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Some(url::form_urlencoded::parse(body).into_owned().collect())
}

/// The cookies of a request, and how ours are made.
pub struct Cookies;

impl Cookies {
    /// The value of a cookie; of two of the same name, neither: one of them is not from us.
    #[must_use]
    pub fn get(headers: &HeaderMap, name: &str) -> Option<String> {
        let mut found = Self::all(headers, name);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The values of all cookies of a name.
    pub(super) fn all(headers: &HeaderMap, name: &str) -> impl Iterator<Item = String> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let parsed = lines.flat_map(Cookie::split_parse).filter_map(Result::ok);
        parsed.filter(move |cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// A cookie that scripts and other sites do not see. The prefix `__Host-` binds it to this very origin.
    #[must_use]
    pub fn set(name: &str, value: &str) -> Option<HeaderValue> {
        Self::build(None, None, name, value)
    }

    /// The same, for ten minutes.
    pub(super) fn set_briefly(name: &str, value: &str) -> Option<HeaderValue> {
        Self::build(None, Some(Duration::minutes(10)), name, value)
    }

    /// Takes a cookie away.
    #[must_use]
    pub fn unset(name: &str) -> Option<HeaderValue> {
        Self::unset_within(None, name)
    }

    /// The same for all hosts of a domain, if there is one.
    pub(super) fn set_within(domain: Option<&str>, name: &str, value: &str) -> Option<HeaderValue> {
        Self::build(domain, None, name, value)
    }

    pub(super) fn unset_within(domain: Option<&str>, name: &str) -> Option<HeaderValue> {
        Self::build(domain, Some(Duration::ZERO), name, "")
    }

    fn build(domain: Option<&str>, max_age: Option<Duration>, name: &str, value: &str) -> Option<HeaderValue> {
        let mut cookie = Cookie::build((name, value)).path("/").secure(true).http_only(true).same_site(SameSite::Lax);
        if let Some(domain) = domain {
            cookie = cookie.domain(domain);
        }
        if let Some(max_age) = max_age {
            cookie = cookie.max_age(max_age);
        }
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }
}
