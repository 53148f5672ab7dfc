//! The bearer token of a request, and what is said to one who has none that counts (RFC 6750, RFC 9728).

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::model::{Scope, TenantId};
use crate::service::{Secret, Service, Unfit};
use crate::web::Problem;

use super::routes::PROTECTED_RESOURCE;

/// Why nobody is known behind a request.
pub(super) enum Refused {
    /// It has no token.
    Missing,
    /// It has one where it would be kept in logs and histories (RFC 9700, section 4.3.2).
    InTheQuery,
    /// It has several, of which each reader might take another.
    Several,
    /// It has one that does not count.
    Unfit(Unfit),
}

impl From<Unfit> for Refused {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// What a request has to show: its one bearer token (RFC 6750, section 2.1), or else the certificate of its connection.
pub(super) fn credential<'r>(head: &'r Parts, certificate: Option<&'r str>) -> Result<Secret<'r>, Refused> {
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        if let Some(fingerprint) = certificate {
            return Ok(Secret::Certificate(fingerprint));
        }
        let in_the_query = head
            .uri
            .query()
            .is_some_and(|query| url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token"));
        return Err(if in_the_query { Refused::InTheQuery } else { Refused::Missing });
    };
    if values.next().is_some() {
        return Err(Refused::Several);
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Refused::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Secret::Bearer(token.trim())) } else { Err(Refused::Missing) }
}

/// What is said to one who is not known, who asked for a tenant by that name or for the default one. Whether there is
/// such a tenant makes no difference.
pub(super) fn refused(service: &Service, tenant: Option<&str>, why: Refused) -> Problem {
    let (status, error, detail) = match why {
        Refused::Missing => {
            (StatusCode::UNAUTHORIZED, None, "send an access token: Authorization: Bearer ...".to_owned())
        }
        Refused::InTheQuery => {
            let detail = "an access token is not taken from the query, where logs would keep it: \
                          send it as Authorization: Bearer ...";
            (StatusCode::UNAUTHORIZED, None, detail.to_owned())
        }
        Refused::Several => {
            let detail = "the request has more than one Authorization".to_owned();
            (StatusCode::BAD_REQUEST, Some("invalid_request"), detail)
        }
        Refused::Unfit(Unfit::Store(error)) => {
            tracing::error!(%error, "a token could not be looked up");
            return Problem::unavailable(format!("{}, so tokens cannot be checked", error.trouble()));
        }
        Refused::Unfit(Unfit::TooMany(wait)) => return Problem::too_many(wait),
        Refused::Unfit(Unfit::Unanswered) => return Problem::unavailable(Unfit::Unanswered.to_string()),
        Refused::Unfit(unfit) => (StatusCode::UNAUTHORIZED, Some("invalid_token"), unfit.to_string()),
    };
    let mut challenge = "Bearer realm=\"sidegate\"".to_owned();
    if let Some(error) = error {
        challenge.push_str(&format!(", error=\"{error}\""));
    }
    if let Some(metadata) = metadata(service, tenant) {
        challenge.push_str(&format!(", resource_metadata=\"{metadata}\""));
    }
    Problem::new(status, detail).with(WWW_AUTHENTICATE, header(&challenge))
}

/// Where one reads which issuers a tenant trusts (RFC 9728, section 5.1); `None` for what cannot be a tenant.
fn metadata(service: &Service, tenant: Option<&str>) -> Option<String> {
    let of = tenant.map(TenantId::parse).transpose().ok()?.map_or(String::new(), |tenant| format!("/t/{tenant}"));
    Some(service.url_of(&format!("{PROTECTED_RESOURCE}{of}")))
}

/// What is said to a caller whose token does not have a scope.
pub(super) fn insufficient(scope: Scope) -> Problem {
    let scope = scope.as_str();
    let detail = format!("this needs a service token of the scope {scope}");
    let challenge = format!("Bearer realm=\"sidegate\", error=\"insufficient_scope\", scope=\"{scope}\"");
    Problem::new(StatusCode::FORBIDDEN, detail).with(WWW_AUTHENTICATE, header(&challenge))
}

/// A value that we wrote ourselves, in ASCII.
pub(super) fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}
