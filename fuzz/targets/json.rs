//! JSON from outside: queries, values, definitions, settings and rules. What is accepted is the same when it is written
//! and read again.

#![cfg_attr(feature = "libfuzzer", no_main)]

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sidegate::authzen::Question;
use sidegate::engine::{RawFile, compile};
use sidegate::model::{Definition, Definitions, Object, ProfilingSettings, Rule, TenantSettings, UserRecord, Value};
use sidegate::profiling::{RuleSet, Visit, verdicts};
use sidegate_fuzz::check_diagnostics;

sidegate_fuzz::target!(check);

fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    check_values(text);
    check_files(text);
    let _ = again::<TenantSettings>(text);
    let _ = again::<ProfilingSettings>(text);
    let definitions = again::<Vec<Definition>>(text).unwrap_or_default();
    definitions.iter().for_each(check_definition);
    if let Some(rules) = again::<Vec<Rule>>(text) {
        check_rules(rules);
    }
}

/// What was read, if it comes out the same when it is written and read again.
fn again<T: Debug + PartialEq + Serialize + for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    let read: T = serde_json::from_str(text).ok()?;
    let written = serde_json::to_string(&read).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<T>(&written).expect("what was written can be read"), read, "{written}");
    Some(read)
}

/// Objects and values; but an integer beyond 64 bits is a double once it is written, and is never stored.
fn check_values(text: &str) {
    if let Ok(value) = Value::parse(text)
        && !value.holds_oversized()
    {
        assert_eq!(Value::parse(&serde_json::to_string(&value).expect("it can be written")).ok(), Some(value));
    }
    let question = Question::parse(text);
    let Ok(object) = Object::parse(text) else {
        assert!(question.is_err(), "a question is an object whose keys are there once");
        return;
    };
    check_question(question.expect("an object is a question, if not a good one"), &object);
    for (place, (key, value)) in object.iter().enumerate() {
        assert_eq!(object.get(key), Some(value), "a key is found");
        assert!(object.iter().take(place).all(|(other, _)| other != key), "a key is there once");
    }
    let mut shorter = object.clone();
    object.iter().for_each(|(key, value)| assert_eq!(shorter.remove(key).as_ref(), Some(value)));
}

/// A question is what a plain reading of the object says.
fn check_question(question: Question<'_>, object: &Object<'_>) {
    let Ok(query) = question.query(jiff::Timestamp::UNIX_EPOCH) else { return };
    let member = |name: &str, member: &str| match object.get(name) {
        Some(Value::Object(entity)) => entity.get(member).cloned(),
        other => panic!("{name} is {other:?}"),
    };
    let text = |text: &str| Some(Value::Str(text.to_owned().into()));
    let properties = |of: Object<'_>, name: &str| match member(name, "properties") {
        None => assert!(of.is_empty()),
        plain => assert_eq!(Some(Value::Object(of)), plain),
    };
    for (name, entity) in [("subject", query.subject), ("resource", query.resource)] {
        assert_eq!((member(name, "type"), member(name, "id")), (text(&entity.kind), text(&entity.id)));
        properties(entity.properties, name);
    }
    assert_eq!(member("action", "name"), text(&query.action.name));
    properties(query.action.properties, "action");
    match object.get("context") {
        None => assert!(query.context.is_empty()),
        plain => assert_eq!(Some(&Value::Object(query.context)), plain),
    }
}

/// The files that are JSON, as part of a set.
fn check_files(text: &str) {
    for name in ["tenant.json", "traits.json"] {
        let file = |name: &str, text: &str| RawFile { name: name.to_owned(), content: Ok(text.into()) };
        let policy = "allow a { action any resource any when user.traits.plan == \"pro\" AND env.hour < 9 }";
        let compiled = compile(vec![file("a.policy", policy), file(name, text)], &Arc::default());
        check_diagnostics(&compiled.sources, &compiled.diagnostics);
    }
}

fn check_definition(definition: &Definition) {
    if definition.check_itself().is_err() {
        return;
    }
    for value in definition.allowed_values.iter().chain(&definition.default) {
        assert_eq!(definition.check(value), Ok(()), "a definition that makes sense takes its own values");
        let _ = definition.read(&value.to_text());
    }
}

fn check_rules(rules: Vec<Rule>) {
    let definitions = Definitions::default();
    let Ok(rules) = RuleSet::compile(rules, &definitions, &TenantSettings::default(), None) else { return };
    let login = [("count", Value::Int(3)), ("first_at", Value::Time(jiff::Timestamp::UNIX_EPOCH))];
    let login: Object<'_> = login.into_iter().collect();
    let traits = Object::parse(r#"{"plan": "pro", "n": 3}"#).expect("an object").into_owned();
    let record = UserRecord::new("alice", traits);
    let states = HashMap::new();
    let visit = Visit {
        user: "alice",
        record: &record,
        login: (&login).into(),
        states: &states,
        login_id: "login",
        client: rules.rules.first().and_then(|rule| rule.rule.client.as_deref()),
        prompted: 0,
        access: None,
        now: jiff::Timestamp::MAX,
    };
    let settings = ProfilingSettings { enabled: true, max_prompts_per_login: 1 };
    assert_eq!(verdicts(&rules, settings, &visit).len(), rules.rules.len());
}
