//! An answer before it is HTTP.

use std::io;

use http::StatusCode;
use http::header::{ETAG, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::mpsc;

/// The header field with the tenant's revision after a write; opaque to clients.
const REVISION: HeaderName = HeaderName::from_static("sidegate-revision");

/// What a handler gives.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Further fields of the header.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// Part after part, as they are made; one that cannot be made cuts the answer off, so that it is not taken for whole.
    Parts(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl From<Vec<u8>> for Content {
    fn from(whole: Vec<u8>) -> Self {
        Content::Whole(whole)
    }
}

impl Reply {
    /// A JSON body, written into one buffer.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let mut buffer = Vec::with_capacity(256);
        // Our own types have string keys and no failing serialisers, so this does not fail.
        let _ = serde_json::to_writer(&mut buffer, body);
        Self { status, content_type: "application/json", headers: Vec::new(), body: buffer.into() }
    }

    /// No body at all.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, content_type: "", headers: Vec::new(), body: Vec::new().into() }
    }

    /// Adds the tenant's revision after a write.
    #[must_use]
    pub fn revision(self, revision: i64) -> Self {
        self.with(REVISION, HeaderValue::from(revision))
    }

    /// Adds the entity tag of a thing, such as the revision at which it was last changed.
    #[must_use]
    pub fn etag(self, tag: impl std::fmt::Display) -> Self {
        match HeaderValue::try_from(format!("\"{tag}\"")) {
            Ok(tag) => self.with(ETAG, tag),
            Err(_) => self,
        }
    }

    /// Adds a field to the header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
