//! `sidegate export` and `sidegate import`: all users of a tenant in a file. They work on the database itself, whether
//! or not a server runs on it.

use std::fs::File;
use std::io::{ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::service::{Format, ImportReport, OnError, Progress, Service};

use super::data::{self, DataOfTenant};
use super::output::Output;
use super::progress::{rate, shown};
use super::show;

/// Refused lines that are shown to people.
const SHOWN: usize = 20;

/// Write all users of a tenant into a file: profile fields and traits with where each value came from, identities,
/// consents and logins as NDJSON, or a table of profile fields and traits as CSV. Values of traits that are defined as
/// sensitive are in it, so the file is for its owner's eyes only.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    data: DataOfTenant,
    /// ndjson or csv [default: by the name of FILE, else ndjson]
    #[arg(long)]
    format: Option<Format>,
    /// Where to write; the file is there once it is whole [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The summary as JSON
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (service, tenant) = self.data.open().await?;
        let format = self.format.unwrap_or_else(|| format_of(self.output.as_deref()));
        let (progress, all) = (Arc::new(Progress::default()), service.count_users(&tenant).await?);
        let started = Instant::now();
        let mut out = Output::create(self.output.as_deref())?;
        let mut export = service.export_users(&tenant, format, progress.clone()).await?;
        let work = async {
            while let Some(part) = export.next().await? {
                out.write_all(&part)?;
            }
            out.flush()?;
            anyhow::Ok(())
        };
        match shown(work, || ("exported", progress.done(), Some(all))).await {
            // A reader that has seen enough, such as `head`, is no error.
            Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
            outcome => outcome?,
        }
        out.finish()?;
        service.close().await;
        let seconds = started.elapsed().as_secs_f64();
        let text = match self.json {
            true => serde_json::json!({ "users": progress.done(), "seconds": seconds }).to_string(),
            false => format!("{} in {seconds:.1} s", show::count(progress.done() as usize, "user", "users")),
        };
        // Where the users themselves go, nothing else does.
        if self.output.is_some() {
            show::line(format_args!("{text}"))?
        } else {
            eprintln!("{text}")
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Take in users from a file that `sidegate export` wrote, or that looks like one. What a line names is set, `null` takes
/// it away, and everything else of a user stays. Lines of the same user follow one on the other, so the last one counts.
/// An import that was interrupted leaves every user whole, and can be run again.
#[derive(Args)]
pub(super) struct Import {
    #[command(flatten)]
    data: DataOfTenant,
    /// What to take in; - is standard input
    file: PathBuf,
    /// ndjson or csv [default: by the name of FILE, else ndjson]
    #[arg(long)]
    format: Option<Format>,
    /// With lines that are refused: abort, and nothing goes in, or skip them
    #[arg(long, value_name = "abort|skip", default_value = "abort")]
    on_error: OnError,
    /// Check every line, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self { data, file: path, format, on_error, dry_run, json } = self;
        let (service, tenant) = data.open().await?;
        let format = format.unwrap_or_else(|| format_of(Some(&path)));
        let file = open(&service, &path)?;
        let author = data::author();
        let (progress, started) = (Progress::default(), Instant::now());
        let import = crate::service::Import { format, on_error, dry_run };
        let work = service.import_users(&tenant, &file, import, &author, &progress);
        let stage = || match progress.done() {
            0 => ("checked", progress.checked(), None),
            done => ("imported", done, None),
        };
        let report = shown(work, stage).await?;
        service.close().await;
        show_report(&report, dry_run, started.elapsed(), json)?;
        Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The file to be read; what can be read only once is kept in a file first.
fn open(service: &Service, path: &Path) -> Result<File> {
    let cannot = || format!("cannot read {}", path.display());
    if path != Path::new("-") {
        let file = File::open(path).with_context(cannot)?;
        if file.metadata().with_context(cannot)?.is_file() {
            return Ok(file);
        }
    }
    let mut kept = service.spool()?;
    match path == Path::new("-") {
        true => std::io::copy(&mut std::io::stdin().lock(), &mut kept),
        false => std::io::copy(&mut File::open(path).with_context(cannot)?, &mut kept),
    }
    .with_context(cannot)?;
    kept.rewind()?;
    Ok(kept)
}

fn show_report(report: &ImportReport, dry_run: bool, took: std::time::Duration, json: bool) -> Result<()> {
    #[derive(Serialize)]
    struct Summary<'a> {
        #[serde(flatten)]
        report: &'a ImportReport,
        seconds: f64,
    }
    if json {
        let summary = Summary { report, seconds: took.as_secs_f64() };
        return show::line(format_args!("{}", serde_json::to_string(&summary)?));
    }
    for refusal in report.refusals.iter().take(SHOWN) {
        eprintln!("{refusal}");
    }
    let ImportReport { read, created, updated, unchanged, refused, .. } = report;
    if !report.written && !dry_run {
        let lines = show::count(*refused as usize, "line", "lines");
        eprintln!("nothing was written: {lines} of {read} are refused; --on-error skip takes in the others");
        return Ok(());
    }
    let lines = show::count(*read as usize, "line", "lines");
    let would = if dry_run { "; a dry run, nothing was written" } else { "" };
    show::line(format_args!(
        "{lines}: {created} created, {updated} updated, {unchanged} unchanged, {refused} refused{would} \
         ({:.0} a second)",
        rate(*read, took)
    ))
}

fn format_of(path: Option<&Path>) -> Format {
    let ending = path.and_then(Path::extension).and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    if ending.eq_ignore_ascii_case("csv") { Format::Csv } else { Format::Ndjson }
}
