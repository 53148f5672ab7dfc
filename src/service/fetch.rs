//! Asking other servers: bounded in time and size, never led elsewhere by a redirect, and never in a network that nobody
//! named (RFC 8725, section 3.10; RFC 9728, section 7.7).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioExecutor;
use tower_service::Service;
use url::{Host, Url};

use super::networks::Networks;

const PATIENCE: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 1 << 20;

/// A client for HTTPS, and for HTTP in networks that are named.
#[derive(Clone)]
pub(super) struct Fetch {
    https: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    http: Client<HttpConnector<Resolver>, Full<Bytes>>,
    networks: Arc<Networks>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no connection: {}", causes(.0))]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error(transparent)]
    Refused(#[from] NotNamed),
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    TooLate,
    #[error("an answer that is too large or not whole")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A server that is not asked.
#[derive(Debug, thiserror::Error)]
#[error("{0} is in no network that --issuer-networks names, which it must be unless it is public and asked over https")]
pub(super) struct NotNamed(String);

impl Fetch {
    pub(super) fn new(networks: Networks) -> Self {
        let networks = Arc::new(networks);
        let connector = |encrypted| {
            let resolver = Resolver { inner: GaiResolver::new(), networks: networks.clone(), encrypted };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(!encrypted);
            connector
        };
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_only().enable_http1();
        let https = https.wrap_connector(connector(true));
        let client = || Client::builder(TokioExecutor::new());
        Self { https: client().build(https), http: client().build(connector(false)), networks }
    }

    /// Gets what is at a URL.
    pub(super) async fn get(&self, url: &Url) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = Request::new(Vec::new());
        // Every URL is a URI as far as requests go.
        *request.uri_mut() = url.as_str().parse().map_err(|_| NotNamed(url.to_string()))?;
        self.send(request).await
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let encrypted = request.uri().scheme_str() == Some("https");
        // An address needs no resolver, and would pass by it.
        if let Some(address) = address(request.uri()).filter(|address| !self.networks.admit(*address, encrypted)) {
            return Err(NotNamed(address.to_string()).into());
        }
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let asking = if encrypted { self.https.request(request) } else { self.http.request(request) };
        let answer = async {
            let (head, body) = asking.await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(FetchError::Body)?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| FetchError::TooLate)?
    }
}

impl<'c> openidconnect::AsyncHttpClient<'c> for Fetch {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// The address that a URI names, if it names one.
fn address(uri: &http::Uri) -> Option<IpAddr> {
    match Host::parse(uri.host()?).ok()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Asks the system, and leaves out what is in no network that may be asked: looked at here, where the address is that is
/// connected to, so that no name can mean something else a moment later.
#[derive(Clone)]
struct Resolver {
    inner: GaiResolver,
    networks: Arc<Networks>,
    encrypted: bool,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (networks, encrypted) = (self.networks.clone(), self.encrypted);
        let host = name.to_string();
        let resolving = self.inner.call(name);
        Box::pin(async move {
            let all: Vec<SocketAddr> = resolving.await?.collect();
            let admitted: Vec<_> = all.iter().copied().filter(|at| networks.admit(at.ip(), encrypted)).collect();
            match (admitted.is_empty(), all.first()) {
                (true, Some(first)) => Err(io::Error::other(NotNamed(format!("{host} ({})", first.ip())))),
                _ => Ok(admitted.into_iter()),
            }
        })
    }
}

/// An error with all that led to it: the outermost says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
