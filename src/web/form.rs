//! Forms and cookies.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HeaderValue};

/// How all of our cookies begin.
const OURS: [&[u8]; 2] = [b"__Host-sidegate-", b"__Secure-sidegate-"];

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

/// The value of a form's field; empty if it is not there.
#[must_use]
pub fn form_value<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
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
        Self::parsed(headers).filter(move |cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// The names of all cookies that begin so.
    pub(super) fn named_like(headers: &HeaderMap, start: &str) -> Vec<String> {
        let like = Self::parsed(headers).filter(|cookie| cookie.name().starts_with(start));
        like.map(|cookie| cookie.name().to_owned()).collect()
    }

    /// Those that are an app's business: all but ours, as one field has them; `None` without any at all.
    #[must_use]
    pub fn of_the_app(headers: &HeaderMap) -> Option<HeaderValue> {
        let mut kept: Vec<&[u8]> = Vec::new();
        let mut lines = headers.get_all(COOKIE).iter().peekable();
        lines.peek()?;
        for cookie in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')) {
            let cookie = cookie.trim_ascii();
            if !cookie.is_empty() && !OURS.iter().any(|ours| cookie.starts_with(ours)) {
                kept.push(cookie);
            }
        }
        HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok()
    }

    fn parsed(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(Cookie::split_parse).filter_map(Result::ok)
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
