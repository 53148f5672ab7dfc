//! From bytes to a decision: whatever the files of a set hold, nothing panics, every finding can be shown, an explanation
//! agrees with the decision, and an outage grants nothing.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::sync::Arc;

use codespan_reporting::term::termcolor::NoColor;
use sidegate::authzen::Question;
use sidegate::engine::{
    Program, Reveal, Target, compile, decide, explain, nearest, parse_time, run_tests, shadows, warnings, write_tree,
};
use sidegate::lang::{Diagnostic, Source, Sources};
use sidegate::model::{Definitions, Facts, Object, Query};
use sidegate_fuzz::{Input, World, check_diagnostics};

sidegate_fuzz::target!(check);

fn check(data: &[u8]) {
    let input = Input::new(data);
    let mut compiled = compile(input.policies, &Arc::default());
    let refused = compiled.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(compiled.program.is_none(), refused, "a set is refused for an error, and for nothing else");
    warnings(&mut compiled);
    check_diagnostics(&compiled.sources, &compiled.diagnostics);
    let Some(program) = &compiled.program else { return };
    check_tests(program, &compiled.definitions, input.tests);
    input.requests.lines().for_each(|request| check_request(program, request));
    let Some(text) = input.query else { return };
    let Ok(object) = Object::parse(text) else { return };
    let now = object.get("now").and_then(|now| parse_time(&now.to_text())).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let question = Question::parse(text).expect("what is an object is a question");
    let Ok(query) = question.query(now) else { return };
    match input.facts.and_then(World::read) {
        Some(world) => check_outages(program, &query, &world),
        None => drop(check_query(program, &query, &Facts::default())),
    }
}

fn check_tests(program: &Program, definitions: &Definitions, tests: Vec<Source>) {
    let sources = Sources::new(tests);
    match run_tests(program, definitions, &sources) {
        Ok(report) => assert!(report.one_sided.len() <= report.conditions && report.uncovered.len() <= report.policies),
        Err(diagnostics) => check_diagnostics(&sources, &diagnostics),
    }
}

fn check_request(program: &Program, request: &str) {
    let mut words = request.split(' ');
    let (Some(method), Some(host), Some(path)) = (words.next(), words.next(), words.next()) else { return };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let target = Target { method, host: Some(host), segments: &segments };
    if let Some(routed) = program.routes().find(target) {
        assert!(!routed.id.is_empty() && !program.sources().text(routed.site).is_empty());
    }
}

fn check_outages(program: &Program, query: &Query<'_>, world: &World<'_>) {
    let known = check_query(program, query, &world.facts(query));
    for outage in world.outages() {
        let unknown = check_query(program, query, &outage.facts(query));
        assert!(known || !unknown, "an outage grants nothing");
    }
}

/// Whether the query is allowed.
fn check_query(program: &Program, query: &Query<'_>, facts: &Facts<'_>) -> bool {
    let decision = decide(program, query, facts);
    let explanation = explain(program, query, facts, Reveal::Sensitive);
    assert_eq!(explanation.decision, decision, "an explanation agrees with the decision");
    assert_eq!(explanation.policies.first().copied(), decision.policy().map(|policy| policy.name));
    let effect = if decision.is_allow() { "allow" } else { "deny" };
    let applying = explanation.candidates.iter().filter(|candidate| candidate.applies && candidate.effect == effect);
    let applying: Vec<&str> = applying.map(|candidate| candidate.policy).collect();
    assert!(explanation.more_candidates > 0 || applying == explanation.policies, "{applying:?}");
    let nearest = nearest(program, query, facts);
    assert!(nearest.as_ref().is_none_or(|nearest| nearest.decision != decision.is_allow()));
    for reveal in [Reveal::Request, Reveal::Stored, Reveal::Sensitive] {
        let explanation = explain(program, query, facts, reveal);
        serde_json::to_string(&(&explanation.candidates, &explanation.unknowns)).expect("it can be written as JSON");
        write_tree(&mut NoColor::new(Vec::new()), &explanation, nearest.as_ref()).expect("it can be shown");
    }
    let _ = (shadows(program, query, facts), decision.reason("read", "report").to_string());
    decision.is_allow()
}
