//! What a proxy is told, in the form that it can carry.

use askama::Template;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{RETURN_TO, Slug};
use crate::service::Visitor;
use crate::web::{Problem, ProxyCall, Reply};

use super::asked::{Asked, IDENTITY};

/// What a proxy can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 200, 401 and 403 with header fields.
    Statuses,
    /// Any answer, which the client gets as it is.
    Whole,
}

/// Why a request may not pass.
pub(super) enum Answer<'a> {
    /// Nobody is known, and nobody may.
    Unknown,
    /// Whoever it is may not.
    Refused(&'a str),
    /// It could be read in two ways.
    Unclear(&'a str),
    /// What must be known cannot be read.
    Unavailable,
}

/// For nginx: where its `error_page` sends a browser, and what it says.
const AUTH_LOCATION: HeaderName = HeaderName::from_static("x-auth-location");
const DENY_REASON: HeaderName = HeaderName::from_static("x-deny-reason");

/// Fields hold visible ASCII; a percent sign stands for nothing but an encoded byte.
const IN_A_FIELD: &AsciiSet = &CONTROLS.add(b'%').add(b'"').add(b',').add(b';').add(b'\\');

/// A page that stands under the app's own address: it has its style with it.
#[derive(Template)]
#[template(path = "refused.html", config = "src/web/askama.toml")]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
}

/// It may pass. All fields are there, empty where there is nothing to tell: so none comes through that a client sent.
pub(super) fn pass(call: &ProxyCall<'_>, visitor: &Visitor, traits: &[(&Slug, Option<String>)]) -> Reply {
    let (kind, id) = visitor.subject();
    let id = if matches!(visitor, Visitor::Anonymous) { "" } else { id };
    let own = [("subject", id), ("subject-type", kind), ("tenant", call.tenant.id.as_str())];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let traits = traits
        .iter()
        .map(|(slug, value)| (format!("trait-{}", slug.as_str().replace('_', "-")), value.clone().unwrap_or_default()));
    let mut reply = Reply::empty(StatusCode::OK);
    for (name, value) in own.chain(traits) {
        let value = utf8_percent_encode(&value, IN_A_FIELD).to_string();
        let field = (HeaderName::try_from(format!("{IDENTITY}{name}")), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = field {
            reply.headers.push((name, value));
        }
    }
    reply
}

impl Answer<'_> {
    /// The answer, about a request if it could be read.
    pub(super) fn reply(self, call: &ProxyCall<'_>, asked: Option<&Asked>, form: Form) -> Reply {
        let headers = &call.head.headers;
        let navigation = asked.filter(|asked| asked.is_navigation(headers));
        let sign_in = navigation.and_then(|asked| sign_in(call, asked));
        let (status, title, text) = match &self {
            Answer::Unknown => (StatusCode::UNAUTHORIZED, "Sign in", "Nobody is signed in here."),
            Answer::Refused(why) => (StatusCode::FORBIDDEN, "You may not see this", *why),
            Answer::Unclear(why) => (StatusCode::BAD_REQUEST, "This address cannot be used", *why),
            Answer::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Try again", "What is needed cannot be read just now.")
            }
        };
        let mut reply = match (form, sign_in) {
            (Form::Whole, Some(location)) => Reply::see_other(&location),
            (Form::Statuses, location) => {
                let status = if status == StatusCode::UNAUTHORIZED { status } else { StatusCode::FORBIDDEN };
                let reason = utf8_percent_encode(text, IN_A_FIELD).to_string();
                let mut reply = Reply::empty(status);
                reply.headers.extend(HeaderValue::try_from(reason).ok().map(|reason| (DENY_REASON, reason)));
                reply
                    .headers
                    .extend(location.and_then(|at| HeaderValue::try_from(at).ok()).map(|at| (AUTH_LOCATION, at)));
                reply
            }
            (Form::Whole, None) if navigation.is_some() => page(status, &Page { title, text }),
            (Form::Whole, None) => {
                Problem::new(status, text.to_owned()).into_reply(call.head.uri.path(), |path| call.service.url_of(path))
            }
        };
        if reply.status == StatusCode::UNAUTHORIZED {
            reply.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sidegate\"")));
        }
        if reply.status == StatusCode::SERVICE_UNAVAILABLE {
            reply.headers.push((RETRY_AFTER, HeaderValue::from_static("2")));
        }
        reply
    }
}

/// Where a browser signs in that was going somewhere.
fn sign_in(call: &ProxyCall<'_>, asked: &Asked) -> Option<String> {
    let url = call.tenant.settings.proxies.sign_in_url.as_ref()?;
    let return_to = utf8_percent_encode(&asked.url(), NON_ALPHANUMERIC).to_string();
    Some(url.replace(RETURN_TO, &return_to))
}

fn page(status: StatusCode, page: &Page<'_>) -> Reply {
    let mut reply = Reply::html(status, page);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    reply.headers.retain(|(name, _)| name != CONTENT_SECURITY_POLICY && name != LOCATION);
    reply.headers.push((CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
    reply
}
