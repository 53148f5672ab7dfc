//! `sidegate fmt`

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use similar::TextDiff;

use crate::engine::RawFile;
use crate::lang::{Diagnostic, Rendered, Sources, format};
use crate::service::read_policy;

use super::{Usage, input, show};

/// Format policies: exit status 0 if all could be, else 1
#[derive(Args)]
pub(super) struct Fmt {
    /// Files, folders of a tenant's policies, folders of such folders; or - for standard input to standard output
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing, name the files that are not formatted; exit status 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing, show what would change; exit status 1 if anything would
    #[arg(long, conflicts_with = "json")]
    diff: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What became of the files.
#[derive(Default, Serialize)]
struct Report {
    changed: Vec<String>,
    unchanged: usize,
    diagnostics: Vec<Rendered>,
}

impl Fmt {
    pub(super) fn run(self) -> Result<ExitCode> {
        let standard = self.paths.iter().any(|path| path == Path::new("-"));
        let places = match (standard, self.paths.len()) {
            (true, 1) => vec![None],
            (true, _) => return Err(Usage("- stands alone: give no other path beside it".to_owned()).into()),
            (false, _) => self.files()?.into_iter().map(Some).collect(),
        };
        let mut report = Report::default();
        for path in places {
            let file = path.as_deref().map_or_else(input::stdin, |path| Ok(read_policy(path)))?;
            let (name, before) = (file.name.clone(), file.content.clone().unwrap_or_default());
            match formatted(file) {
                Ok(after) => {
                    self.deliver(path.as_deref(), &name, &before, &after)?;
                    if before == after.as_bytes() { report.unchanged += 1 } else { report.changed.push(name) }
                }
                Err((sources, diagnostics)) => {
                    report.diagnostics.extend(show::as_json(&sources, &diagnostics));
                    if !self.json {
                        show::on_stderr(&sources, &diagnostics)?;
                    }
                }
            }
        }
        self.report(&report, standard)?;
        let failed = !report.diagnostics.is_empty() || (!self.writes() && !report.changed.is_empty());
        Ok(ExitCode::from(u8::from(failed)))
    }

    fn writes(&self) -> bool {
        !self.check && !self.diff
    }

    /// Puts a formatted text where it belongs; without a path, that is standard output.
    fn deliver(&self, path: Option<&Path>, name: &str, before: &[u8], after: &str) -> Result<()> {
        let changes = before != after.as_bytes();
        match path {
            _ if self.diff && changes => show_diff(name, &String::from_utf8_lossy(before), after),
            Some(path) if self.writes() && changes => {
                replace(path, after).with_context(|| format!("{name} cannot be written"))
            }
            None if self.writes() && !self.json => show::text(format_args!("{after}")),
            _ => Ok(()),
        }
    }

    fn report(&self, report: &Report, standard: bool) -> Result<()> {
        if self.json {
            return show::line(format_args!("{}", serde_json::to_string(report)?));
        }
        // Standard output is the text itself, or the diff, and nothing else.
        if self.diff || (standard && self.writes()) {
            return Ok(());
        }
        for name in &report.changed {
            show::line(format_args!("{name}"))?;
        }
        let files = show::count(report.changed.len(), "file", "files");
        let done = if self.writes() { "changed" } else { "would change" };
        show::line(format_args!("{files} {done}, {} unchanged", report.unchanged))
    }

    /// Every file that the paths name, once.
    fn files(&self) -> Result<BTreeSet<PathBuf>> {
        let files: Result<Vec<_>> = self.paths.iter().map(|path| input::policy_files(path)).collect();
        Ok(files?.into_iter().flatten().collect())
    }
}

/// The text of a file as it should be, or what is wrong with it.
fn formatted(file: RawFile) -> Result<String, (Sources, Vec<Diagnostic>)> {
    let (source, unreadable) = file.decode();
    let sources = Sources::new(vec![source]);
    let of_one = sources.iter().map(|(id, source)| match &unreadable {
        Some(why) => Err(vec![why.diagnostic(id)]),
        None => format(id, source),
    });
    let text: Result<String, _> = of_one.collect();
    text.map_err(|diagnostics| (sources, diagnostics))
}

fn show_diff(name: &str, before: &str, after: &str) -> Result<()> {
    show::text(format_args!("{}", TextDiff::from_lines(before, after).unified_diff().header(name, name)))
}

/// Puts another text into a file, whole or not at all. A link goes on pointing to it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&fresh)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}
