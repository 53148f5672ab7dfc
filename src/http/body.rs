//! Bodies: those that come in, bounded in size and in time, and those that go out.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use crate::service::{Service, ServiceError};
use crate::web::{Content, Problem};

use super::watchdog::UnderWay;

/// A body holds at most this many bytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// A body that is taken as a file holds at most this many bytes.
const MAX_UPLOAD: u64 = 1 << 30;

/// What is kept of such a body before it is written.
const WRITTEN_AT_ONCE: usize = 256 << 10;

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

/// Takes a body into a file, however long it takes, as long as some of it comes within `patience`; on a refusal, what is
/// left of it comes back to be drained.
pub(super) async fn spool(
    mut body: Incoming,
    service: &Arc<Service>,
    patience: Duration,
) -> Result<File, (Problem, Incoming)> {
    match Box::pin(collect_into_file(&mut body, service, patience)).await {
        Ok(file) => Ok(file),
        Err(problem) => Err((problem, body)),
    }
}

async fn collect_into_file(body: &mut Incoming, service: &Service, patience: Duration) -> Result<File, Problem> {
    let too_large = || {
        let detail = format!("an upload holds at most {MAX_UPLOAD} bytes; `sidegate import` takes files of any size");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if body.size_hint().lower() > MAX_UPLOAD {
        return Err(too_large());
    }
    let (mut file, mut kept, mut size) = (service.spool()?, Vec::new(), 0);
    loop {
        let late = |_| {
            let detail = format!("nothing of the body arrived for {} seconds", patience.as_secs_f32());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        };
        let frame = tokio::time::timeout(patience, body.frame()).await.map_err(late)?;
        let at_end = frame.is_none();
        if let Some(frame) = frame {
            let frame = frame.map_err(|_| Problem::bad_request("the body ended before it was whole"))?;
            let Ok(data) = frame.into_data() else { continue };
            size += data.len() as u64;
            if size > MAX_UPLOAD {
                return Err(too_large());
            }
            kept.extend_from_slice(&data);
        }
        if at_end || kept.len() >= WRITTEN_AT_ONCE {
            (file, kept) = write(file, kept).await.map_err(ServiceError::NoRoom)?;
        }
        if at_end {
            return Ok(file);
        }
    }
}

async fn write(mut file: File, mut kept: Vec<u8>) -> io::Result<(File, Vec<u8>)> {
    let write = move || {
        file.write_all(&kept)?;
        kept.clear();
        Ok((file, kept))
    };
    tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
}

/// A body on its way out.
pub(super) enum Outgoing {
    /// All of it.
    Whole(Full<Bytes>),
    /// A message of gRPC.
    Message(tonic::body::Body),
    /// Part after part; the request is under way until the last of them.
    Parts { parts: mpsc::Receiver<io::Result<Vec<u8>>>, _under_way: Option<UnderWay> },
}

impl Outgoing {
    /// Holds on to the request for as long as its answer is being made.
    pub(super) fn while_under_way(self, under_way: UnderWay) -> Self {
        match self {
            Outgoing::Whole(_) | Outgoing::Message(_) => self,
            Outgoing::Parts { parts, .. } => Outgoing::Parts { parts, _under_way: Some(under_way) },
        }
    }
}

impl From<Content> for Outgoing {
    fn from(content: Content) -> Self {
        match content {
            Content::Whole(whole) => Outgoing::Whole(Full::new(Bytes::from(whole))),
            Content::Parts(parts) => Outgoing::Parts { parts, _under_way: None },
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Outgoing::Whole(whole) => Pin::new(whole).poll_frame(context).map_err(|never| match never {}),
            Outgoing::Message(message) => Pin::new(message).poll_frame(context).map_err(io::Error::other),
            Outgoing::Parts { parts, .. } => {
                parts.poll_recv(context).map(|part| part.map(|part| part.map(|part| Frame::data(part.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(whole) => whole.is_end_stream(),
            Outgoing::Message(message) => message.is_end_stream(),
            Outgoing::Parts { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(whole) => whole.size_hint(),
            Outgoing::Message(message) => message.size_hint(),
            Outgoing::Parts { .. } => SizeHint::default(),
        }
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body holds at most {MAX_BODY} bytes"))
}
