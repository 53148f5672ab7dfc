//! Access tokens that are JWTs: those of RFC 9068, and the plain ones of OpenID providers. Signature, times, issuer and
//! audience are for the library; what stands here is what it would let pass (RFC 8725).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::de::IgnoredAny;

use crate::model::{Issuer, Object, Value};

use super::Unfit;
use super::keys::KeySet;

/// A token holds at most this many bytes.
const MAX_TOKEN: usize = 16 << 10;

/// What a token says of itself; nobody has looked at its signature.
pub(super) struct Jwt<'t> {
    text: &'t str,
    algorithm: Algorithm,
    key_id: Option<String>,
    issuer: String,
    claims: Object<'static>,
}

impl<'t> Jwt<'t> {
    /// Reads a token; `None` for one that is not in order, whoever signed it.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        if text.len() > MAX_TOKEN {
            return None;
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let (header, claims) = (object(header)?, object(claims)?);
        let (algorithm, key_id) = read_header(&header)?;
        let issuer = in_order(&claims)?.to_owned();
        Some(Self { text, algorithm, key_id, issuer, claims })
    }

    /// Who it says that signed it.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether one of the keys is the one that it names.
    pub(super) fn names_one_of(&self, keys: &KeySet) -> bool {
        !keys.fitting(self.key_id.as_deref(), self.algorithm).is_empty()
    }

    /// Its claims and its end, if one of the keys has signed it and it is good now, for us.
    pub(super) fn verify(self, issuer: &Issuer, keys: &KeySet) -> Result<(Object<'static>, Timestamp), Unfit> {
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&issuer.audiences);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.validate_nbf = true;
        validation.leeway = issuer.leeway_seconds.into();
        let mut unfit = Unfit::Forged;
        for key in keys.fitting(self.key_id.as_deref(), self.algorithm) {
            match decode::<IgnoredAny>(self.text, key, &validation) {
                Ok(_) => {
                    let end = number(&self.claims, "exp")?.saturating_add(issuer.leeway_seconds.into());
                    let end = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
                    return Ok((self.claims, end));
                }
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature => {}
                    ErrorKind::ExpiredSignature => unfit = Unfit::Expired,
                    ErrorKind::ImmatureSignature => unfit = Unfit::Early,
                    ErrorKind::InvalidAudience => unfit = Unfit::Audience,
                    _ => unfit = Unfit::Forged,
                },
            }
        }
        Err(unfit)
    }
}

/// What a token claims that somebody else has verified.
pub(in crate::service) fn claims_of(token: &str) -> Option<Object<'static>> {
    object(token.split('.').nth(1)?)
}

/// A part of a token, as an object without a member twice.
fn object(part: &str) -> Option<Object<'static>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    Some(Object::parse(std::str::from_utf8(&bytes).ok()?).ok()?.into_owned())
}

/// The algorithm and the name of the key. Keys that a token brings along are not looked at; a token with extensions that
/// must be understood is refused (RFC 7515, section 4.1.11), and so is one that is said to be something else (RFC 9068,
/// section 4; RFC 8725, section 3.11).
fn read_header(header: &Object<'_>) -> Option<(Algorithm, Option<String>)> {
    if ["crit", "b64", "enc", "zip"].iter().any(|name| header.get(name).is_some()) {
        return None;
    }
    let kind = match header.get("typ") {
        None => "jwt",
        Some(kind) => text(kind)?,
    };
    let kind = kind.to_ascii_lowercase();
    if !matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt") {
        return None;
    }
    let algorithm: Algorithm = text(header.get("alg")?)?.parse().ok()?;
    if matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return None;
    }
    let key_id = match header.get("kid") {
        None => None,
        Some(id) => Some(text(id)?.to_owned()),
    };
    Some((algorithm, key_id))
}

/// The issuer, if all registered claims are of their types (RFC 7519, section 4.1) and the token is not one that a client
/// gets for itself: an id token is no access token.
fn in_order<'c>(claims: &'c Object<'_>) -> Option<&'c str> {
    if ["nonce", "at_hash", "c_hash", "events"].iter().any(|name| claims.get(name).is_some()) {
        return None;
    }
    let audience = match claims.get("aud")? {
        Value::Str(_) => true,
        Value::List(audiences) => audiences.iter().all(|audience| matches!(audience, Value::Str(_))),
        _ => false,
    };
    let is_time = |name| claims.get(name).is_none_or(|_| number(claims, name).is_ok());
    let is_text = |name: &str| claims.get(name).is_none_or(|value| text(value).is_some());
    let times = ["exp", "nbf", "iat"].into_iter().all(is_time);
    let texts = ["sub", "jti", "client_id", "azp"].into_iter().all(is_text);
    if audience && times && texts { text(claims.get("iss")?) } else { None }
}

/// Seconds since 1970, not before that and not so far away that nobody means it.
fn number(claims: &Object<'_>, name: &str) -> Result<i64, Unfit> {
    const YEAR_9999: i64 = 253_402_207_200;
    let seconds = match claims.get(name) {
        Some(Value::Int(seconds)) => *seconds,
        Some(Value::Float(seconds)) if seconds.is_finite() && seconds.abs() < YEAR_9999 as f64 => *seconds as i64,
        _ => return Err(Unfit::Forged),
    };
    if (0..=YEAR_9999).contains(&seconds) { Ok(seconds) } else { Err(Unfit::Forged) }
}

pub(in crate::service) fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}
