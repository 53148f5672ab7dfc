//! Where an issuer's keys come from: its settings, a URL, or what its metadata says (OpenID Connect Discovery 1.0, RFC 8414).
//! Read when the first token comes, again after a while, and when a token names a key that is not known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use serde::Deserialize;
use url::Url;

use crate::model::Issuer;
use crate::service::fetch::{Fetch, FetchError};

use super::keys::{BadKeys, KeySet};

/// Whoever makes up names of keys makes us ask no more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// For so long one waits for the keys, and for the metadata that say where they are.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keys that could not be read again for so long do not count any more: they may have been stolen since.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// What names a source: tenants who trust one issuer in the same way share its keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// In the settings.
    Inline(String),
    /// A JWK Set at a URL.
    Url(String),
    /// Wherever the issuer's metadata says.
    Metadata(String),
}

impl From<&Issuer> for At {
    fn from(issuer: &Issuer) -> Self {
        match (&issuer.jwks, &issuer.jwks_uri) {
            (Some(keys), _) => At::Inline(keys.to_string()),
            (None, Some(uri)) => At::Url(uri.clone()),
            (None, None) => At::Metadata(issuer.issuer.clone()),
        }
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    #[error("{url}: {why}")]
    Fetch { url: String, why: FetchError },
    #[error("{url} answered {status}")]
    Status { url: String, status: http::StatusCode },
    #[error("{url}: {why}")]
    Keys { url: String, why: BadKeys },
    #[error("the metadata at {url} is not of this issuer, or names no jwks_uri")]
    Metadata { url: String },
    #[error("\"jwks\" in the settings: {0}")]
    Inline(BadKeys),
    #[error("{0} is no URL")]
    Url(String),
    #[error("nothing within {} seconds", PATIENCE.as_secs())]
    TooLate,
}

/// Keys, and when they were read.
#[derive(Clone, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Instant)>,
    /// When somebody last asked for them, to the end, whatever came of it.
    tried: Option<Instant>,
}

/// The keys of an issuer.
pub(super) struct Source {
    at: At,
    state: ArcSwap<State>,
    /// Held by whoever reads them.
    reading: tokio::sync::Mutex<()>,
}

impl Source {
    pub(super) fn new(at: At) -> Self {
        Self { at, state: ArcSwap::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The keys as they are known.
    pub(super) fn known(&self) -> Option<Arc<KeySet>> {
        self.state.load().keys.as_ref().map(|(keys, _)| keys.clone())
    }

    /// Forgets keys that are too old to count, and tells whether it did.
    pub(super) fn forget_old(&self) -> bool {
        let state = self.state.load();
        let old = !self.is_settled() && state.keys.as_ref().is_some_and(|(_, read)| read.elapsed() >= MAX_AGE);
        if old {
            self.state.store(Arc::new(State { keys: None, tried: state.tried }));
        }
        old
    }

    /// Whether they were read at all, and so long ago that they should be read again.
    pub(super) fn is_due(&self, after: Duration) -> bool {
        let state = self.state.load();
        let old = state.keys.as_ref().is_some_and(|(_, read)| read.elapsed() >= after);
        old && !self.is_settled() && self.may_ask(&state) && self.reading.try_lock().is_ok()
    }

    /// What stands in the settings does not change.
    fn is_settled(&self) -> bool {
        matches!(self.at, At::Inline(_))
    }

    fn may_ask(&self, state: &State) -> bool {
        state.tried.is_none_or(|tried| tried.elapsed() >= ASK_AGAIN) && !(self.is_settled() && state.keys.is_some())
    }

    /// Reads the keys anew, unless somebody has done so lately: many who wait share one attempt. Whether one of those
    /// that there were is gone.
    pub(super) async fn refresh(&self, fetch: &Fetch) -> Result<bool, NoKeys> {
        let _one_at_a_time = self.reading.lock().await;
        let before = State::clone(&self.state.load());
        if !self.may_ask(&before) {
            return Ok(false);
        }
        let read = tokio::time::timeout(PATIENCE, self.read(fetch)).await.unwrap_or(Err(NoKeys::TooLate));
        let now = Instant::now();
        let keys = match read {
            Ok(keys) => Arc::new(keys),
            Err(error) => {
                self.state.store(Arc::new(State { tried: Some(now), ..before }));
                return Err(error);
            }
        };
        let lost = before.keys.is_some_and(|(old, _)| !keys.has_all_of(&old));
        self.state.store(Arc::new(State { keys: Some((keys, now)), tried: Some(now) }));
        Ok(lost)
    }

    async fn read(&self, fetch: &Fetch) -> Result<KeySet, NoKeys> {
        let url = match &self.at {
            At::Inline(text) => return KeySet::parse(text).map_err(NoKeys::Inline),
            At::Url(url) => parse(url)?,
            At::Metadata(issuer) => metadata(fetch, issuer).await?,
        };
        let text = get(fetch, &url).await?;
        KeySet::parse(&text).map_err(|why| NoKeys::Keys { url: url.into(), why })
    }
}

/// Where the issuer's metadata says that its keys are: OpenID Connect's, else OAuth 2.0's.
async fn metadata(fetch: &Fetch, issuer: &str) -> Result<Url, NoKeys> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        jwks_uri: Option<String>,
    }
    let openid = parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    let (url, text) = match get(fetch, &openid).await {
        Err(NoKeys::Status { status: http::StatusCode::NOT_FOUND, .. }) => {
            let mut oauth = parse(issuer)?;
            oauth.set_path(&format!("/.well-known/oauth-authorization-server{}", oauth.path().trim_end_matches('/')));
            let text = get(fetch, &oauth).await?;
            (oauth, text)
        }
        answer => (openid, answer?),
    };
    let metadata = serde_json::from_str::<Metadata>(&text).ok().filter(|metadata| metadata.issuer == issuer);
    let keys = metadata.and_then(|metadata| metadata.jwks_uri).ok_or_else(|| NoKeys::Metadata { url: url.into() })?;
    parse(&keys)
}

async fn get(fetch: &Fetch, url: &Url) -> Result<String, NoKeys> {
    let answer = fetch.get(url).await.map_err(|why| NoKeys::Fetch { url: url.to_string(), why })?;
    if answer.status() != http::StatusCode::OK {
        return Err(NoKeys::Status { url: url.to_string(), status: answer.status() });
    }
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

fn parse(url: &str) -> Result<Url, NoKeys> {
    Url::parse(url).map_err(|_| NoKeys::Url(url.to_owned()))
}
