//! `sidegate eval`: a decision from files alone.

use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::authzen::Question;
use crate::engine::{Candidate, Nearest, Reveal, Unknown, compile, explain, nearest, parse_time, shadows, write_tree};
use crate::model::{Bag, Facts, Given, Object, SelfAsserted, Slug, Value};
use crate::service::Clock;

use super::{Usage, input, show};

/// Decide one query: exit status 0 for allow and for deny, 1 if the policies do not compile
#[derive(Args)]
pub(super) struct Eval {
    /// Folder of one tenant's policies, or - for standard input
    folder: PathBuf,
    /// AuthZEN evaluation request, with "now" if the clock shall stand elsewhere; - for standard input
    #[arg(long, value_name = "FILE")]
    query: PathBuf,
    /// {"user": {...}, "resource": {...}, "token": {...}, "login": {...}, "selfAsserted": ["user.company"]}; user,
    /// resource and login are unreachable if left out, but without a file nothing is stored and all is reachable
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// Show values of traits that are defined as sensitive
    #[arg(long)]
    show_sensitive: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    decision: bool,
    reason: String,
    policies: &'a [&'a str],
    unknowns: &'a [Unknown<'a>],
    candidates: &'a [Candidate<'a>],
    more_candidates: usize,
    shadows: &'a [&'a str],
    nearest: Option<&'a Nearest<'a>>,
    policy_revision: &'a str,
}

impl Eval {
    pub(super) fn run(self) -> Result<ExitCode> {
        if self.folder == self.query && self.query == Path::new("-") {
            return Err(Usage("policies and query cannot both come by standard input".to_owned()).into());
        }
        let compiled = compile(input::one_set(&self.folder)?, &Arc::default());
        let Some(program) = &compiled.program else {
            show::refused(&compiled.sources, &compiled.diagnostics, self.json)?;
            return Ok(ExitCode::FAILURE);
        };
        let query_text = read(&self.query)?;
        let refused = |why: &dyn Display| Usage(format!("{}: {why}", self.query.display()));
        let now = match object(&self.query, &query_text)?.remove("now") {
            None => Clock::system().now(),
            Some(value) => {
                time(&value).ok_or_else(|| refused(&"\"now\" must be a time such as 2026-01-07T12:00:00Z"))?
            }
        };
        let question = Question::parse(&query_text).map_err(|error| refused(&error))?;
        let query = question.query(now).map_err(|problem| refused(&problem.detail))?;

        let facts_text = self.facts.as_deref().map(read).transpose()?;
        let given = match (&self.facts, &facts_text) {
            (Some(path), Some(text)) => Some(GivenFacts::read(path, object(path, text)?, &query.subject.id)?),
            _ => None,
        };
        let reveal = if self.show_sensitive { Reveal::Sensitive } else { Reveal::Stored };
        let facts = given.as_ref().map_or_else(Facts::default, GivenFacts::facts);
        let explanation = explain(program, &query, &facts, reveal);
        let nearest = nearest(program, &query, &facts);
        let shadows = shadows(program, &query, &facts);
        let answer = Answer {
            decision: explanation.decision.is_allow(),
            reason: explanation.decision.reason(&query.action.name, &query.resource.kind).to_string(),
            policies: &explanation.policies,
            unknowns: &explanation.unknowns,
            candidates: &explanation.candidates,
            more_candidates: explanation.more_candidates,
            shadows: &shadows,
            nearest: nearest.as_ref(),
            policy_revision: program.revision(),
        };
        if self.json {
            show::line(format_args!("{}", serde_json::to_string_pretty(&answer)?))?;
        } else {
            let (word, reason) = (if answer.decision { "allow" } else { "deny" }, &answer.reason);
            show::line(format_args!("{word}: {reason}"))?;
            show::coloured(|out| write_tree(out, &explanation, nearest.as_ref()))?;
            for name in shadows {
                show::line(format_args!("  shadow {name} would apply; it is logged, and never counted"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Facts from a file. A part that is left out is unreachable; null is a part that is known to be absent.
struct GivenFacts<'a> {
    user: Given<'a>,
    resource: Given<'a>,
    login: Given<'a>,
    token: Option<Object<'a>>,
    self_asserted: Vec<(Bag, Slug)>,
}

impl<'a> GivenFacts<'a> {
    fn read(path: &Path, mut parts: Object<'a>, subject: &str) -> Result<Self> {
        let mut part = |name: &str| match parts.remove(name) {
            None => Ok(Given::Unreachable),
            Some(Value::Null) => Ok(Given::Absent),
            Some(Value::Object(part)) => Ok(Given::Present(part)),
            Some(_) => Err(Usage(format!("{}: \"{name}\" must be an object", path.display()))),
        };
        let (mut user, resource, mut login, token) = (part("user")?, part("resource")?, part("login")?, part("token")?);
        let self_asserted = match parts.remove("selfAsserted") {
            None => Vec::new(),
            Some(fields) => user_fields(&fields).ok_or_else(|| {
                let like = "must be a list of the user's fields, such as [\"user.company\", \"user.traits.tier\"]";
                Usage(format!("{}: \"selfAsserted\" {like}", path.display()))
            })?,
        };
        if let Some((name, _)) = parts.iter().next() {
            let known = "parts are user, resource, token, login and selfAsserted";
            return Err(Usage(format!("{}: there is no part \"{name}\"; {known}", path.display())).into());
        }
        if let Given::Present(user) = &mut user
            && user.get("id").is_none()
        {
            user.set("id", Value::Str(subject.to_owned().into()));
        }
        if let Given::Present(login) = &mut login {
            for name in ["first_at", "last_at"] {
                if let Some(value) = login.get(name) {
                    let time = time(value)
                        .ok_or_else(|| Usage(format!("{}: \"login.{name}\" must be a time", path.display())))?;
                    login.set(name, Value::Time(time));
                }
            }
        }
        let token = match token {
            Given::Present(claims) => Some(claims),
            Given::Absent | Given::Unreachable => None,
        };
        Ok(Self { user, resource, login, token, self_asserted })
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            user: self.user.stored(),
            resource: self.resource.stored(),
            token: self.token.as_ref(),
            login: self.login.stored(),
            self_asserted: SelfAsserted::Listed(&self.self_asserted),
        }
    }
}

/// Fields as policies name them.
fn user_fields(fields: &Value<'_>) -> Option<Vec<(Bag, Slug)>> {
    let field = |name: &Value<'_>| {
        let Value::Str(name) = name else { return None };
        let (bag, slug) = match name.strip_prefix("user.traits.") {
            Some(slug) => (Bag::Traits, slug),
            None => (Bag::Profile, name.strip_prefix("user.")?),
        };
        Some((bag, Slug::parse(slug).ok()?))
    };
    match fields {
        Value::List(fields) => fields.iter().map(field).collect(),
        _ => None,
    }
}

fn time(value: &Value<'_>) -> Option<jiff::Timestamp> {
    match value {
        Value::Str(text) => parse_time(text),
        _ => None,
    }
}

fn read(path: &Path) -> Result<String> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    Ok(read.map_err(|error| Usage(format!("{}: {error}", path.display())))?)
}

fn object<'t>(path: &Path, text: &'t str) -> Result<Object<'t>> {
    Ok(Object::parse(text).map_err(|error| Usage(format!("{}: {error}", path.display())))?)
}
