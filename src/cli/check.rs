//! `sidegate check`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use crate::engine::{Compiled, RawFile, compile};
use crate::lang::MAX_FILE;
use crate::service::{check_rules_file, read_policies};

use super::{Usage, show};

/// Check policies: exit status 0 without errors, 1 with
#[derive(Args)]
pub(super) struct Check {
    /// Folder of one tenant's policies, a folder of such folders, or - for standard input
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Exit status 1 for warnings, too
    #[arg(long)]
    deny_warnings: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<ExitCode> {
        let standard = Arc::default();
        let sets: Vec<Compiled> = sets(&self.folder)?.into_iter().map(|files| compile(files, &standard)).collect();
        let findings = sets.iter().flat_map(|set| &set.diagnostics);
        let rules: Vec<String> = rules_problems(&self.folder, &sets);
        let errors = findings.clone().filter(|finding| finding.is_error()).count() + rules.len();
        let warnings = findings.filter(|finding| !finding.is_error()).count();
        if self.json {
            let diagnostics: Vec<_> = sets.iter().flat_map(show::as_json).collect();
            show::line(format_args!(
                "{}",
                serde_json::json!({ "errors": errors, "warnings": warnings, "diagnostics": diagnostics, "rules": rules })
            ))?;
        } else {
            for set in &sets {
                show::on_stderr(set)?;
            }
            for problem in &rules {
                eprintln!("error: {problem}\n");
            }
            let policies: usize = sets.iter().filter_map(|set| set.program.as_ref()).map(|p| p.policy_count()).sum();
            show::line(format_args!(
                "{}, {}, {}",
                count(policies, "policy", "policies"),
                count(errors, "error", "errors"),
                count(warnings, "warning", "warnings")
            ))?;
        }
        let failed = errors > 0 || (self.deny_warnings && warnings > 0);
        Ok(ExitCode::from(u8::from(failed)))
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The files of every set under `folder`.
fn sets(folder: &Path) -> Result<Vec<Vec<RawFile>>> {
    if folder == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
        return Ok(vec![vec![RawFile { name: "<stdin>".to_owned(), content: Ok(text) }]]);
    }
    Ok(folders(folder)?.iter().map(|folder| read_policies(folder)).collect())
}

/// The folder itself, if policies are in it, or else those folders in it that have some.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Err(Usage(format!("there is no folder {}", folder.display())).into());
    }
    if !read_policies(folder).is_empty() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.') && entry.path().is_dir())
        .map(|entry| entry.path())
        .filter(|folder| !read_policies(folder).is_empty())
        .collect();
    below.sort();
    if below.is_empty() {
        let message = format!("there are no .policy files in {}, nor in a folder in it", folder.display());
        return Err(Usage(message).into());
    }
    Ok(below)
}

/// What is wrong with the profiling rules beside the policies of each set.
fn rules_problems(folder: &Path, sets: &[Compiled]) -> Vec<String> {
    let folder_of = |set: &Compiled| {
        let first = set.sources.iter().next().map(|(_, source)| source.name.clone())?;
        Path::new(&first).parent().map(Path::to_owned)
    };
    let check = |set: &Compiled| check_rules_file(&folder_of(set)?, &set.definitions).err();
    if folder == Path::new("-") { Vec::new() } else { sets.iter().filter_map(check).collect() }
}
