//! Asking other servers: bounded in time and size, and never led elsewhere by a redirect.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 1 << 20;

/// A client for HTTP and HTTPS.
#[derive(Clone)]
pub(super) struct Fetch(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no connection")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    TooLate,
    #[error("an answer that is too large or not whole")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fetch {
    pub(super) fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a request and reads the whole answer.
    async fn send(self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let answer = async {
            let (head, body) = self.0.request(request).await?.into_parts();
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
        Box::pin(self.clone().send(request))
    }
}
