//! Development access tokens: for a machine without an identity provider. JWTs signed with a key of the data folder.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::model::{AccessToken, Caller, TenantId, UserId, Value};

const ISSUER: &str = "sidegate-dev";
const AUDIENCE: &str = "sidegate";

/// Mints and checks them.
pub struct DevTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// All claims there are; others are refused.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    tenant: String,
    iat: i64,
    exp: i64,
}

impl DevTokens {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 5;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    /// A token for a user of a tenant, good for `lifetime` from `now`.
    #[must_use]
    pub fn mint(&self, tenant: &TenantId, user: &UserId, now: Timestamp, lifetime: SignedDuration) -> Option<String> {
        let iat = now.as_second();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_string(),
            tenant: tenant.to_string(),
            iat,
            exp: iat.checked_add(lifetime.as_secs())?,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).ok()
    }

    /// The user behind a token; `None` for one that we did not sign, that has ended, or that names nobody.
    pub(super) fn check(&self, token: &str) -> Option<Caller> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        let (tenant, id) = (TenantId::parse(&claims.tenant).ok()?, UserId::parse(&claims.sub).ok()?);
        let expires_at = Timestamp::from_second(claims.exp).ok()?;
        let claims = [
            ("iss", Value::Str(claims.iss.into())),
            ("aud", Value::Str(claims.aud.into())),
            ("sub", Value::Str(claims.sub.into())),
            ("tenant", Value::Str(claims.tenant.into())),
            ("iat", Value::Int(claims.iat)),
            ("exp", Value::Int(claims.exp)),
        ];
        let token = AccessToken { tenant, expires_at, claims: claims.into_iter().collect() };
        Some(Caller::User { id, token })
    }
}
