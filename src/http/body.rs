//! Bodies: whole, bounded in size and in time.

use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};

use crate::web::Problem;

/// A body holds at most this many bytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// What is read past a refusal, so that a client that is still sending gets to see it.
const DRAIN: usize = 16 << 20;

/// Reads the whole body.
pub(super) async fn read(body: Incoming, patience: Duration) -> Result<Bytes, (Problem, Option<Incoming>)> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err((too_large(), Some(body)));
    }
    match tokio::time::timeout(patience, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err((too_large(), None)),
        Ok(Err(_)) => Err((Problem::bad_request("the body ended before it was whole"), None)),
        Err(_) => {
            let late = format!("the body did not arrive within {} seconds", patience.as_secs_f32());
            Err((Problem::new(StatusCode::REQUEST_TIMEOUT, late), None))
        }
    }
}

/// Lets a body pass that nobody wants. A connection that is closed on a client in the middle of a body is reset,
/// and the client may never read why it was refused.
pub(super) fn drain(body: Incoming, patience: Duration) {
    if !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(patience, Limited::new(body, DRAIN).collect()));
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body holds at most {MAX_BODY} bytes"))
}
