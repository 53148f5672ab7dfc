//! `sidegate test`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::engine::{compile, run_tests};
use crate::lang::Sources;
use crate::service::{read_policies, read_tests};

use super::{input, show};

/// Run policy tests: exit status 0 if all came out as expected, else 1
#[derive(Args)]
pub(super) struct Test {
    /// Folder of one tenant's policies, or a folder of such folders
    folder: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// One expectation, as JSON.
#[derive(Serialize)]
struct Row {
    test: String,
    expected: String,
    file: String,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
}

impl Test {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (mut rows, mut uncovered) = (Vec::new(), Vec::new());
        for folder in input::folders(&self.folder)? {
            match outcomes(&folder)? {
                Some((more, missed)) => {
                    rows.extend(more);
                    uncovered.extend(missed);
                }
                None => return Ok(ExitCode::FAILURE),
            }
        }
        let failed = rows.iter().filter(|row| row.wrong.is_some()).count();
        if self.json {
            let report = serde_json::json!({ "failed": failed, "outcomes": rows, "uncovered": uncovered });
            show::line(format_args!("{report}"))?;
        } else {
            for row in rows.iter().filter(|row| row.wrong.is_some()) {
                let wrong = row.wrong.as_deref().unwrap_or_default();
                show::line(format_args!(
                    "FAILED  {}\n  {}:{}: {}\n  {wrong}\n",
                    row.test, row.file, row.line, row.expected
                ))?;
            }
            if !uncovered.is_empty() {
                show::line(format_args!("no test sees these decide: {}", uncovered.join(", ")))?;
            }
            show::line(format_args!("{} expectations, {failed} failed", rows.len()))?;
        }
        Ok(ExitCode::from(u8::from(failed > 0)))
    }
}

/// The outcomes in one folder and the policies that no test has seen; `None` if something does not compile, which is
/// then shown.
fn outcomes(folder: &Path) -> Result<Option<(Vec<Row>, Vec<String>)>> {
    let compiled = compile(read_policies(folder), &Arc::default());
    let Some(program) = &compiled.program else {
        show::on_stderr(&compiled.sources, &compiled.diagnostics)?;
        return Ok(None);
    };
    let sources = Arc::new(Sources::new(read_tests(folder)?));
    let report = match run_tests(program, &sources) {
        Ok(report) => report,
        Err(diagnostics) => {
            show::on_stderr(&sources, &diagnostics)?;
            return Ok(None);
        }
    };
    let row = |outcome: crate::engine::Outcome| Row {
        test: outcome.test,
        expected: outcome.expected,
        file: sources.get(outcome.site.source).map_or_else(String::new, |source| source.name.clone()),
        line: sources.position(outcome.site).line,
        wrong: outcome.wrong,
    };
    Ok(Some((report.outcomes.into_iter().map(row).collect(), report.uncovered)))
}
