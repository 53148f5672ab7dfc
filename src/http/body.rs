//! Bodies: whole, bounded in size and in time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};

use crate::web::Problem;

/// A body holds at most this many bytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// What is read past a refusal, so that a client that is still sending gets to see it.
const DRAIN: usize = 16 << 20;

/// Reads the whole body; on a refusal, what is left of it comes back to be drained.
pub(super) async fn read(mut body: Incoming, patience: Duration) -> Result<Bytes, (Problem, Incoming)> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err((too_large(), body));
    }
    let outcome = {
        let mut collecting = pin!(collect(&mut body));
        // Most bodies come with their heads, and need no timer.
        match poll_fn(|context| Poll::Ready(collecting.as_mut().poll(context))).await {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Box::pin(tokio::time::timeout(patience, collecting)).await,
        }
    };
    match outcome {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(problem)) => Err((problem, body)),
        Err(_) => {
            let late = format!("the body did not arrive within {} seconds", patience.as_secs_f32());
            Err((Problem::new(StatusCode::REQUEST_TIMEOUT, late), body))
        }
    }
}

async fn collect(body: &mut Incoming) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    let mut only = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad_request("the body ended before it was whole"))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + only.len() + data.len() > MAX_BODY {
            return Err(too_large());
        }
        // Most bodies are one frame, and need no copy.
        if only.is_empty() && whole.is_empty() {
            only = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut only));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { only } else { whole.freeze() })
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
