//! Users into the store, batch by batch.

mod batch;

use std::fs::File;
use std::io::{self, Seek};
use std::sync::atomic::Ordering;
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::model::Author;
use crate::service::tenants::Tenant;
use crate::service::{Result, Service, ServiceError};
use crate::store::{ImportOutcome, ImportRefusal, Imported, Name};

use self::batch::{Batch, read_batches};
use super::{Format, Progress, REFUSALS, Refusal};

/// What becomes of the good lines of a file with bad ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Nothing goes in: every line is checked before the first of them is written.
    Abort,
    /// They go in.
    Skip,
}

impl std::str::FromStr for OnError {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "abort" => Ok(OnError::Abort),
            "skip" => Ok(OnError::Skip),
            other => Err(format!("{other:?} is none of the two: abort or skip")),
        }
    }
}

/// How a file is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Import {
    /// What it is.
    pub format: Format,
    /// What becomes of the good lines of a file with bad ones.
    pub on_error: OnError,
    /// Whether it is only checked.
    pub dry_run: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Whether anything may have been written; else the counts say what would be.
    pub written: bool,
    /// Lines with a user on them.
    pub read: u64,
    /// Users who are new.
    pub created: u64,
    /// Users of whom something changes.
    pub updated: u64,
    /// Users who are so already.
    pub unchanged: u64,
    /// Lines that were not taken.
    pub refused: u64,
    /// The first of these, with the reasons.
    pub refusals: Vec<Refusal>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Check,
    Write,
}

impl Service {
    /// Takes in the users of a file, from its start: fields that a line names are set, or taken away by `null`, and
    /// others stay. Users are written in batches, each in one transaction: one that is interrupted leaves every user
    /// whole, and the same file can be taken in again.
    ///
    /// # Errors
    /// [`ServiceError::Io`] for a file that cannot be read, [`ServiceError::Conflict`] if something that was checked has
    /// changed before it was written, [`ServiceError::Interrupted`] once something was, or the store's.
    pub async fn import_users(
        &self,
        tenant: &Tenant,
        file: &File,
        import: Import,
        author: &Author,
        progress: &Progress,
    ) -> Result<ImportReport> {
        if import.dry_run || import.on_error == OnError::Abort {
            let checked = self.pass(tenant, file, import, author, progress, Pass::Check).await?;
            if import.dry_run || checked.refused > 0 {
                return Ok(checked);
            }
        }
        self.pass(tenant, file, import, author, progress, Pass::Write).await
    }

    async fn pass(
        &self,
        tenant: &Tenant,
        file: &File,
        import: Import,
        author: &Author,
        progress: &Progress,
        pass: Pass,
    ) -> Result<ImportReport> {
        let mut report = ImportReport { written: pass == Pass::Write, ..ImportReport::default() };
        let (sender, mut batches) = mpsc::channel(1);
        let (of, mut file) = (tenant.clone(), file.try_clone().map_err(unreadable)?);
        file.rewind().map_err(unreadable)?;
        let reading = tokio::task::spawn_blocking(move || read_batches(&of, import.format, file, &sender));
        while let Some(batch) = batches.recv().await {
            report.read += batch.read;
            let lines: Vec<u64> = batch.users.iter().map(|(line, _)| *line).collect();
            let (outcomes, refused) = match self.take(tenant, batch, import, author, pass).await {
                Err(ServiceError::Unavailable(why)) if report.written && progress.done() > 0 => {
                    return Err(ServiceError::Interrupted { done: progress.done(), why });
                }
                taken => taken?,
            };
            report.add(&lines, outcomes, refused);
            if pass == Pass::Write && import.on_error == OnError::Abort && report.refused > 0 {
                return Err(changed_meanwhile(&report));
            }
            let counter = if pass == Pass::Check { &progress.checked } else { &progress.done };
            counter.store(report.read, Ordering::Relaxed);
        }
        match reading.await {
            Ok(read) => read.map_err(unreadable)?,
            Err(_) => return Err(unreadable(io::Error::other("the reader failed"))),
        }
        Ok(report)
    }

    /// Checks or writes a batch.
    async fn take(
        &self,
        tenant: &Tenant,
        batch: Batch,
        import: Import,
        author: &Author,
        pass: Pass,
    ) -> Result<(Vec<ImportOutcome>, Refused)> {
        let refused = Refused { lines: batch.refused_lines, refusals: batch.refusals };
        let users: Vec<_> = batch.users.into_iter().map(|(_, user)| user).collect();
        let all_or_none = import.on_error == OnError::Abort;
        if pass == Pass::Check {
            return Ok((self.store.preview_import(&tenant.id, &users, author).await?, refused));
        }
        if all_or_none && refused.lines > 0 {
            return Ok((Vec::new(), refused));
        }
        let started = Instant::now();
        let Imported { outcomes, change } = self.store.import_users(&tenant.id, &users, author, all_or_none).await?;
        if let Some((revision, seq)) = change {
            users.iter().for_each(|user| self.users.changed(&tenant.id, Name::user(user.id.as_str()), seq));
            self.wrote(tenant, revision).await?;
            // Room for those who wait for SQLite's one write lock: processes that want it look for it now and then, and
            // nobody tells them that it is free.
            tokio::time::sleep(started.elapsed() / PAUSE).await;
        }
        Ok((outcomes, refused))
    }
}

/// The part of the time that a batch took for which nobody holds the lock after it.
const PAUSE: u32 = 4;

/// Lines that could not be read.
struct Refused {
    lines: u64,
    refusals: Vec<Refusal>,
}

impl ImportReport {
    fn add(&mut self, lines: &[u64], outcomes: Vec<ImportOutcome>, refused: Refused) {
        let Refused { lines: unread, mut refusals } = refused;
        self.refused += unread;
        for (line, outcome) in lines.iter().zip(outcomes) {
            match outcome {
                ImportOutcome::Created => self.created += 1,
                ImportOutcome::Updated => self.updated += 1,
                ImportOutcome::Unchanged => self.unchanged += 1,
                ImportOutcome::Refused(why) => {
                    self.refused += 1;
                    refusals.push(Refusal::new(*line, code(&why), why.to_string()));
                }
            }
        }
        refusals.sort_by_key(|refusal| refusal.line);
        let room = REFUSALS - self.refusals.len();
        self.refusals.extend(refusals.into_iter().take(room));
    }
}

fn code(why: &ImportRefusal) -> &'static str {
    match why {
        ImportRefusal::TooManyTraits(_) => "too_many_attributes",
        ImportRefusal::IdentityOfAnother { .. } => "identity_of_another_user",
        ImportRefusal::LoginOfAnother(_) => "login_of_another_user",
    }
}

fn changed_meanwhile(report: &ImportReport) -> ServiceError {
    let why = report.refusals.first().map_or_else(String::new, Refusal::to_string);
    let before = report.created + report.updated;
    ServiceError::Conflict(format!(
        "every line was good when it was checked, and this one is not any more; {before} users before it were written: \
         mend it and take the file in again ({why})"
    ))
}

fn unreadable(source: io::Error) -> ServiceError {
    ServiceError::Io { what: "the file of users cannot be read".to_owned(), source }
}
