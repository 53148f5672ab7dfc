//! Tests of policies: facts and expectations in the policy language itself, run against the set beside them.

mod coverage;
mod data;
mod prepared;
mod user;

use std::collections::HashMap;

use crate::lang::ast::{Effect, File, ItemKind, Name, Test, TestPartKind, Text};
use crate::lang::{self, Code, Diagnostic, Site, SourceId, Sources, Span};

use crate::model::Definitions;

use self::coverage::Coverage;
use self::prepared::Prepared;
use super::{Explanation, Nearest, Program, Reveal, explain, nearest};

pub use self::coverage::OneSided;

/// What came of one expectation.
#[derive(Debug)]
pub struct Outcome<'p> {
    /// The name of the test.
    pub test: String,
    /// What was expected, as it was written.
    pub expected: String,
    /// Where.
    pub site: Site,
    /// What came out instead, and why; `None` if it is as expected.
    pub wrong: Option<Wrong<'p>>,
}

/// What came out instead of what was expected.
#[derive(Debug)]
pub struct Wrong<'p> {
    /// In a sentence.
    pub sentence: String,
    /// All that led to it.
    pub explanation: Explanation<'p>,
    /// The single fact that would turn it.
    pub nearest: Option<Nearest<'p>>,
}

/// The outcomes of all tests, and what they have not seen.
#[derive(Debug)]
pub struct Report<'p> {
    /// In the order in which they were written.
    pub outcomes: Vec<Outcome<'p>>,
    /// How many policies count.
    pub policies: usize,
    /// Those that no test has seen decide.
    pub uncovered: Vec<&'p str>,
    /// How many conditions they are made of, each of which can come out true or false.
    pub conditions: usize,
    /// Those that no test has seen come out both ways.
    pub one_sided: Vec<OneSided<'p>>,
}

/// Runs the tests in `sources` against a program.
///
/// # Errors
/// What is wrong with the tests themselves.
pub fn run_tests<'p>(
    program: &'p Program,
    definitions: &Definitions,
    sources: &Sources,
) -> Result<Report<'p>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut outcomes = Vec::new();
    let mut coverage = Coverage::new(program);
    let mut names: HashMap<String, Site> = HashMap::new();
    for (id, source) in sources.iter() {
        let (File { items, .. }, findings) = lang::parse(id, source);
        diagnostics.extend(findings);
        for item in items {
            match item.kind {
                ItemKind::Test(test) => {
                    let site = Site { source: id, span: test.name.span };
                    diagnostics.extend(names.insert(test.name.text.clone(), site).map(|first| twice(site, first)));
                    match run(program, definitions, sources, id, &test, &mut coverage) {
                        Ok(more) if more.is_empty() => diagnostics.push(pointless(site)),
                        Ok(more) => outcomes.extend(more),
                        Err(diagnostic) => diagnostics.push(*diagnostic),
                    }
                }
                ItemKind::Let(declared) => diagnostics.push(misplaced(id, declared.name.span)),
                ItemKind::Policy(policy) => diagnostics.push(misplaced(id, policy.name.span)),
                ItemKind::Route(route) => diagnostics.push(misplaced(id, route.path.span)),
            }
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let Coverage { policies, conditions, .. } = &coverage;
    let (policies, conditions) = (policies.len(), conditions.len());
    Ok(Report { outcomes, policies, uncovered: coverage.uncovered(), conditions, one_sided: coverage.one_sided() })
}

fn misplaced(source: SourceId, span: Span) -> Diagnostic {
    let site = Site { source, span };
    let message = "a test file holds tests and nothing else";
    Diagnostic::error(Code::BadTest, site, message).help("declare it in a file that does not end in _test.policy")
}

fn twice(site: Site, first: Site) -> Diagnostic {
    Diagnostic::error(Code::BadTest, site, "another test is called the same")
        .also(first, "here")
        .help("say what makes this one different")
}

fn pointless(site: Site) -> Diagnostic {
    let finding = Diagnostic::error(Code::BadTest, site, "this test expects nothing");
    finding.help("add `expect allow \"action\" on \"resource\"`, or deny")
}

fn run<'p>(
    program: &'p Program,
    definitions: &Definitions,
    sources: &Sources,
    source: SourceId,
    test: &Test,
    coverage: &mut Coverage<'p>,
) -> Result<Vec<Outcome<'p>>, Box<Diagnostic>> {
    let prepared = Prepared::new(program, definitions, source, test)?;
    let mut outcomes = Vec::new();
    for part in &test.parts {
        let TestPartKind::Expect { effect, action, resource, by } = &part.kind else { continue };
        let site = Site { source, span: part.span };
        if let Some(by) = by
            && !coverage.policies.iter().any(|policy| policy.name == by.text)
        {
            let is_shadow = program.policies.iter().any(|policy| policy.shadow && policy.name == by.text);
            let (message, fallback) = if is_shadow {
                (format!("`{}` is a shadow policy, which never decides", by.text), "leave `by` out")
            } else {
                let fallback = "a test names a policy that counts, from the files beside it";
                (format!("there is no policy `{}`", by.text), fallback)
            };
            let known = coverage.policies.iter().map(|policy| policy.name.as_str());
            let meant = lang::suggest(&by.text, known).filter(|_| !is_shadow);
            let help = meant.map_or_else(|| fallback.to_owned(), |meant| format!("did you mean `{meant}`?"));
            let site = Site { source, span: by.span };
            return Err(Box::new(Diagnostic::error(Code::BadTest, site, message).help(help)));
        }
        let wrong = ask(program, &prepared, *effect, action, resource, by.as_ref(), coverage);
        let expected = sources.text(site).split_whitespace().collect::<Vec<_>>().join(" ");
        outcomes.push(Outcome { test: test.name.text.clone(), expected, site, wrong });
    }
    Ok(outcomes)
}

/// What is wrong with what comes out, if something is.
fn ask<'p>(
    program: &'p Program,
    prepared: &Prepared,
    effect: Effect,
    action: &Text,
    resource: &Text,
    by: Option<&Name>,
    coverage: &mut Coverage<'p>,
) -> Option<Wrong<'p>> {
    let question = prepared.question(&action.text, &resource.text);
    let (query, facts) = (&question.query, &question.facts());
    let explanation = explain(program, query, facts, Reveal::Sensitive);
    coverage.note(query, facts, &explanation.policies);
    let allowed = explanation.decision.is_allow();
    let by_it = by.is_none_or(|by| explanation.policies.contains(&by.text.as_str()));
    if allowed == (effect == Effect::Allow) && by_it {
        return None;
    }
    let came = if allowed { "allow" } else { "deny" };
    let reason = explanation.decision.reason(&action.text, &resource.text);
    let policies =
        if explanation.policies.is_empty() { "no policy".to_owned() } else { explanation.policies.join(", ") };
    let sentence = format!("it was {came} by {policies}: {reason}");
    // Of a decision that is the right one by the wrong policy, nothing is to be turned.
    let nearest = if by_it || allowed != (effect == Effect::Allow) { nearest(program, query, facts) } else { None };
    Some(Wrong { sentence, explanation, nearest })
}
