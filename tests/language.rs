//! The meaning of the language, as data: `tests/language/*.toml` hold conditions and what they are worth,
//! `operators.txt` every operator with every pair of types, and `diagnostics/*.policy` mistakes, each beside a snapshot
//! of what is said about it.

mod diagnostics;
mod guide;
mod operators;

use std::sync::Arc;

use serde::Deserialize;
use sidegate::engine::builtins;
use sidegate::engine::{Program, RawFile, Reveal, compile, decide, explain, shadows};
use sidegate::lang::render;
use sidegate::model::{Action, Entity, Facts, Given, Object, Query, Stored};

use crate::support::root;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    /// The stored user of every case that has none of its own.
    user: Option<String>,
    case: Vec<Case>,
}

/// A condition and what it is worth. Facts are JSON, as in `sidegate eval`; without them, everything is reachable
/// and nothing is stored, but `subject`, `action`, `resource` and `context` are as in the first case of `paths.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    when: String,
    is: Truth,
    /// The stored user as JSON, or `unreachable`, or `nobody`; the file's if left out.
    user: Option<String>,
    /// Stored attributes of the resource, or `unreachable`.
    resource: Option<String>,
    /// What the request says.
    properties: Option<String>,
    context: Option<String>,
    subject_type: Option<String>,
    now: Option<String>,
    zone: Option<String>,
    /// `let`s to go with it.
    lets: Option<String>,
}

#[derive(Deserialize, Debug, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Truth {
    True,
    False,
    Unknown,
}

fn program(text: &str, zone: Option<&str>) -> Result<Arc<Program>, String> {
    let mut files = vec![RawFile { name: "a.policy".to_owned(), content: Ok(text.as_bytes().to_vec()) }];
    if let Some(zone) = zone {
        let settings = format!("{{\"timeZone\": \"{zone}\"}}").into_bytes();
        files.push(RawFile { name: "tenant.json".to_owned(), content: Ok(settings) });
    }
    let compiled = compile(files, &Arc::default());
    compiled.program.clone().ok_or_else(|| rendered(&compiled))
}

fn rendered(compiled: &sidegate::engine::Compiled) -> String {
    let mut out = codespan_reporting::term::termcolor::NoColor::new(Vec::new());
    render(&mut out, &compiled.sources, &compiled.diagnostics).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

/// What a condition is asked about.
#[derive(Default)]
struct Asked<'a> {
    user: Stored<'a>,
    resource: Stored<'a>,
    login: Stored<'a>,
    token: Option<&'a Object<'a>>,
    properties: Object<'a>,
    context: Object<'a>,
    subject_type: Option<&'a str>,
    now: Option<&'a str>,
    zone: Option<&'a str>,
    lets: &'a str,
}

/// The truth of a condition shows in what an allow and a deny with it do: the deny applies to true and unknown,
/// the allow to true alone.
fn worth(when: &str, asked: &Asked<'_>) -> Result<Truth, String> {
    let Asked { user, resource, login, token, properties, context, subject_type, now, zone, lets } = asked;
    let policies = format!(
        "{lets}\nallow yes {{ action \"allow\" resource any when {when} }}\n\
         allow otherwise {{ action \"deny\" resource any }}\ndeny no {{ action \"deny\" resource any when {when} }}\n",
    );
    let program = program(&policies, *zone)?;
    let facts = Facts { user: *user, resource: *resource, login: *login, token: *token, ..Facts::default() };
    let ask = |action: &'static str| {
        let kind = subject_type.unwrap_or("user");
        let query = Query {
            subject: Entity { kind: kind.into(), id: "alice".into(), properties: properties.clone() },
            action: Action { name: action.into(), properties: properties.clone() },
            resource: Entity { kind: "report".into(), id: "7".into(), properties: properties.clone() },
            context: context.clone(),
            now: now.unwrap_or("2026-01-07T12:34:56Z").parse().unwrap(),
        };
        let decision = decide(&program, &query, &facts).is_allow();
        let explained = explain(&program, &query, &facts, Reveal::Sensitive).decision.is_allow();
        assert_eq!(explained, decision, "an explanation never disagrees");
        decision
    };
    Ok(match (ask("allow"), ask("deny")) {
        (true, false) => Truth::True,
        (false, true) => Truth::False,
        (false, false) => Truth::Unknown,
        (true, true) => panic!("{when}: granted, and not denied"),
    })
}

/// What the condition of a case is worth.
fn truth(case: &Case) -> Result<Truth, String> {
    let object = |text: &Option<String>| -> Object<'static> {
        let text = text.as_deref().unwrap_or("{}");
        Object::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).into_owned()
    };
    let (user, resource) = (given(&case.user), given(&case.resource));
    let asked = Asked {
        user: user.stored(),
        resource: resource.stored(),
        login: Stored::Absent,
        token: None,
        properties: object(&case.properties),
        context: object(&case.context),
        subject_type: case.subject_type.as_deref(),
        now: case.now.as_deref(),
        zone: case.zone.as_deref(),
        lets: case.lets.as_deref().unwrap_or(""),
    };
    worth(&case.when, &asked)
}

fn given(text: &Option<String>) -> Given<'static> {
    match text.as_deref() {
        None | Some("nobody") => Given::Absent,
        Some("unreachable") => Given::Unreachable,
        Some(text) => Given::Present(Object::parse(text).unwrap().into_owned()),
    }
}

#[test]
fn conditions_are_worth_what_the_cases_say() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("tests/language")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Cases = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for mut case in cases.case {
            count += 1;
            case.user = case.user.or_else(|| cases.user.clone());
            let found = truth(&case);
            if found.as_ref() != Ok(&case.is) {
                let name = path.file_name().unwrap().display().to_string();
                wrong.push(format!("{name}: {} is {found:?}, and should be {:?}", case.when, case.is));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "all cases were read: {count}");
}

#[test]
fn examples_of_functions_are_true() {
    for builtin in builtins::ALL {
        assert!(!builtin.examples.is_empty(), "{}", builtin.name);
        for example in builtin.examples {
            let case: Case = toml::from_str(&format!("when = '''{example}'''\nis = \"true\"")).unwrap();
            assert_eq!(truth(&case), Ok(Truth::True), "{}: {example}", builtin.name);
        }
    }
}

#[test]
fn shadow_policies_are_watched_and_never_counted() {
    let text = r#"
        allow a { action any resource any }
        shadow deny stricter { action any resource any when user.traits.nobody == 1 }
        shadow allow laxer { action "other" resource any }
        let shadow = true
    "#;
    let program = program(text, None).unwrap();
    let query = |action: &'static str| Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action { name: action.into(), ..Action::default() },
        resource: Entity::default(),
        context: Object::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let facts = Facts::default();
    assert!(decide(&program, &query("read"), &facts).is_allow());
    assert_eq!(shadows(&program, &query("read"), &facts), ["stricter"]);
    assert_eq!(shadows(&program, &query("other"), &facts), ["stricter", "laxer"]);
    assert_eq!(explain(&program, &query("read"), &facts, Reveal::Sensitive).policies, ["a"]);
}

#[test]
fn what_goes_too_deep_is_refused_at_once_and_never_crashes() {
    let when = |condition: String| program(&format!("allow a {{ action any resource any when {condition} }}"), None);
    let nested = |open: &str, depth: usize, inner: &str, close: &str| {
        when(format!("{}{inner}{}", open.repeat(depth), close.repeat(depth)))
    };
    let started = std::time::Instant::now();
    for (open, close) in [("(", ")"), ("NOT ", ""), ("NOT (", ")")] {
        let per_level = if open.len() == 5 { 2 } else { 1 };
        assert!(nested(open, 64 / per_level, "true", close).is_ok(), "{open}");
        let refused = nested(open, 64 / per_level + 1, "true", close).unwrap_err();
        assert!(refused.contains("E005"), "{refused}");
        assert!(nested(open, 20_000, "true", close).unwrap_err().contains("E005"), "{open}");
    }
    assert!(nested("[", 20_000, "", "").unwrap_err().contains("E005"));
    assert!(when(vec!["user.traits.a"; 65].join(" ?? ") + " == 1").is_ok());
    assert!(when(vec!["user.traits.a"; 66].join(" ?? ") + " == 1").unwrap_err().contains("E005"));
    assert!(when(vec!["true"; 20_000].join(" AND ")).is_ok(), "long and flat is not deep");
    assert!(when(format!("user{} == 1", ".a".repeat(256))).is_ok());
    assert!(when(format!("user{} == 1", ".a".repeat(257))).unwrap_err().contains("E021"));
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn lets_are_shared_never_copied_out_and_bounded() {
    let chain = |length: usize, link: &str| {
        let mut text = String::from("let a0 = user.traits.a == 1\n");
        for number in 1..=length {
            let link = link.replace('@', &format!("a{}", number - 1));
            text.push_str(&format!("let a{number} = {link}\n"));
        }
        text + &format!("allow a {{ action any resource any when a{length} }}")
    };
    // Two to the power of fifty evaluations, if they were copied out.
    let program = program(&chain(50, "@ AND (@ OR NOT @)"), None).unwrap();
    let query = Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action::default(),
        resource: Entity::default(),
        context: Object::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let explanation = explain(&program, &query, &Facts::default(), Reveal::Sensitive);
    assert_eq!(explanation.unknowns.len(), 1, "{:?}", explanation.unknowns);
    let refused = |text: &str| self::program(text, None).unwrap_err();
    assert!(refused(&chain(300, "@ AND true")).contains("E022"));
    assert!(refused(&chain(30_000, "@")).contains("E022"), "a chain of names is one of `let`s, too");
    let backwards: String = (0..30_000).map(|number| format!("let a{number} = a{}\n", number + 1)).collect();
    assert!(refused(&(backwards + "let a30000 = user.traits.a")).contains("E022"));
    assert!(refused(&chain(30, "[@, @]").replace("user.traits.a == 1", "[1]")).contains("E022"));
    let longer = chain(20, &format!("@{}", ".x".repeat(20))).replace("user.traits.a == 1", "user.traits.a");
    assert!(refused(&longer).contains("E021"));
    let values =
        chain(40, "[@, @]").replace("user.traits.a == 1", "[user.traits.a]").replace("when a40", "when a40 == a40");
    assert!(refused(&values).contains("E022"));
}

#[test]
fn one_mistake_hides_no_other_and_floods_nothing() {
    let refused = |text: &str| program(text, None).unwrap_err();
    let shown = refused("let a = 'x'\nlet b = ]\nlet c = true true\nlet d = in\nallow p { when }\n");
    for place in [":1:9", ":2:9", ":3:14", ":4:9", ":5:16"] {
        assert!(shown.contains(&format!("a.policy{place}")), "{place}: {shown}");
    }
    let many: String = (0..10_000).map(|number| format!("let m{number} = 01 ")).collect();
    let shown = refused(&many);
    assert!(shown.contains("and 9900 more like these"), "{}", &shown[shown.len() - 300..]);
    assert!(shown.len() < 50_000, "{}", shown.len());
    let long = "x".repeat(200_000);
    assert!(refused(&format!("let {long}y = true\nlet b = {long}")).contains("E012"));
    let names = |prefix: &str| (0..20_000).map(|n| format!("\"{prefix}{n}\"")).collect::<Vec<_>>().join(", ");
    let product = format!("allow a {{ action {} resource {} }}", names("a"), names("r"));
    assert!(refused(&product).contains("E024"));
    assert!(refused("# a comment\rdeny hidden { action any resource any }").contains("E001"));
}

#[test]
fn an_explanation_names_only_what_made_it_unknown() {
    let unknowns = |when: &str, properties: &str| {
        let program = program(&format!("allow a {{ action any resource any when {when} }}"), None).unwrap();
        let query = Query {
            subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
            action: Action::default(),
            resource: Entity { properties: Object::parse(properties).unwrap(), ..Entity::default() },
            context: Object::new(),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let facts = Facts::default();
        let explanation = explain(&program, &query, &facts, Reveal::Sensitive);
        let named = explanation.unknowns.iter().map(|unknown| format!("{}: {}", unknown.path, unknown.mend));
        named.collect::<Vec<_>>().join("\n")
    };
    let known = r#"{"x": 5, "yes": true, "text": "t"}"#;
    let only = unknowns("resource.x IN [resource.a, 6] AND resource.yes AND (resource.b == 1 OR true)", known);
    assert!(only.starts_with("resource.a: `resource.a ?? default`") && !only.contains('\n'), "{only}");
    assert!(unknowns("resource.x == resource.text", known).contains("resource.text: its value is not of the type"));
    assert!(unknowns("resource.f ?? \"x\"", known).starts_with("resource.f: its default is not of the type"));
    assert_eq!(unknowns("resource.yes", known), "");
    assert!(unknowns("resource.n == 1", r#"{"n": 9223372036854775808}"#).contains("store it as a string"));
}

#[test]
fn files_are_one_set_whatever_their_line_ends() {
    let file = |name: &str, text: &str| RawFile { name: name.to_owned(), content: Ok(text.as_bytes().to_vec()) };
    let set = compile(
        vec![
            file("b.policy", "\u{feff}allow a {\r\n  action any\r\n  resource any\r\n  when early\r\n}\r\n"),
            file("a.policy", "let early = late\nlet late = true"),
        ],
        &Arc::default(),
    );
    assert!(set.program.is_some(), "{}", rendered(&set));
    let twice = compile(vec![file("b.policy", "let x = true"), file("a.policy", "let x = false")], &Arc::default());
    let shown = rendered(&twice);
    assert!(shown.contains("a.policy:1:5") && shown.contains("b.policy:1:5"), "{shown}");
}
