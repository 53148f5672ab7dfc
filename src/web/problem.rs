//! Errors as RFC 9457 "Problem Details for HTTP APIs" has them. The one place that says which status an error is.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::{Fault, ServiceError, StoreError, TooMany, no_room};

use super::problems::type_of;
use super::{BadJson, Reply};

/// When to ask again after an outage: it mends itself, or it lasts.
const RETRY_SOON: HeaderValue = HeaderValue::from_static("2");

/// An error on its way to the client.
#[derive(Debug)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// What is wrong, for people.
    pub detail: Cow<'static, str>,
    /// What is wrong with which member of the body.
    pub errors: Vec<Fault>,
    /// Fields of the answer's header that belong to the error, such as a challenge.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// An error as clients see it (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDetails<'a> {
    /// Where it is said what kind of error this is.
    r#type: &'a str,
    /// The name of the status.
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong, for people.
    detail: &'a str,
    /// The path that was asked for.
    instance: &'a str,
    /// What is wrong with which member of the body.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

/// An error with members of its own (RFC 9457, section 3.2).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{M}Problem")]
pub struct ExtendedProblem<'a, M> {
    #[serde(flatten)]
    details: &'a ProblemDetails<'a>,
    #[serde(flatten)]
    more: &'a M,
}

impl Problem {
    /// An error of that status.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// 400
    #[must_use]
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404, the same for what is not there and for what is none of the caller's business.
    #[must_use]
    pub fn no_such_tenant() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such tenant, or this access token is not one of it")
    }

    /// 503, with when to ask again.
    #[must_use]
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, RETRY_SOON)
    }

    /// 429, with when to ask again.
    #[must_use]
    pub fn too_many(TooMany(wait): TooMany) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let detail = format!("too much was asked: ask again in {seconds} seconds");
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail).with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a field to the header of the answer.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer, for a request to `path`; `url_of` makes URLs of paths of ours.
    #[must_use]
    pub fn into_reply(self, path: &str, url_of: impl Fn(&str) -> String) -> Reply {
        self.reply(path, url_of, |status, details| Reply::json(status, details))
    }

    /// The same, as an [`ExtendedProblem`].
    #[must_use]
    pub fn into_reply_with(self, path: &str, url_of: impl Fn(&str) -> String, more: &impl Serialize) -> Reply {
        self.reply(path, url_of, |status, details| Reply::json(status, &ExtendedProblem { details, more }))
    }

    fn reply(
        self,
        path: &str,
        url_of: impl Fn(&str) -> String,
        encode: impl FnOnce(StatusCode, &ProblemDetails<'_>) -> Reply,
    ) -> Reply {
        let kind = type_of(self.status, url_of);
        let body = ProblemDetails {
            r#type: &kind,
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            errors: &self.errors,
        };
        let mut reply = encode(self.status, &body);
        reply.content_type = "application/problem+json";
        reply.headers = self.headers;
        reply
    }

    /// The answer in AuthZEN's form: a JSON string.
    #[must_use]
    pub fn into_message(self) -> Reply {
        let mut reply = Reply::json(self.status, &self.detail);
        reply.headers = self.headers;
        reply
    }
}

impl From<BadJson> for Problem {
    fn from(error: BadJson) -> Self {
        let status = match error {
            BadJson::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BadJson::Syntax(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound(what) => Self::new(StatusCode::NOT_FOUND, what),
            ServiceError::Invalid(faults) => {
                let detail = faults.first().map_or(String::new(), |fault| fault.detail.clone());
                Self { errors: faults, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
            }
            ServiceError::Orphans(ref faults) => {
                Self { errors: faults.clone(), ..Self::new(StatusCode::CONFLICT, error.to_string()) }
            }
            ServiceError::Conflict(why) => Self::new(StatusCode::CONFLICT, why),
            ServiceError::Stale(why) => Self::new(StatusCode::PRECONDITION_FAILED, why),
            ServiceError::NoRules(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            ServiceError::Unavailable(ref why) => {
                tracing::error!(%error, "the store failed");
                Self::unavailable(match why {
                    StoreError::Unconfirmed(_) => {
                        let lost = "what became of the change is not known: look before asking again";
                        format!("{}; {lost}", why.trouble())
                    }
                    why => format!("{}; nothing was changed", why.trouble()),
                })
            }
            ServiceError::Interrupted { .. } => {
                tracing::error!(%error, "an import was interrupted");
                Self::unavailable(error.to_string())
            }
            ServiceError::NoRoom(ref why) => {
                tracing::error!(%error, "an upload cannot be kept");
                Self::unavailable(format!("{}; nothing was changed", no_room(why)))
            }
            ServiceError::Corrupt(_) => {
                tracing::error!(%error, "the store is corrupt");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "stored data is not as it should be; the log says where")
            }
            ServiceError::Folder(_) | ServiceError::Redis(_) | ServiceError::Io { .. } => {
                tracing::error!(%error, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong here; the log says what")
            }
        }
    }
}
