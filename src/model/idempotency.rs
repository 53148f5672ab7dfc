//! A request that its client may send again (draft-ietf-httpapi-idempotency-key-header-07).

/// The key that a client chose for a request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the client wrote it.
    pub key: String,
    /// A hash of all that the request says: another request has no claim to its answer.
    pub fingerprint: [u8; 32],
    /// The user whom the request is about, if it is about one: with them, the answer goes.
    pub user: Option<String>,
}

/// What became of an earlier request with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// What that request was.
    pub fingerprint: [u8; 32],
    /// Its answer; `None` if it was carried out, and its answer was not kept.
    pub answer: Option<String>,
}
