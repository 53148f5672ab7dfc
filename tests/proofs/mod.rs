//! Proofs of the policy language, as far as tests can be: what the engine answers, compared with a second evaluator
//! that was written from the language's description alone, on policies and facts that nobody would think of.

mod expressions;
mod facts;
mod functions;
mod generate;
mod reference;
mod routes;
mod sets;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestError, TestRunner};
use sidegate::engine::{Program, Reveal, decide, explain, shadows};
use sidegate::model::{Facts, Query};

use crate::support::count;
use facts::{Question, World, questions, worlds};
use reference::Policies;
use sets::{Set, sets};

/// A policy set, and every query asked with all that may be known.
type Case = (Vec<World>, Vec<Question>, Set);

fn cases(many: Range<usize>) -> impl Strategy<Value = Case> {
    (vec(worlds(), many.clone()), vec(questions(), many), sets())
}

fn pairs<'c>(worlds: &'c [World], questions: &'c [Question]) -> impl Iterator<Item = (&'c World, &'c Question)> {
    worlds.iter().flat_map(move |world| questions.iter().map(move |question| (world, question)))
}

/// Runs a test on so many cases: on the same ones in an ordinary run, on new ones in a long run.
fn prove<T: Debug>(cases: usize, strategy: impl Strategy<Value = T>, test: impl Fn(T) -> TestCaseResult) {
    let rng_seed = [RngSeed::Fixed(7), RngSeed::Random][count(0, 1)];
    let config = Config {
        cases: cases as u32,
        failure_persistence: None,
        rng_seed,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    match TestRunner::new(config).run(&strategy, test) {
        Ok(()) => {}
        Err(TestError::Fail(why, input)) => panic!("{why}\nin {input:?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// What the engine answers.
#[derive(Debug, PartialEq)]
struct Answer {
    allow: bool,
    first: Option<String>,
    policies: Vec<String>,
    shadows: Vec<String>,
    /// Candidates whose conditions an explanation blames paths for.
    blamed: BTreeSet<String>,
}

fn ask(program: &Program, query: &Query<'_>, facts: &Facts<'_>) -> Answer {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let decision = decide(program, query, facts);
    let explanation = explain(program, query, facts, Reveal::Sensitive);
    assert_eq!(explanation.decision, decision, "an explanation never disagrees");
    Answer {
        allow: decision.is_allow(),
        first: decision.policy().map(|policy| policy.name.to_owned()),
        policies: owned(explanation.policies),
        shadows: owned(shadows(program, query, facts)),
        blamed: explanation.unknowns.iter().map(|unknown| unknown.policy.to_owned()).collect(),
    }
}

/// How often something happened: a test whose cases are all alike shows nothing.
#[derive(Default)]
struct Tally(RefCell<BTreeMap<&'static str, usize>>);

impl Tally {
    fn count(&self, what: &'static str) {
        *self.0.borrow_mut().entry(what).or_default() += 1;
    }

    /// Per cent of the first among all of them.
    fn share(&self, of: &[&str]) -> usize {
        let counts = self.0.borrow();
        let number = |what: &&str| counts.get(what).copied().unwrap_or(0);
        100 * number(&of[0]) / of.iter().map(number).sum::<usize>().max(1)
    }
}

#[test]
fn two_evaluators_agree() {
    let tally = Tally::default();
    prove(count(700, 10_000), cases(1..12), |(worlds, questions, set)| {
        let compiled = set.compile();
        let Some(program) = &compiled.program else {
            tally.count("refused");
            return Ok(());
        };
        tally.count("compiled");
        let policies = Policies::of(&compiled);
        for (world, question) in pairs(&worlds, &questions) {
            let (query, facts) = (&question.0, world.facts(&question.0));
            let found = ask(program, query, &facts);
            let expected = policies.answer(query, &world.written(query));
            tally.count(if expected.allow { "allow" } else { "deny" });
            let mut blamed = BTreeSet::new();
            for (name, condition) in expected.conditions {
                tally.count(match condition {
                    Some(true) => "true",
                    Some(false) => "false",
                    None => "unknown",
                });
                // What fails by itself may have no path to blame.
                let may_be_silent = expected.fail_by_themselves.contains(&name) && !found.blamed.contains(&name);
                if condition.is_none() && !may_be_silent {
                    blamed.insert(name);
                }
            }
            let (allow, first) = (expected.allow, expected.policies.first().cloned());
            let expected = Answer { allow, first, policies: expected.policies, shadows: expected.shadows, blamed };
            prop_assert_eq!(found, expected, "engine and reference, asked{:?}\nknowing{:?}\n", question, world);
        }
        Ok(())
    });
    assert!(tally.share(&["refused", "compiled"]) < 20, "{:?}", tally.0);
    assert!(tally.share(&["allow", "deny"]) >= 10, "{:?}", tally.0);
    for truths in [["true", "false", "unknown"], ["false", "true", "unknown"], ["unknown", "true", "false"]] {
        assert!(tally.share(&truths) >= 10, "{truths:?}: {:?}", tally.0);
    }
}

#[test]
fn neither_order_nor_formatting_changes_a_decision() {
    prove(count(150, 1_500), cases(1..6), |(worlds, questions, set)| {
        let Some(program) = set.compile().program else { return Ok(()) };
        let changes = [
            ("mirrored", set.mirrored().compile()),
            ("reversed", set.reversed().compile()),
            ("moved", set.moved().compile()),
            ("formatted", set.compile_formatted()),
        ];
        for (change, changed) in changes {
            let other = changed.program.expect("it compiled before");
            for (world, question) in pairs(&worlds, &questions) {
                let (query, facts) = (&question.0, world.facts(&question.0));
                let (before, after) = (ask(&program, query, &facts), ask(&other, query, &facts));
                prop_assert_eq!(before, after, "{}, asked{:?}\nknowing{:?}\n", change, question, world);
            }
        }
        Ok(())
    });
}

#[test]
fn an_unknown_never_grants() {
    let tally = Tally::default();
    prove(count(300, 3_000), cases(1..6), |(worlds, questions, set)| {
        let Some(program) = set.compile().program else { return Ok(()) };
        for (world, question) in pairs(&worlds, &questions) {
            let allows = |world: &World| decide(&program, &question.0, &world.facts(&question.0)).is_allow();
            let known = allows(world);
            for outage in world.outages() {
                let unknown = allows(&outage);
                tally.count(match (known, unknown) {
                    (true, true) => "still allowed",
                    (true, false) => "no longer allowed",
                    (false, _) => "denied",
                });
                prop_assert!(known || !unknown, "granted to{:?}\nin{:?}\nbut not in{:?}", question, outage, world);
            }
        }
        Ok(())
    });
    for outcome in [["still allowed", "no longer allowed"], ["no longer allowed", "still allowed"]] {
        assert!(tally.share(&outcome) >= 5, "{:?}", tally.0);
    }
}
