//! `tokens`: the service tokens of a tenant. The text of one is in the answer to the request that made it, and nowhere else.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Moment, Scope, Scopes, TenantScope, UnknownScope};
use crate::service::{IssuedToken, NewToken, ServiceError, TokenRow};
use crate::web::{Call, Problem, Reply, parse_body};

/// The name of a token holds at most this many bytes.
const MAX_NAME: usize = 255;

/// How long a token counts on that another one replaces, unless the request says so, and at most: an hour, 30 days.
const OVERLAP: u32 = 3600;
const LONGEST_OVERLAP: u32 = 30 * 24 * 3600;

/// A token as a list shows it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    #[schemars(with = "Moment")]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    revoked_at: Option<Timestamp>,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    last_used_at: Option<Timestamp>,
}

impl From<TokenRow> for Token {
    fn from(TokenRow { credential, name, created_at, revoked_at, last_used_at }: TokenRow) -> Self {
        let scopes = credential.scopes.iter().map(Scope::as_str).collect();
        let expires_at = credential.expires_at;
        Self { id: credential.id, name, scopes, created_at, expires_at, revoked_at, last_used_at }
    }
}

/// A token that was just made.
#[derive(Serialize, JsonSchema)]
pub struct Issued {
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(flatten)]
    shown: Token,
}

impl From<IssuedToken> for Reply {
    fn from(IssuedToken { token, row }: IssuedToken) -> Self {
        Reply::json(StatusCode::CREATED, &Issued { token, shown: row.into() })
    }
}

/// A page of tokens.
#[derive(Serialize, JsonSchema)]
pub struct TokenPage {
    tokens: Vec<Token>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET tokens`: oldest first, those revoked and ended too; `cursor` goes on where a page ended.
///
/// # Errors
/// 400 for a parameter that there is not, or that cannot be used.
pub async fn list_tokens(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["limit", "cursor"])?;
    let page = call.page("tokens")?;
    let tokens = call.service.tokens(call.tenant, page.after.as_deref().unwrap_or(""), page.fetch()).await?;
    let (tokens, next) = page.cut(&call, tokens, |last| last.credential.id.clone());
    Ok(Reply::json(StatusCode::OK, &TokenPage { tokens: tokens.into_iter().map(Token::from).collect(), next }))
}

/// `GET tokens/{id}`: one of them.
///
/// # Errors
/// 404.
pub async fn get_token(call: Call<'_>) -> Result<Reply, Problem> {
    let token = call.service.token(call.tenant, call.params.get("id")).await?;
    Ok(Reply::json(StatusCode::OK, &Token::from(token)))
}

/// A token that is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenWish {
    #[schemars(with = "Vec<Scope>", length(min = 1))]
    scopes: Vec<String>,
    /// What it is for, in up to 255 bytes.
    #[serde(default)]
    name: String,
    /// When it ends; without, it does not.
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Timestamp>,
    /// SHA-256 of a client certificate's DER form, in hexadecimal digits: then its holder needs no text.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    certificate: Option<String>,
}

/// `POST tokens`: makes one; 201.
///
/// # Errors
/// 400, 415, 422 with a pointer.
pub async fn post_token(call: Call<'_>) -> Result<Reply, Problem> {
    let TokenWish { scopes, name, expires_at, certificate } = parse_body(call.headers, call.body)?;
    let scopes = read_scopes(&scopes)?;
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let detail = format!("a name holds at most {MAX_NAME} bytes, and no control characters");
        return Err(ServiceError::invalid("/name", "not_a_name", detail).into());
    }
    if expires_at.is_some_and(|end| end <= call.service.now()) {
        return Err(ServiceError::invalid("/expiresAt", "in_the_past", "this is not in the future").into());
    }
    let is_digest = |text: &String| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if certificate.as_ref().is_some_and(|text| !is_digest(text)) {
        let detail = "this is the SHA-256 of a certificate's DER form, as 64 digits of 0-9 and a-f";
        return Err(ServiceError::invalid("/certificate", "not_a_fingerprint", detail).into());
    }
    let new = NewToken { tenant: TenantScope::One(call.tenant.id.clone()), scopes, name, expires_at, certificate };
    Ok(call.service.create_token(new, &call.author()).await?.into())
}

fn read_scopes(names: &[String]) -> Result<Scopes, Problem> {
    if names.is_empty() {
        return Err(ServiceError::invalid("/scopes", "missing", "a token needs a scope").into());
    }
    let read = |(place, name): (usize, &String)| {
        let wrong =
            |error: UnknownScope| ServiceError::invalid(format!("/scopes/{place}"), "unknown_scope", error.to_string());
        name.parse::<Scope>().map_err(wrong)
    };
    Ok(names.iter().enumerate().map(read).collect::<Result<_, _>>()?)
}

/// How a token makes room for another.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rotation {
    /// For how long it counts on.
    #[schemars(range(max = LONGEST_OVERLAP))]
    overlap_seconds: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { overlap_seconds: OVERLAP }
    }
}

/// `POST tokens/{id}/rotate`: makes another one like it, and lets it count for a while; 201.
///
/// # Errors
/// 400, 415, 422 with a pointer, 404 for one that does not count any more.
pub async fn rotate_token(call: Call<'_>) -> Result<Reply, Problem> {
    let Rotation { overlap_seconds } = parse_body(call.headers, call.body)?;
    if overlap_seconds > LONGEST_OVERLAP {
        let detail = format!("this is at most {LONGEST_OVERLAP}, which is 30 days");
        return Err(ServiceError::invalid("/overlapSeconds", "too_long", detail).into());
    }
    let overlap = SignedDuration::from_secs(overlap_seconds.into());
    let (id, author) = (call.params.get("id"), call.author());
    Ok(call.service.rotate_token(call.tenant, id, overlap, &author).await?.into())
}

/// `DELETE tokens/{id}`: revokes one; 204.
///
/// # Errors
/// 404 for one that does not count any more.
pub async fn revoke_token(call: Call<'_>) -> Result<Reply, Problem> {
    call.service.revoke_token(call.tenant, call.params.get("id"), &call.author()).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
