//! Tests of policies: facts and expectations in the policy language itself, run against the set beside them.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::lang::ast::{Data, DataKind, Effect, File, ItemKind, Name, Test, TestPartKind, Text};
use crate::lang::{self, Code, Diagnostic, Site, SourceId, Sources, Span};
use crate::model::{Action, Entity, Facts, Object, Query, Stored, Value};

use super::resolve::number;
use super::{Program, explain};

/// Without `env.time`, the clock of a test stands here: a Wednesday noon.
const NOON: &str = "2026-01-07T12:00:00Z";

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The name of the test.
    pub test: String,
    /// What was expected, as it was written.
    pub expected: String,
    /// Where.
    pub site: Site,
    /// What came out instead, and why; `None` if it is as expected.
    pub wrong: Option<String>,
}

/// The outcomes of all tests, and which policies decided in one of them.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were written.
    pub outcomes: Vec<Outcome>,
    /// Policies that no test has seen decide.
    pub uncovered: Vec<String>,
}

/// Runs the tests in `sources` against a program.
///
/// # Errors
/// What is wrong with the tests themselves.
pub fn run_tests(program: &Program, sources: &Sources) -> Result<Report, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut report = Report::default();
    let mut covered = BTreeSet::new();
    for (id, source) in sources.iter() {
        let (File { items, .. }, findings) = lang::parse(id, source);
        diagnostics.extend(findings);
        for item in items {
            match item.kind {
                ItemKind::Test(test) => match Prepared::new(id, &test) {
                    Ok(prepared) => prepared.run(program, sources, &test, &mut report, &mut covered),
                    Err(diagnostic) => diagnostics.push(*diagnostic),
                },
                ItemKind::Let(declared) => diagnostics.push(misplaced(id, declared.name.span)),
                ItemKind::Policy(policy) => diagnostics.push(misplaced(id, policy.name.span)),
                ItemKind::Route(route) => diagnostics.push(misplaced(id, route.path.span)),
            }
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let counted = program.policies.iter().filter(|policy| !policy.shadow).map(|policy| policy.name.to_string());
    report.uncovered = counted.filter(|name| !covered.contains(name)).collect();
    Ok(report)
}

fn misplaced(source: SourceId, span: Span) -> Diagnostic {
    let site = Site { source, span };
    let message = "a test file holds tests and nothing else";
    Diagnostic::error(Code::BadTest, site, message).help("declare it in a file that does not end in _test.policy")
}

/// A test with its data read.
struct Prepared {
    source: SourceId,
    user: Part,
    resource_stored: Part,
    login: Part,
    token: Option<Object<'static>>,
    subject: Object<'static>,
    env: Object<'static>,
    now: jiff::Timestamp,
}

enum Part {
    Present(Object<'static>),
    Absent,
    Unreachable,
}

impl Part {
    fn stored(&self) -> Stored<'_> {
        match self {
            Part::Present(object) => Stored::Present(object),
            Part::Absent => Stored::Absent,
            Part::Unreachable => Stored::Unreachable,
        }
    }
}

impl Prepared {
    fn new(source: SourceId, test: &Test) -> Result<Self, Box<Diagnostic>> {
        let mut prepared = Self {
            source,
            user: Part::Absent,
            resource_stored: Part::Absent,
            login: Part::Absent,
            token: None,
            subject: Object::new(),
            env: Object::new(),
            now: NOON.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        };
        for part in &test.parts {
            match &part.kind {
                TestPartKind::Facts(name, data) => prepared.take(name, object(source, data)?)?,
                TestPartKind::Unreachable(name) => match name.text.as_str() {
                    "user" => prepared.user = Part::Unreachable,
                    "resource" => prepared.resource_stored = Part::Unreachable,
                    "login" => prepared.login = Part::Unreachable,
                    _ => return Err(prepared.unknown(name, "user, resource and login can be unreachable")),
                },
                TestPartKind::Expect { .. } => {}
            }
        }
        Ok(prepared)
    }

    fn take(&mut self, name: &Name, mut data: Object<'static>) -> Result<(), Box<Diagnostic>> {
        match name.text.as_str() {
            "user" => self.user = Part::Present(data),
            "resource" => self.resource_stored = Part::Present(data),
            "subject" => self.subject = data,
            "token" => self.token = Some(data),
            "login" => {
                for field in ["first_at", "last_at"] {
                    if let Some(at) = data.get(field).and_then(moment) {
                        data.set(field, Value::Time(at));
                    }
                }
                self.login = Part::Present(data);
            }
            "env" => {
                if let Some(time) = data.remove("time") {
                    let help = "env.time is a time such as 2026-01-07T12:00:00Z";
                    self.now = moment(&time).ok_or_else(|| self.unknown(name, help))?;
                }
                self.env = data;
            }
            _ => return Err(self.unknown(name, "there are user, subject, resource, env, token and login")),
        }
        Ok(())
    }

    fn unknown(&self, name: &Name, help: &str) -> Box<Diagnostic> {
        let site = Site { source: self.source, span: name.span };
        let message = format!("`{}` is not as a test can have it", name.text);
        Box::new(Diagnostic::error(Code::BadTest, site, message).help(help))
    }

    fn run(
        &self,
        program: &Program,
        sources: &Sources,
        test: &Test,
        report: &mut Report,
        covered: &mut BTreeSet<String>,
    ) {
        for part in &test.parts {
            let TestPartKind::Expect { effect, action, resource, by } = &part.kind else { continue };
            let wrong = self.ask(program, *effect, action, resource, by.as_ref(), covered);
            let site = Site { source: self.source, span: action.span };
            let expected = sources.line(site).trim().to_owned();
            report.outcomes.push(Outcome { test: test.name.text.clone(), expected, site, wrong });
        }
    }

    /// What is wrong with what comes out, if something is.
    fn ask(
        &self,
        program: &Program,
        effect: Effect,
        action: &Text,
        resource: &Text,
        by: Option<&Name>,
        covered: &mut BTreeSet<String>,
    ) -> Option<String> {
        let text = |object: &Object<'static>, name: &str| match object.get(name) {
            Some(Value::Str(text)) => Some(text.to_string()),
            _ => None,
        };
        let own_id = match &self.user {
            Part::Present(user) => text(user, "id"),
            _ => None,
        };
        let id = text(&self.subject, "id").or(own_id).unwrap_or_else(|| "test".to_owned());
        let mut user = match &self.user {
            Part::Present(user) => user.clone(),
            _ => Object::new(),
        };
        user.set("id", Value::Str(id.clone().into()));
        let query = Query {
            subject: Entity {
                kind: text(&self.subject, "type").unwrap_or_else(|| "user".to_owned()).into(),
                id: id.into(),
                properties: self.subject.clone(),
            },
            action: Action { name: action.text.as_str().into(), properties: Object::new() },
            resource: Entity { kind: resource.text.as_str().into(), id: "test".into(), properties: Object::new() },
            context: self.env.clone(),
            now: self.now,
        };
        let user = match &self.user {
            Part::Present(_) => Stored::Present(&user),
            other => other.stored(),
        };
        let facts = Facts {
            user,
            resource: self.resource_stored.stored(),
            login: self.login.stored(),
            token: self.token.as_ref(),
            self_asserted: &[],
        };
        let explanation = explain(program, &query, &facts);
        covered.extend(explanation.policies.iter().map(|name| (*name).to_owned()));
        let allowed = explanation.decision.is_allow();
        let by_it = by.is_none_or(|by| explanation.policies.contains(&by.text.as_str()));
        if allowed == (effect == Effect::Allow) && by_it {
            return None;
        }
        let came = if allowed { "allow" } else { "deny" };
        let reason = explanation.decision.reason(&action.text, &resource.text);
        let policies =
            if explanation.policies.is_empty() { "no policy".to_owned() } else { explanation.policies.join(", ") };
        let unknowns: Vec<String> = explanation
            .unknowns
            .iter()
            .map(|unknown| format!("\n    unknown in {}: {}", unknown.policy, unknown.path))
            .collect();
        Some(format!("it was {came} by {policies}: {reason}{}", unknowns.concat()))
    }
}

fn moment(value: &Value<'_>) -> Option<jiff::Timestamp> {
    match value {
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

fn object(source: SourceId, data: &Data) -> Result<Object<'static>, Box<Diagnostic>> {
    match value(source, data)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Object::new()),
    }
}

fn value(source: SourceId, data: &Data) -> Result<Value<'static>, Box<Diagnostic>> {
    let site = Site { source, span: data.span };
    Ok(match &data.kind {
        DataKind::Text(text) => Value::Str(text.clone().into()),
        DataKind::Bool(truth) => Value::Bool(*truth),
        DataKind::Number(text) => {
            number(text).map_err(|(why, help)| Box::new(Diagnostic::error(Code::BadNumber, site, why).help(help)))?
        }
        DataKind::List(items) => Value::List(items.iter().map(|item| value(source, item)).collect::<Result<_, _>>()?),
        DataKind::Object(members) => {
            let member = |(key, data): &(SmolStr, Data)| Ok((key.to_string(), value(source, data)?));
            let read: Vec<(String, Value<'static>)> =
                members.iter().map(member).collect::<Result<_, Box<Diagnostic>>>()?;
            let twice = read
                .iter()
                .enumerate()
                .find(|(place, (key, _))| read.iter().take(*place).any(|(other, _)| other == key));
            if let Some((_, (key, _))) = twice {
                let message = format!("the key `{key}` is given twice");
                return Err(Box::new(Diagnostic::error(Code::BadTest, site, message).help("leave one of them out")));
            }
            Value::Object(read.into_iter().collect())
        }
    })
}
