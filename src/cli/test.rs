//! `sidegate test`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use codespan_reporting::term::termcolor::NoColor;
use serde::Serialize;

use crate::engine::{Outcome, Report, compile, run_tests, write_tree};
use crate::lang::Sources;
use crate::service::{read_policies, read_tests};

use super::{input, junit, show, watch};

/// Run policy tests: exit status 0 if all came out as expected, else 1
#[derive(Args)]
pub(super) struct Test {
    /// Folder of one tenant's policies, or a folder of such folders
    folder: PathBuf,
    /// Exit status 1 too if a policy, or an outcome of a condition, is seen by no test
    #[arg(long)]
    require_coverage: bool,
    /// Write the outcomes as JUnit XML, for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run again whenever a file changes, until interrupted
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What came of the tests of one tenant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Suite {
    pub(super) folder: String,
    pub(super) outcomes: Vec<Row>,
    policies: usize,
    uncovered: Vec<String>,
    conditions: usize,
    one_sided: Vec<OneSidedRow>,
}

/// One expectation.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) test: String,
    pub(super) expected: String,
    pub(super) file: String,
    pub(super) line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wrong: Option<String>,
    /// All that led to what came out instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<String>,
}

/// A condition that was not seen to come out both ways.
#[derive(Serialize)]
struct OneSidedRow {
    text: String,
    place: String,
    never: Vec<&'static str>,
}

impl Test {
    pub(super) fn run(self) -> Result<ExitCode> {
        if self.watch {
            return watch::whenever_changed(&self.folder, || self.once().map(|_| ()));
        }
        self.once().map(|passed| ExitCode::from(u8::from(!passed)))
    }

    /// Whether all is as it should be.
    fn once(&self) -> Result<bool> {
        let mut suites = Vec::new();
        for folder in input::folders(&self.folder)? {
            match suite(&folder, self.json)? {
                Some(suite) => suites.push(suite),
                None => return Ok(false),
            }
        }
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::xml(&suites)?).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let failed = suites.iter().flat_map(|suite| &suite.outcomes).filter(|row| row.wrong.is_some()).count();
        let covered = suites.iter().all(|suite| suite.uncovered.is_empty() && suite.one_sided.is_empty());
        if self.json {
            let report = serde_json::json!({ "failed": failed, "covered": covered, "suites": suites });
            show::line(format_args!("{report}"))?;
        } else {
            suites.iter().try_for_each(show_suite)?;
            let expectations: usize = suites.iter().map(|suite| suite.outcomes.len()).sum();
            let expectations = show::count(expectations, "expectation", "expectations");
            show::line(format_args!("{expectations}, {failed} failed"))?;
        }
        Ok(failed == 0 && (covered || !self.require_coverage))
    }
}

fn show_suite(suite: &Suite) -> Result<()> {
    for Row { test, expected, file, line, wrong, explanation } in &suite.outcomes {
        let Some(wrong) = wrong else { continue };
        let explanation = explanation.as_deref().unwrap_or_default();
        show::line(format_args!("FAILED  {test}\n  {file}:{line}: {expected}\n  {wrong}\n{explanation}"))?;
    }
    if !suite.uncovered.is_empty() {
        show::line(format_args!("no test sees these decide: {}", suite.uncovered.join(", ")))?;
    }
    for OneSidedRow { text, place, never } in &suite.one_sided {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        show::line(format_args!("no test sees this be {}: {text}  ({place})", never.join(" or ")))?;
    }
    let policies = suite.policies - suite.uncovered.len();
    let unseen: usize = suite.one_sided.iter().map(|row| row.never.len()).sum();
    let outcomes = 2 * suite.conditions;
    show::line(format_args!(
        "{}: {policies} of {} decide in a test, {} of {outcomes} outcomes of conditions are seen",
        suite.folder,
        show::count(suite.policies, "policy", "policies"),
        outcomes - unseen,
    ))
}

/// The outcomes in one folder; `None` if something does not compile, which is then shown.
fn suite(folder: &Path, json: bool) -> Result<Option<Suite>> {
    let compiled = compile(read_policies(folder), &Arc::default());
    let Some(program) = &compiled.program else {
        show::refused(&compiled.sources, &compiled.diagnostics, json)?;
        return Ok(None);
    };
    let sources = Arc::new(Sources::new(read_tests(folder)?));
    let report = match run_tests(program, &compiled.definitions, &sources) {
        Ok(report) => report,
        Err(diagnostics) => {
            show::refused(&sources, &diagnostics, json)?;
            return Ok(None);
        }
    };
    let Report { outcomes, policies, uncovered, conditions, one_sided } = report;
    Ok(Some(Suite {
        folder: folder.display().to_string(),
        outcomes: outcomes.into_iter().map(|outcome| row(&sources, outcome)).collect::<Result<_>>()?,
        policies,
        uncovered: uncovered.into_iter().map(str::to_owned).collect(),
        conditions,
        one_sided: one_sided
            .into_iter()
            .map(|one| OneSidedRow {
                text: one.text.to_owned(),
                place: program.sources().place(one.site),
                never: one.never,
            })
            .collect(),
    }))
}

fn row(sources: &Sources, outcome: Outcome<'_>) -> Result<Row> {
    let explanation = match &outcome.wrong {
        Some(wrong) => {
            let mut tree = NoColor::new(Vec::new());
            write_tree(&mut tree, &wrong.explanation, wrong.nearest.as_ref())?;
            Some(String::from_utf8_lossy(tree.get_ref()).into_owned())
        }
        None => None,
    };
    Ok(Row {
        test: outcome.test,
        expected: outcome.expected,
        file: sources.get(outcome.site.source).map_or_else(String::new, |source| source.name.clone()),
        line: sources.position(outcome.site).line,
        wrong: outcome.wrong.map(|wrong| wrong.sentence),
        explanation,
    })
}
