//! What a proxy asks about, out of the header fields of its family. What comes twice, or could be read in two ways, is
//! refused: the server behind the proxy might read it in the other.

use std::borrow::Cow;

use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::model::{RequestPath, UnclearPath};
use crate::web::ProxyCall;

/// Where a request that is asked about stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// In `X-Original-Method` and `X-Original-URL`: nginx.
    Original,
    /// In `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`: Traefik, Caddy, HAProxy.
    Forwarded,
    /// It is the question itself, below a path or in a message: Envoy.
    Itself,
}

/// A request, as its fields have it.
struct Written<'r> {
    method: &'r str,
    scheme: &'r str,
    authority: &'r str,
    target: &'r str,
    /// Where the authority stands.
    from: HeaderName,
}

/// A request that is asked about.
pub(super) struct Asked {
    pub(super) method: String,
    /// `https` or `http`, as the client reached the proxy.
    scheme: String,
    /// As the client wrote it, for the way back.
    authority: String,
    /// In lower case and without a port.
    pub(super) host: String,
    pub(super) path: RequestPath,
    /// Path and query, as they were sent.
    target: String,
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unclear {
    #[error("the proxy sends no {0}: this endpoint is for another kind of proxy, or its configuration lacks it")]
    Missing(HeaderName),
    #[error("{0} is there twice")]
    Twice(HeaderName),
    #[error("{0} holds what it cannot hold")]
    Unusable(HeaderName),
    #[error("the path is not clear: {0}")]
    Path(#[from] UnclearPath),
    #[error("the field {0} is taken for another by those who read _ as -")]
    Alias(HeaderName),
    #[error("the field {0} is for apps to be told by us, and a client has sent it")]
    Ours(HeaderName),
}

const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// What all fields begin with that tell an app who it is.
pub(super) const IDENTITY: &str = "x-auth-";

/// What these go on with: `X-Auth-Token` and its like are the clients' own.
const OURS: [&str; 3] = ["x-auth-subject", "x-auth-tenant", "x-auth-trait-"];

impl Asked {
    /// Reads what a proxy asks about.
    pub(super) fn read(call: &ProxyCall<'_>, fields: Fields) -> Result<Self, Unclear> {
        no_lies(&call.head.headers, call.tenant.settings.proxies.identity_header.as_deref())?;
        let Written { method, scheme, authority, target, from } = Written::read(call.head, call.rest, fields)?;
        if Method::from_bytes(method.as_bytes()).is_err() || method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Unclear::Unusable(ORIGINAL_METHOD));
        }
        if !matches!(scheme, "http" | "https") {
            return Err(Unclear::Unusable(FORWARDED_PROTO));
        }
        let path = target.split('?').next().unwrap_or_default();
        Ok(Self {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            host: plain_host(authority).ok_or(Unclear::Unusable(from))?,
            path: RequestPath::parse(path, &call.tenant.settings.proxies.path_forms)?,
            target: target.to_owned(),
        })
    }

    /// Whether a browser is on its way to a page, which it can take elsewhere and come back from.
    pub(super) fn is_navigation(&self, headers: &HeaderMap) -> bool {
        wants_page(headers) && self.is_read()
    }

    /// Whether nothing is lost if it is asked again.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Where it was going.
    pub(super) fn url(&self) -> String {
        let default = if self.scheme == "https" { ":443" } else { ":80" };
        let authority = self.authority.strip_suffix(default).unwrap_or(&self.authority);
        format!("{}://{authority}{}", self.scheme, self.target)
    }
}

impl<'r> Written<'r> {
    fn read(head: &'r Parts, rest: &'r str, fields: Fields) -> Result<Self, Unclear> {
        let headers = &head.headers;
        Ok(match fields {
            Fields::Original => {
                let url = one(headers, ORIGINAL_URL)?;
                let (scheme, rest) = url.split_once("://").ok_or(Unclear::Unusable(ORIGINAL_URL))?;
                let slash = rest.find('/').ok_or(Unclear::Unusable(ORIGINAL_URL))?;
                let (authority, target) = rest.split_at(slash);
                Self { method: one(headers, ORIGINAL_METHOD)?, scheme, authority, target, from: ORIGINAL_URL }
            }
            Fields::Forwarded => Self {
                method: one(headers, FORWARDED_METHOD)?,
                scheme: one(headers, FORWARDED_PROTO)?,
                authority: one(headers, FORWARDED_HOST)?,
                target: one(headers, FORWARDED_URI)?,
                from: FORWARDED_HOST,
            },
            Fields::Itself => {
                // HTTP/2 has it beside the path.
                let authority = match head.uri.authority() {
                    Some(authority) => authority.as_str(),
                    None => one(headers, HOST)?,
                };
                let scheme = one(headers, FORWARDED_PROTO)?;
                Self { method: head.method.as_str(), scheme, authority, target: rest, from: HOST }
            }
        })
    }
}

/// Whether a browser shows the answer as a page (Fetch Metadata, "Sec-Fetch-Mode").
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => text("accept").is_some_and(|accept| accept.contains("text/html")),
    }
}

/// The host that a request is for, in lower case and without a port, if that is clear.
#[must_use]
pub fn host(head: &Parts, fields: Fields) -> Option<String> {
    plain_host(Written::read(head, "/", fields).ok()?.authority)
}

/// The one value of a field.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<&str, Unclear> {
    let mut values = headers.get_all(&name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Unclear::Missing(name)),
        (Some(value), None) => value.to_str().map_err(|_| Unclear::Unusable(name)),
        (Some(_), Some(_)) => Err(Unclear::Twice(name)),
    }
}

/// Fields that tell an app who it is. Not every proxy takes away those that it is not told to overwrite.
fn no_lies(headers: &HeaderMap, identity: Option<&str>) -> Result<(), Unclear> {
    for name in headers.keys() {
        // Gateways and CGI take `X_Auth_Subject` for `X-Auth-Subject`, and proxies do not: it would reach the app as it was sent.
        let has_alias = name.as_str().contains('_');
        let plain = if has_alias { Cow::Owned(name.as_str().replace('_', "-")) } else { Cow::Borrowed(name.as_str()) };
        let is_fixed = matches!(&*plain, "host" | "authorization")
            || identity.is_some_and(|name| name.eq_ignore_ascii_case(&plain));
        if has_alias && (is_fixed || plain.starts_with(IDENTITY)) {
            return Err(Unclear::Alias(name.clone()));
        }
        if OURS.iter().any(|ours| plain.starts_with(ours)) {
            return Err(Unclear::Ours(name.clone()));
        }
    }
    Ok(())
}

/// A host in lower case, without a port; `None` for what could be read in two ways.
fn plain_host(authority: &str) -> Option<String> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) if !authority.ends_with(']') => return None,
        _ => authority,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'[' | b']' | b':');
    let good = !host.is_empty() && host.bytes().all(is_plain) && !host.ends_with('.');
    good.then(|| host.to_ascii_lowercase())
}
