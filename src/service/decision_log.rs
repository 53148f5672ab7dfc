//! The decision log: one JSON line per decision, written by a thread of its own.
//!
//! Properties, context and traits are never logged: they may be anything.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::model::Query;

use super::decide::Answer;
use super::tenants::Tenant;
use super::{Result, ServiceError};

/// Lines that wait for the disk; a decision does not wait with them.
const QUEUE: usize = 65_536;

/// How long the end waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where decisions are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// The end of a file.
    File(PathBuf),
}

/// A line of the log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    time: jiff::Timestamp,
    decision_id: uuid::Uuid,
    tenant: &'a str,
    subject: Named<'a>,
    action: &'a str,
    resource: Named<'a>,
    decision: bool,
    reason: String,
    policy: Option<&'a str>,
    /// Shadow policies that would have applied.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    shadows: &'a [&'a str],
    policy_revision: Option<&'a str>,
    data_revision: i64,
}

#[derive(Serialize)]
struct Named<'a> {
    r#type: &'a str,
    id: &'a str,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        tenant: &'a Tenant,
        query: &'a Query<'a>,
        answer: &'a Answer<'a>,
        shadows: &'a [&'a str],
    ) -> Self {
        Self {
            time: query.now,
            decision_id: answer.id,
            tenant: tenant.id.as_str(),
            subject: Named { r#type: &query.subject.kind, id: &query.subject.id },
            action: &query.action.name,
            resource: Named { r#type: &query.resource.kind, id: &query.resource.id },
            decision: answer.decision.is_allow(),
            reason: answer.decision.reason(&query.action.name, &query.resource.kind).to_string(),
            policy: answer.decision.policy().map(|policy| policy.name),
            shadows,
            policy_revision: answer.policy_revision,
            data_revision: answer.data_revision,
        }
    }
}

/// The log, or nothing.
pub(super) struct DecisionLog(Option<Open>);

struct Open {
    queue: SyncSender<Message>,
    /// Hangs up when the writer has ended.
    ended: Mutex<Receiver<()>>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    End,
}

impl DecisionLog {
    pub(super) fn open(target: Option<LogTarget>) -> Result<Self> {
        let Some(target) = target else { return Ok(Self(None)) };
        let io = |what: String| move |source| ServiceError::Io { what, source };
        let out: Box<dyn Write + Send> = match &target {
            LogTarget::Stdout => Box::new(io::stdout()),
            LogTarget::File(path) => {
                // It names users.
                let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
                Box::new(file.map_err(io(format!("decision log {}", path.display())))?)
            }
        };
        let (queue, lines) = sync_channel(QUEUE);
        let (end, ended) = sync_channel(0);
        let lost = Arc::new(AtomicU64::new(0));
        let write = {
            let lost = lost.clone();
            move || {
                write_lines(&lines, BufWriter::new(out), &lost);
                drop(end);
            }
        };
        let thread = std::thread::Builder::new().name("decision-log".to_owned()).spawn(write);
        thread.map_err(io("decision log".to_owned()))?;
        Ok(Self(Some(Open { queue, ended: Mutex::new(ended), lost })))
    }

    /// Whether decisions are logged at all.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn write<'a>(&self, entry: impl FnOnce() -> Entry<'a>) {
        let Some(open) = &self.0 else { return };
        let Ok(mut line) = serde_json::to_vec(&entry()) else { return };
        line.push(b'\n');
        if open.queue.try_send(Message::Line(line)).is_err() {
            open.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were dropped because the disk was too slow.
    pub(super) fn lost(&self) -> u64 {
        self.0.as_ref().map_or(0, |open| open.lost.load(Ordering::Relaxed))
    }

    /// Writes what waits, and ends; a reader that does not read is not waited for.
    pub(super) fn close(&self) {
        let Some(open) = &self.0 else { return };
        let ended = open.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = open.queue.try_send(Message::End);
        let _ = ended.recv_timeout(PATIENCE);
    }
}

/// Lines go to the system in batches under load, and at once when there are few.
fn write_lines(queue: &Receiver<Message>, mut out: impl Write, lost: &AtomicU64) {
    let mut failing = false;
    while let Ok(Message::Line(line)) = queue.recv() {
        let mut outcome = out.write_all(&line);
        let mut end = false;
        while let (Ok(()), Ok(message)) = (&outcome, queue.try_recv()) {
            match message {
                Message::Line(line) => outcome = out.write_all(&line),
                Message::End => end = true,
            }
        }
        let outcome = outcome.and_then(|()| out.flush());
        if let Err(error) = &outcome {
            lost.fetch_add(1, Ordering::Relaxed);
            if !failing {
                tracing::error!(%error, "the decision log cannot be written");
            }
        }
        failing = outcome.is_err();
        if end {
            return;
        }
    }
}
