//! An answer before it is HTTP.

use http::StatusCode;
use http::header::{ETAG, HeaderName, HeaderValue};
use serde::Serialize;

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
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON body, written into one buffer.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let mut buffer = Vec::with_capacity(256);
        // Our own types have string keys and no failing serialisers, so this does not fail.
        let _ = serde_json::to_writer(&mut buffer, body);
        Self { status, content_type: "application/json", headers: Vec::new(), body: buffer }
    }

    /// No body at all.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, content_type: "", headers: Vec::new(), body: Vec::new() }
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

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
