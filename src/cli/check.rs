//! `sidegate check`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use crate::engine::{Compiled, compile, warnings};
use crate::service::check_rules_file;

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
        let findings = sets.iter().flat_map(|set| &set.diagnostics);
        let rules: Vec<String> = rules_problems(&self.folder, &sets);
        let errors = findings.clone().filter(|finding| finding.is_error()).count() + rules.len();
        let warnings = findings.filter(|finding| !finding.is_error()).count();
        if self.json {
            let diagnostics: Vec<_> =
                sets.iter().flat_map(|set| show::as_json(&set.sources, &set.diagnostics)).collect();
            show::line(format_args!(
                "{}",
                serde_json::json!({ "errors": errors, "warnings": warnings, "diagnostics": diagnostics, "rules": rules })
            ))?;
        } else {
            for set in &sets {
                show::on_stderr(&set.sources, &set.diagnostics)?;
            }
            for problem in &rules {
                eprintln!("error: {problem}\n");
            }
            let policies: usize = sets.iter().filter_map(|set| set.program.as_ref()).map(|p| p.policy_count()).sum();
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

/// What is wrong with the profiling rules beside the policies of each set.
fn rules_problems(folder: &Path, sets: &[Compiled]) -> Vec<String> {
    let folder_of = |set: &Compiled| {
        let first = set.sources.iter().next().map(|(_, source)| source.name.clone())?;
        Path::new(&first).parent().map(Path::to_owned)
    };
    let check = |set: &Compiled| check_rules_file(&folder_of(set)?, &set.definitions).err();
    if folder == Path::new("-") { Vec::new() } else { sets.iter().filter_map(check).collect() }
}
