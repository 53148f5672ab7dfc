//! What a page gets, and how HTML goes out.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, ORIGIN, REFERRER_POLICY};
use http::{HeaderMap, StatusCode};

use crate::model::Origin;
use crate::service::{Service, Tenant};

use super::call::{origin, query_param};
use super::{Cookies, Params, Reply, parse_form};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a page of ours may load, and where it may stand.
const OWN: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const ELSEWHERE: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// A request for a page of a tenant.
pub struct PageCall<'r> {
    /// The use cases.
    pub service: &'r Arc<Service>,
    /// The tenant.
    pub tenant: &'r Tenant,
    /// Parameters of the path, decoded.
    pub params: Params<'r>,
    /// The query, as it was sent.
    pub query: &'r str,
    /// The header fields.
    pub headers: &'r HeaderMap,
    /// The whole body.
    pub body: &'r [u8],
    /// The address of the peer, if it is a network's.
    pub peer: Option<IpAddr>,
}

impl PageCall<'_> {
    /// A parameter of the query, decoded.
    #[must_use]
    pub fn query_param(&self, name: &str) -> Option<String> {
        query_param(self.query, name)
    }

    /// Where the request came from, as the audit trail notes it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        origin(self.headers, self.peer)
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        Cookies::get(self.headers, name)
    }

    /// The posted form; `None` if it is none, or was not sent from a page of ours.
    #[must_use]
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        if !self.is_from_here() {
            return None;
        }
        parse_form(self.headers, self.body)
    }

    /// Whether the browser says that the request comes from a page of ours.
    fn is_from_here(&self) -> bool {
        let header = |name: &HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = header(&SEC_FETCH_SITE) {
            return site == "same-origin";
        }
        header(&ORIGIN).is_some_and(|origin| self.service.is_own_origin(origin))
    }
}

impl Reply {
    /// A page. It runs no scripts, is shown in no frame, and sends its forms only here.
    #[must_use]
    pub fn html(status: StatusCode, page: &impl Template) -> Self {
        Self::page(status, page, &format!("{OWN}; form-action 'self'"))
    }

    /// A page whose form leads on to somebody else's pages. Browsers hold every redirect after a form against
    /// `form-action`, and where an identity provider and its clients lead is not ours to know.
    #[must_use]
    pub fn html_leading_on(status: StatusCode, page: &impl Template) -> Self {
        Self::page(status, page, OWN)
    }

    /// A page that stands under somebody else's address: it has its style with it, and nothing more.
    #[must_use]
    pub fn html_elsewhere(status: StatusCode, page: &impl Template) -> Self {
        Self::page(status, page, ELSEWHERE)
    }

    fn page(status: StatusCode, page: &impl Template, policy: &str) -> Self {
        let mut reply = Self::empty(status);
        match page.render() {
            Ok(text) => reply.body = text.into_bytes().into(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                reply.status = StatusCode::INTERNAL_SERVER_ERROR;
            }
        }
        reply.content_type = "text/html; charset=utf-8";
        reply.headers.extend(HeaderValue::try_from(policy).ok().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
        // Not `no-referrer`: browsers would then send forms with the origin `null`.
        reply.headers.push((REFERRER_POLICY, HeaderValue::from_static("same-origin")));
        reply
    }

    /// The way to another page, to be fetched with GET.
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        let mut reply = Self::empty(StatusCode::SEE_OTHER);
        if let Ok(location) = HeaderValue::try_from(location) {
            reply.headers.push((LOCATION, location));
        }
        reply.headers.push((REFERRER_POLICY, HeaderValue::from_static("same-origin")));
        reply
    }

    /// Adds a cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.headers.extend(cookie.map(|cookie| (http::header::SET_COOKIE, cookie)));
        self
    }
}

/// How pages for the users of a tenant look.
#[derive(Default)]
pub struct Look<'a> {
    /// Whose pages they are; empty for nobody's.
    pub name: &'a str,
    /// Where the tenant's own colours are, if it has any.
    pub stylesheet: Option<String>,
}

/// A page that says something and leads somewhere.
#[derive(Template)]
#[template(path = "message.html", config = "src/web/askama.toml")]
pub struct Message<'a> {
    /// The heading.
    pub title: &'a str,
    /// What there is to say.
    pub text: &'a str,
    /// How it looks.
    pub look: Look<'a>,
    /// Where to go: address and words.
    pub link: Option<(String, &'a str)>,
}

impl<'a> Message<'a> {
    /// One that is no tenant's, or for its admins.
    #[must_use]
    pub fn plain(title: &'a str, text: &'a str, link: Option<(String, &'a str)>) -> Self {
        Self { title, text, look: Look::default(), link }
    }
}

/// The style of all pages.
pub const STYLESHEET: &str = include_str!("templates/sidegate.css");
