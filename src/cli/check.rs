//! `sidegate check`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use crate::engine::{Compiled, compile, warnings};
use crate::lang::{Diagnostic, Sources};
use crate::service::{RulesFile, check_rules_file};

use super::{input, show};

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
        let mut sets: Vec<Compiled> =
            input::sets(&self.folder)?.into_iter().map(|files| compile(files, &standard)).collect();
        sets.iter_mut().for_each(warnings);
        let rules: Vec<RulesFile> = sets.iter().filter_map(|set| check_rules_file(&folder_of(set)?, set)).collect();
        let of_sets = sets.iter().map(|set| (&*set.sources, &set.diagnostics));
        let of_rules = rules.iter().map(|file| (&file.sources, &file.diagnostics));
        let found: Vec<(&Sources, &Vec<Diagnostic>)> = of_sets.chain(of_rules).collect();
        let findings = found.iter().flat_map(|(_, findings)| findings.iter());
        let errors = findings.clone().filter(|finding| finding.is_error()).count();
        let warnings = findings.count() - errors;
        if self.json {
            let shown = found.iter().flat_map(|(sources, findings)| show::as_json(sources, findings));
            let diagnostics: Vec<_> = shown.collect();
            let report = serde_json::json!({ "errors": errors, "warnings": warnings, "diagnostics": diagnostics });
            show::line(format_args!("{report}"))?;
        } else {
            for (sources, findings) in found {
                show::on_stderr(sources, findings)?;
            }
            let policies: usize = sets.iter().map(|set| set.policies).sum();
            show::line(format_args!(
                "{}, {}, {}",
                show::count(policies, "policy", "policies"),
                show::count(errors, "error", "errors"),
                show::count(warnings, "warning", "warnings")
            ))?;
        }
        let failed = errors > 0 || (self.deny_warnings && warnings > 0);
        Ok(ExitCode::from(u8::from(failed)))
    }
}

/// The folder of a set, unless it came by standard input.
fn folder_of(set: &Compiled) -> Option<PathBuf> {
    let (_, first) = set.sources.iter().next()?;
    Path::new(&first.name).parent().filter(|folder| *folder != Path::new("")).map(Path::to_owned)
}
