//! What a proxy is told, in the form that it can carry.

use askama::Template;
use http::StatusCode;
use http::header::{COOKIE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::model::{RETURN_TO, Slug, UserId};
use crate::service::Visitor;
use crate::web::{Cookies, Problem, ProxyCall, Reply, is_grpc};

use super::asked::{Asked, Fields, IDENTITY, wants_page};

/// What a proxy can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 200, 401 and 403 with header fields.
    Statuses,
    /// Any answer, which the client gets as it is.
    Whole,
}

impl Form {
    pub(super) fn of(fields: Fields) -> Self {
        match fields {
            Fields::Original => Form::Statuses,
            Fields::Forwarded | Fields::Itself => Form::Whole,
        }
    }
}

/// Why a request may not pass.
pub(super) enum Answer<'a> {
    /// Nobody is known, and nobody may.
    Unknown,
    /// Whoever it is may not.
    Refused(&'a str),
    /// Something is asked of whoever it is first: at a page, if there is a way there.
    Incomplete { rule: &'a str, link: Option<&'a str> },
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
    link: Option<&'a str>,
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
        let value = in_a_field(&value);
        let field = (HeaderName::try_from(format!("{IDENTITY}{name}")), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = field {
            reply.headers.push((name, value));
        }
    }
    // Nor may an app have what lets somebody pass as its user at another.
    reply.headers.extend(Cookies::of_the_app(&call.head.headers).map(|cookies| (COOKIE, cookies)));
    reply
}

/// A text as one field holds it: blanks at its ends would be lost (RFC 9110, section 5.5).
fn in_a_field(text: &str) -> String {
    let inner = text.trim_matches(' ');
    let before = text.len() - text.trim_start_matches(' ').len();
    let after = if inner.is_empty() { 0 } else { text.len() - before - inner.len() };
    format!("{}{}{}", "%20".repeat(before), utf8_percent_encode(inner, IN_A_FIELD), "%20".repeat(after))
}

impl Answer<'_> {
    /// The answer, about a request if it could be read.
    pub(super) fn reply(self, call: &ProxyCall<'_>, asked: Option<&Asked>, form: Form) -> Reply {
        let headers = &call.head.headers;
        let navigation = asked.filter(|asked| asked.is_navigation(headers));
        let elsewhere = match (&self, navigation) {
            (Answer::Unknown, Some(asked)) => sign_in(call, asked),
            (Answer::Incomplete { link, .. }, Some(_)) => link.map(str::to_owned),
            _ => None,
        };
        let (status, title, text) = match &self {
            Answer::Unknown => (StatusCode::UNAUTHORIZED, "Sign in", "Nobody is signed in here."),
            Answer::Refused(why) => (StatusCode::FORBIDDEN, "You may not see this", *why),
            Answer::Incomplete { .. } => {
                (StatusCode::FORBIDDEN, "Something is missing in your profile", "It is asked for before you go on.")
            }
            Answer::Unclear(why) => (StatusCode::BAD_REQUEST, "This address cannot be used", *why),
            Answer::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "Try again", "What is needed cannot be read just now.")
            }
        };
        let mut reply = match (form, elsewhere) {
            (Form::Whole, Some(location)) => Reply::see_other(&location),
            (Form::Statuses, location) => {
                // nginx sends a browser elsewhere for 401 alone.
                let leaves = status == StatusCode::UNAUTHORIZED || location.is_some();
                let status = if leaves { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
                let mut reply = Reply::empty(status).with(DENY_REASON, reason(text));
                reply
                    .headers
                    .extend(location.and_then(|at| HeaderValue::try_from(at).ok()).map(|at| (AUTH_LOCATION, at)));
                reply
            }
            (Form::Whole, None) if is_grpc(headers) => {
                let way_out = self.link().map(|link| format!(": {link}")).unwrap_or_default();
                Problem::new(status, format!("{text}{way_out}")).into_grpc()
            }
            (Form::Whole, None) if wants_page(headers) => {
                Reply::html_elsewhere(status, &Page { title, text, link: self.link() })
            }
            (Form::Whole, None) => match self {
                Answer::Incomplete { rule, link } => incomplete(call, rule, link),
                _ => Problem::new(status, text.to_owned())
                    .into_reply(call.head.uri.path(), |path| call.service.url_of(path)),
            },
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

/// A problem with a question, as nginx takes it: of what is wrong with a request, it hands on 401 and 403 alone.
#[must_use]
pub fn by_status(problem: Problem) -> Problem {
    let unclear = matches!(problem.status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND);
    let status = if unclear { StatusCode::FORBIDDEN } else { problem.status };
    let reason = reason(&problem.detail);
    Problem { status, ..problem }.with(DENY_REASON, reason)
}

/// Why, as a field holds it.
fn reason(text: &str) -> HeaderValue {
    let reason = utf8_percent_encode(text, IN_A_FIELD).to_string();
    HeaderValue::try_from(reason).unwrap_or(HeaderValue::from_static(""))
}

impl<'a> Answer<'a> {
    /// The way out, for a page to show.
    fn link(&self) -> Option<&'a str> {
        match self {
            Answer::Incomplete { link, .. } => *link,
            _ => None,
        }
    }
}

/// The link to the page that asks a user what a rule asks, and leads back to where the user was going.
pub(super) async fn link(call: &ProxyCall<'_>, visitor: &Visitor, rule: &str, asked: &Asked) -> Option<String> {
    let ("user", id) = visitor.subject() else { return None };
    // What was sent with another method is not sent again.
    let return_to = if asked.is_read() { asked.url() } else { String::new() };
    let user = UserId::parse(id).ok()?;
    let made = if asked.is_navigation(&call.head.headers) {
        call.service.make_ticket(call.tenant, &user, rule, &return_to).await
    } else {
        call.service.offer_ticket(call.tenant, &user, rule, &return_to).await
    };
    match made {
        Ok(link) => Some(link),
        Err(error) => {
            tracing::warn!(%error, "no link could be made to the page that asks for what is missing");
            None
        }
    }
}

/// A problem (RFC 9457) with what a program needs to show the page.
fn incomplete(call: &ProxyCall<'_>, rule: &str, link: Option<&str>) -> Reply {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct More<'a> {
        code: &'static str,
        rule: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        redirect_to: Option<&'a str>,
    }
    let detail = "something is missing in the user's profile: show the page at redirectTo first";
    let more = More { code: "profile_incomplete", rule, redirect_to: link };
    let problem = Problem::new(StatusCode::FORBIDDEN, detail);
    problem.into_reply_with(call.head.uri.path(), |path| call.service.url_of(path), &more)
}

/// Where a browser signs in that was going somewhere.
fn sign_in(call: &ProxyCall<'_>, asked: &Asked) -> Option<String> {
    let Some(url) = &call.tenant.settings.proxies.sign_in_url else {
        return call.service.sign_in_url(call.tenant, &asked.url());
    };
    let return_to = utf8_percent_encode(&asked.url(), NON_ALPHANUMERIC).to_string();
    Some(url.replace(RETURN_TO, &return_to))
}
