//! The worst cases that the static limits allow, and the steps that they take.

use std::fmt::Write as _;
use std::sync::Arc;

use super::super::resolve::MAX_STEPS;
use super::super::steps::tests::counted;
use super::super::{Program, RawFile, compile, decide};
use super::MAX_ELEMENTS;
use crate::model::{Action, Entity, Facts, Object, Query, Value};

fn program(text: &str) -> Option<Arc<Program>> {
    let file = RawFile { name: "a.policy".to_owned(), content: Ok(text.as_bytes().to_vec()) };
    compile(vec![file], &Arc::default()).program
}

fn allow(condition: &str) -> Option<Arc<Program>> {
    program(&format!("allow a {{ action any resource any when {condition} }}"))
}

/// The steps of one decision about a resource with these properties.
fn steps(program: &Program, properties: Object<'static>) -> u64 {
    decided(program, properties).1
}

/// Whether it is allowed, and the steps that it took.
fn decided(program: &Program, properties: Object<'static>) -> (bool, u64) {
    let query = Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action::default(),
        resource: Entity { properties, ..Entity::default() },
        context: Object::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    counted(|| decide(program, &query, &Facts::default()).is_allow())
}

fn list(length: usize) -> Value<'static> {
    Value::List((0..length).map(|n| Value::Int(n as i64)).collect())
}

fn with(properties: &[(&str, Value<'static>)]) -> Object<'static> {
    properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Two quantifiers with a condition of so many comparisons, none of which ends the search.
fn nested(comparisons: usize) -> String {
    let inner = vec!["x != y + 5000"; comparisons].join(" AND ");
    format!("any(x IN resource.l: any(y IN resource.l: NOT ({inner})))")
}

#[test]
fn quantifiers_within_each_other_take_no_more_steps_than_is_said() {
    let most = (1..100).take_while(|comparisons| allow(&nested(*comparisons)).is_some()).count();
    assert!((2..20).contains(&most), "{most}");
    let taken = steps(&allow(&nested(most)).unwrap(), with(&[("l", list(MAX_ELEMENTS))]));
    assert!(taken <= 2 * MAX_STEPS, "{taken}");
    assert!(taken > MAX_STEPS / 2, "this is a bad case indeed: {taken}");
}

#[test]
fn longer_lists_are_not_looked_at() {
    let taken = steps(&allow(&nested(1)).unwrap(), with(&[("l", list(MAX_ELEMENTS + 1))]));
    assert!(taken < 10, "{taken}");
    for function in ["union", "intersection", "difference", "subset", "intersects"] {
        let call = format!("{function}(resource.l, resource.l)");
        let program = allow(&format!("{call} == {call}")).unwrap();
        let taken = steps(&program, with(&[("l", list(MAX_ELEMENTS))]));
        let pairs = (MAX_ELEMENTS * MAX_ELEMENTS) as u64;
        assert!(taken < 5 * pairs, "{function}: {taken}");
        let taken = steps(&program, with(&[("l", list(MAX_ELEMENTS + 1))]));
        assert!(taken <= 10, "{function}: {taken}");
    }
    let in_quantifiers = "any(x IN resource.l: any(y IN resource.l: intersects(x.tags, y.tags)))";
    assert!(allow(in_quantifiers).is_none(), "a thousand times a thousand times a thousand");
}

#[test]
fn what_a_let_holds_is_evaluated_once() {
    let mut text = String::from("let a0 = resource.n == 1\n");
    for n in 1..=60 {
        writeln!(text, "let a{n} = a{} AND (a{} OR NOT a{})", n - 1, n - 1, n - 1).unwrap();
    }
    text.push_str("allow a { action any resource any when any(x IN resource.l: NOT a60) }");
    let taken = steps(&program(&text).unwrap(), with(&[("n", Value::Int(1)), ("l", list(MAX_ELEMENTS))]));
    // Seven nodes of each of sixty, and two for each element; not two to the power of sixty.
    assert!(taken < 60 * 7 + 3 * MAX_ELEMENTS as u64, "{taken}");
}

#[test]
fn strings_do_not_grow_beyond_their_bound() {
    for doubled in ["concat(resource.s, resource.s)", "replace(resource.s, \"x\", \"xx\")"] {
        let program = allow(&format!("len({doubled}) > 0")).unwrap();
        let allowed = |length: usize| decided(&program, with(&[("s", Value::Str("x".repeat(length).into()))])).0;
        assert!(allowed(32 << 10) && !allowed((32 << 10) + 1), "{doubled}");
    }
}

#[test]
fn flat_conditions_take_a_step_for_each_part() {
    let flat = vec!["resource.n == 1"; 30_000].join(" AND ");
    let taken = steps(&allow(&flat).unwrap(), with(&[("n", Value::Int(1))]));
    assert!((90_000..130_000).contains(&taken), "{taken}");
    assert!(allow(&vec!["resource.n == 1"; 40_000].join(" AND ")).is_none());
    let taken = steps(&allow("-1 IN resource.l").unwrap(), with(&[("l", list(100_000))]));
    assert!((100_000..100_010).contains(&taken), "{taken}");
}

#[test]
fn a_pattern_looks_for_each_of_its_parts_once() {
    let stars = 5_000;
    let program = allow(&format!("resource.s LIKE \"{}b*c\"", "*a".repeat(stars))).unwrap();
    for text in ["a".repeat(60_000), "a".repeat(60_000) + "c", "ab".repeat(30_000) + "c"] {
        let taken = steps(&program, with(&[("s", Value::Str(text.into()))]));
        assert!(taken <= stars as u64 + 10, "{taken}");
    }
}

/// Regular expressions run in time linear in the text, as their crate promises; what is left to bound is their size.
#[test]
fn regular_expressions_are_bounded() {
    assert!(allow(r#"resource.s MATCHES "(a{1,100}){1,10}""#).is_some());
    assert!(allow(r#"resource.s MATCHES "((a{1,100}){1,100}){1,100}""#).is_none());
    let pattern = "(a?){50}".repeat(50);
    assert!(allow(&format!("resource.s MATCHES \"{pattern}\"")).is_some());
}
