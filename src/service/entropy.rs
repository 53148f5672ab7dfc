//! Randomness: keys, tokens, ids.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rand::Rng;
use uuid::Uuid;

/// Bytes that nobody can guess.
#[expect(clippy::disallowed_methods, reason = "this is the one place that has randomness")]
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// 256 bits as text that fits into a header and a URL.
pub(super) fn secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// An id that sorts by time (RFC 9562, version 7), made without a lock.
pub(super) fn id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes()).into_uuid()
}
