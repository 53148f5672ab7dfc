//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a write that its client may send again is carried
//! out once, and answered the same.
//!
//! A refusal changes nothing and is not kept: sent again, the request is looked at anew.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Earlier, IdempotencyKey};
use crate::web::{Call, Content, Problem, Reply};

use super::endpoints;
use super::routes::Endpoint;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A key holds at most this many bytes.
const MAX_KEY: usize = 255;

/// An answer is kept up to this many bytes.
const MAX_ANSWER: usize = 1 << 20;

/// An upload is read in parts of this size.
const READ_AT_ONCE: usize = 64 << 10;

/// How often one looks for the answer to a request that is being carried out, and how long one waits in between.
const LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Whether a request has a key: then it is carried out to its end, even if nobody waits for the answer any more.
pub(super) fn asked_for(headers: &HeaderMap) -> bool {
    headers.contains_key(KEY)
}

/// Answers a request of the API.
pub(super) async fn answer(endpoint: Endpoint, call: Call<'_>, head: &Parts) -> Result<Reply, Problem> {
    if asked_for(call.headers) && matches!(endpoint, Endpoint::PostToken | Endpoint::RotateToken) {
        let detail = "a token is shown once, so no answer with one is kept: send this without Idempotency-Key, \
                      and revoke what you did not get to see";
        return Err(Problem::bad_request(detail));
    }
    if !asked_for(call.headers) || !is_write(&head.method, endpoint) {
        return endpoints::answer(endpoint, call).await;
    }
    Box::pin(once(endpoint, call, head)).await
}

/// What changes something, but for reports of logins: those have a `loginId`, which counts for longer.
pub(super) fn is_write(method: &Method, endpoint: Endpoint) -> bool {
    matches!(*method, Method::PUT | Method::PATCH | Method::DELETE)
        || matches!(endpoint, Endpoint::PostDefinition | Endpoint::ImportUsers)
}

async fn once(endpoint: Endpoint, mut call: Call<'_>, head: &Parts) -> Result<Reply, Problem> {
    let user = Some(call.params.get("userId")).filter(|user| !user.is_empty()).map(str::to_owned);
    let key = IdempotencyKey { key: read_key(call.headers)?, fingerprint: fingerprint(&call, head).await?, user };
    call.idempotency = Some(key.clone());
    let (service, tenant, author) = (call.service, call.tenant, call.author());
    if let Some(earlier) = service.earlier(tenant, &author, &key).await? {
        check(&key, &earlier)?;
        if let Some(answer) = earlier.answer {
            return replay(&answer);
        }
    } else {
        match endpoints::answer(endpoint, call).await {
            Ok(reply) if reply.status.is_success() => {
                if let Some(answer) = keep(&reply) {
                    service.keep_answer(tenant, &author, &key, &answer).await;
                }
                return Ok(reply);
            }
            refused => match service.earlier(tenant, &author, &key).await {
                // The same request came twice at once, and the other one was first.
                Ok(Some(earlier)) => check(&key, &earlier)?,
                _ => return refused,
            },
        }
    }
    for _ in 0..LOOKS {
        if let Some(Earlier { answer: Some(answer), .. }) = service.earlier(tenant, &author, &key).await? {
            return replay(&answer);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let detail =
        "the request with this Idempotency-Key was carried out, and its answer was not kept: look at what is there";
    Err(Problem::new(StatusCode::CONFLICT, detail))
}

/// The key, in quotation marks (RFC 9651, section 3.3.3) or without.
fn read_key(headers: &HeaderMap) -> Result<String, Problem> {
    let wrong = || {
        let detail = "Idempotency-Key must be one text of 1 to 255 visible ASCII characters, such as a UUID";
        Problem::bad_request(detail)
    };
    let mut values = headers.get_all(KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if !visible || key.is_empty() || key.len() > MAX_KEY { Err(wrong()) } else { Ok(key.to_owned()) }
}

/// A hash of all that the request says.
async fn fingerprint(call: &Call<'_>, head: &Parts) -> Result<[u8; 32], Problem> {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(head.method.as_str().as_bytes());
    add(head.uri.path().as_bytes());
    add(call.query.as_bytes());
    for name in [CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH] {
        call.headers.get_all(&name).iter().for_each(|value| add(value.as_bytes()));
        add(name.as_str().as_bytes());
    }
    add(call.body);
    if let Some(upload) = call.upload {
        add(&digest_of(upload).await.map_err(|error| {
            tracing::error!(%error, "an upload cannot be read again");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the body cannot be read; the log says why")
        })?);
    }
    Ok(hash.finalize().into())
}

async fn digest_of(file: &File) -> io::Result<[u8; 32]> {
    let mut file = file.try_clone()?;
    let digest = move || {
        file.rewind()?;
        let (mut hash, mut part) = (Sha256::new(), vec![0; READ_AT_ONCE]);
        loop {
            match file.read(&mut part)? {
                0 => return Ok(hash.finalize().into()),
                read => hash.update(part.get(..read).unwrap_or_default()),
            }
        }
    };
    tokio::task::spawn_blocking(digest).await.map_err(io::Error::other)?
}

fn check(key: &IdempotencyKey, earlier: &Earlier) -> Result<(), Problem> {
    if key.fingerprint == earlier.fingerprint {
        return Ok(());
    }
    let detail = "this Idempotency-Key came with another request before: each request needs a key of its own";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
}

/// An answer as it is kept, if it can be.
fn keep(reply: &Reply) -> Option<String> {
    let Content::Whole(body) = &reply.body else { return None };
    let body = std::str::from_utf8(body).ok().filter(|body| body.len() <= MAX_ANSWER)?.to_owned();
    let text = |(name, value): &(HeaderName, HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let headers = reply.headers.iter().map(text).collect::<Option<_>>()?;
    serde_json::to_string(&Kept { status: reply.status.as_u16(), headers, body }).ok()
}

fn replay(answer: &str) -> Result<Reply, Problem> {
    let read = || {
        let Kept { status, headers, body } = serde_json::from_str(answer).ok()?;
        let field = |(name, value): (String, String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        let headers = headers.into_iter().map(field).collect::<Option<_>>()?;
        let content_type = if body.is_empty() { "" } else { "application/json" };
        let status = StatusCode::from_u16(status).ok()?;
        Some(Reply { status, content_type, headers, body: body.into_bytes().into() })
    };
    let unreadable = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the kept answer cannot be read");
    let reply: Reply = read().ok_or_else(unreadable)?;
    Ok(reply.with(REPLAYED, HeaderValue::from_static("true")))
}
