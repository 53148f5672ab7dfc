//! The decision log: one JSON line per decision, written by a thread of its own.
//!
//! Properties, context and traits are never logged: they may be anything.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;

use crate::model::Query;

use super::decide::Answer;
use super::tenants::Tenant;
use super::{Result, ServiceError};

/// Lines that wait for the disk; a decision does not wait with them.
const QUEUE: usize = 65_536;

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
    policy_revision: Option<&'a str>,
    data_revision: i64,
}

#[derive(Serialize)]
struct Named<'a> {
    r#type: &'a str,
    id: &'a str,
}

impl<'a> Entry<'a> {
    pub(super) fn new(tenant: &'a Tenant, query: &'a Query<'a>, answer: &'a Answer<'a>) -> Self {
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
            policy_revision: answer.policy_revision,
            data_revision: answer.data_revision,
        }
    }
}

/// The log, or nothing.
pub(super) struct DecisionLog(Option<Open>);

struct Open {
    queue: SyncSender<Message>,
    writer: Mutex<Option<JoinHandle<()>>>,
    lost: AtomicU64,
}

enum Message {
    Line(Vec<u8>),
    End,
}

impl DecisionLog {
    pub(super) fn open(target: Option<LogTarget>) -> Result<Self> {
        let Some(target) = target else { return Ok(Self(None)) };
        let (what, out): (String, io::Result<Box<dyn Write + Send>>) = match &target {
            LogTarget::Stdout => ("decision log".to_owned(), Ok(Box::new(io::stdout()))),
            LogTarget::File(path) => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                (format!("decision log {}", path.display()), file.map(|file| Box::new(file) as _))
            }
        };
        let (queue, lines) = sync_channel(QUEUE);
        let writer = out.and_then(|out| {
            let write = move || write_lines(&lines, BufWriter::new(out));
            std::thread::Builder::new().name("decision-log".to_owned()).spawn(write)
        });
        let writer = writer.map_err(|source| ServiceError::Io { what, source })?;
        Ok(Self(Some(Open { queue, writer: Mutex::new(Some(writer)), lost: AtomicU64::new(0) })))
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

    /// Writes what waits, and ends.
    pub(super) fn close(&self) {
        let Some(open) = &self.0 else { return };
        let writer = open.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = open.queue.send(Message::End);
            let _ = writer.join();
        }
    }
}

/// Lines go to the system in batches under load, and at once when there are few.
fn write_lines(queue: &Receiver<Message>, mut out: impl Write) {
    let mut failing = false;
    let mut note = |outcome: io::Result<()>| {
        if let (Err(error), false) = (&outcome, failing) {
            tracing::error!(%error, "the decision log cannot be written");
        }
        failing = outcome.is_err();
    };
    while let Ok(Message::Line(line)) = queue.recv() {
        note(out.write_all(&line));
        loop {
            match queue.try_recv() {
                Ok(Message::Line(line)) => note(out.write_all(&line)),
                Ok(Message::End) => return note(out.flush()),
                Err(_) => break note(out.flush()),
            }
        }
    }
}
