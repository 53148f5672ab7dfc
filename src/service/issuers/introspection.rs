//! Access tokens that mean something to their issuer alone: one asks it (RFC 7662).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::model::{Introspection, Issuer, Object, Value};
use crate::service::fetch::Fetch;

use super::Unfit;
use super::jwt::text;

/// What the issuer says of a token: its claims, and how long they count here.
pub(super) async fn introspect(
    fetch: &Fetch,
    issuer: &Issuer,
    at: &Introspection,
    token: &str,
    now: Timestamp,
) -> Result<(Object<'static>, Timestamp), Unfit> {
    let away = |why: String| {
        tracing::warn!(issuer = issuer.issuer, why, "a token cannot be checked");
        Unfit::Unanswered
    };
    let secret =
        std::env::var(&at.client_secret_env).map_err(|_| away(format!("${} is not set", at.client_secret_env)))?;
    // Both are encoded as in a form (RFC 6749, section 2.3.1).
    let encoded = |part: &str| byte_serialize(part.as_bytes()).collect::<String>();
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", encoded(&at.client_id), encoded(&secret)));
    let body = Serializer::new(String::new()).append_pair("token", token).finish();
    let request = Request::post(&at.url)
        .header(AUTHORIZATION, format!("Basic {credentials}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(body.into_bytes())
        .map_err(|error| away(error.to_string()))?;
    let answer = fetch.send(request).await.map_err(|error| away(error.to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(away(format!("{} answered {}", at.url, answer.status())));
    }
    let claims = std::str::from_utf8(answer.body()).ok().and_then(|text| Object::parse(text).ok());
    let claims = claims.ok_or_else(|| away(format!("{} answered no JSON object", at.url)))?;
    if claims.get("active") != Some(&Value::Bool(true)) {
        return Err(Unfit::Forged);
    }
    let end = check(issuer, at, &claims, now)?;
    let kept = now.saturating_add(SignedDuration::from_secs(at.cache_seconds.into())).unwrap_or(now);
    Ok((claims.into_owned(), end.map_or(kept, |end| end.min(kept))))
}

/// When the token ends, if the issuer says so and it is meant for us.
fn check(issuer: &Issuer, at: &Introspection, claims: &Object<'_>, now: Timestamp) -> Result<Option<Timestamp>, Unfit> {
    if claims.get("iss").is_some_and(|name| text(name) != Some(&issuer.issuer)) {
        return Err(Unfit::Forged);
    }
    let ours = |audience: &Value<'_>| text(audience).is_some_and(|name| issuer.audiences.iter().any(|own| own == name));
    let meant = match claims.get("aud") {
        None => at.audience_optional,
        Some(Value::List(audiences)) => audiences.iter().any(ours),
        Some(one) => ours(one),
    };
    if !meant {
        return Err(Unfit::Audience);
    }
    match claims.get("exp") {
        None => Ok(None),
        Some(Value::Int(seconds)) => match Timestamp::from_second(*seconds) {
            Ok(end) if end > now => Ok(Some(end)),
            _ => Err(Unfit::Expired),
        },
        Some(_) => Err(Unfit::Forged),
    }
}
