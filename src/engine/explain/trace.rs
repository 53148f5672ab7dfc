//! A condition taken apart: what each part came to, and the values that it read.

use std::borrow::Cow;
use std::collections::HashSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::lang::Site;
use crate::model::{Query, Value};

use super::super::check::field_of;
use super::super::eval::Evaluation;
use super::super::path::{Lookup, Path, Step};
use super::super::program::{Node, NodeId, Program};
use super::super::read::Read;
use super::Reveal;

/// One explanation takes so many parts apart.
const MAX_PARTS: usize = 10_000;

/// Parts are shown up to so many characters.
const MAX_TEXT: usize = 160;

/// Values are shown up to so many bytes of JSON.
const MAX_VALUE: usize = 1000;

/// A condition, or a part of one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Trace<'p> {
    /// As it was written, on one line.
    pub text: String,
    /// What it came to.
    pub is: Truth,
    /// The values that it read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Fact<'p>>,
    /// What it consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Trace<'p>>,
    /// Its place.
    #[serde(skip)]
    pub site: Site,
}

/// True, false, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth(pub Option<bool>);

impl Truth {
    /// As a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self.0 {
            Some(true) => "true",
            Some(false) => "false",
            None => "unknown",
        }
    }
}

impl JsonSchema for Truth {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Truth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["true", "false", "unknown"] })
    }
}

impl Serialize for Truth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What stood at a path.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fact<'p> {
    /// The path.
    pub path: &'p str,
    /// `present`, `absent`, `unreachable`, or `unusable` for an integer beyond 64 bits.
    pub state: &'static str,
    /// The value; none if there is none, or if it is not for these eyes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value<'static>>,
    /// Whether there is one that is not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

/// Takes conditions apart.
pub(super) struct Tracer<'p, 'q> {
    program: &'p Program,
    query: &'q Query<'q>,
    reveal: Reveal,
    /// `let`s that were taken apart: each is once, however many ways lead to it.
    seen: HashSet<NodeId>,
    room: usize,
}

impl<'p, 'q> Tracer<'p, 'q> {
    pub(super) fn new(program: &'p Program, query: &'q Query<'q>, reveal: Reveal) -> Self {
        Self { program, query, reveal, seen: HashSet::new(), room: MAX_PARTS }
    }

    pub(super) fn trace<'d>(&mut self, evaluation: &mut Evaluation<'d>, id: NodeId) -> Trace<'p>
    where
        'p: 'd,
    {
        let program = self.program;
        self.room = self.room.saturating_sub(1);
        let site = program.sites.get(id.0 as usize).copied().unwrap_or_default();
        let is = Truth(evaluation.truth(id));
        let below: Vec<NodeId> = match program.node(id) {
            _ if self.room == 0 => Vec::new(),
            Some(Node::And(run) | Node::Or(run)) => program.children(*run).to_vec(),
            Some(Node::Not(inner)) => vec![*inner],
            Some(Node::Shared(_, inner)) if self.seen.insert(id) => vec![*inner],
            _ => Vec::new(),
        };
        let parts: Vec<Trace<'p>> = below.into_iter().map(|part| self.trace(evaluation, part)).collect();
        let is_leaf = parts.is_empty() && !matches!(program.node(id), Some(Node::Shared(..)));
        let reads = if is_leaf { self.reads(evaluation, id) } else { Vec::new() };
        Trace { text: on_one_line(program.sources.text(site)), is, reads, parts, site }
    }

    /// The paths that a part reads, each once. Elements that quantifiers look at are none.
    fn reads<'d>(&self, evaluation: &mut Evaluation<'d>, id: NodeId) -> Vec<Fact<'p>>
    where
        'p: 'd,
    {
        let program = self.program;
        let mut nodes = Vec::new();
        program.walk(id, &mut HashSet::new(), &mut |node| nodes.push(node));
        let mut facts: Vec<Fact<'p>> = Vec::new();
        for node in nodes {
            let Some(Node::Path(path)) = program.node(node) else { continue };
            let Some(path) = program.path(*path) else { continue };
            if matches!(path.lookup, Lookup::Variable(_)) || facts.iter().any(|fact| fact.path == path.text.as_str()) {
                continue;
            }
            facts.push(self.fact(path, &evaluation.read(node)));
        }
        facts
    }

    fn fact(&self, path: &'p Path, read: &Read<'_>) -> Fact<'p> {
        let (state, value) = match read {
            Read::Present(operand) => ("present", operand.to_value()),
            Read::Absent => ("absent", None),
            Read::Unreachable => ("unreachable", None),
            Read::Unusable => ("unusable", None),
        };
        let masked = value.is_some() && self.needs(path) > self.reveal;
        let value = value.filter(|_| !masked).map(shortened);
        Fact { path: &path.text, state, value, masked }
    }

    /// What may be shown to whom.
    fn needs(&self, path: &Path) -> Reveal {
        let brought = |name: &Option<&Step>| match name {
            Some(Step::Field(name)) => self.query.resource.properties.get(name).is_some(),
            _ => false,
        };
        let own_id = matches!(&*path.steps, [Step::Field(name)] if name == "id");
        match path.lookup {
            Lookup::User if own_id => Reveal::Request,
            Lookup::User if self.is_sensitive(path) => Reveal::Sensitive,
            Lookup::User | Lookup::Login | Lookup::Token => Reveal::Stored,
            Lookup::ResourceAttribute if !brought(&path.steps.first()) => Reveal::Stored,
            _ => Reveal::Request,
        }
    }

    fn is_sensitive(&self, path: &Path) -> bool {
        let sensitive = &self.program.sensitive;
        match field_of(path) {
            Some((bag, slug)) => sensitive.get(slug) == Some(&bag),
            // All traits at once are each of them.
            None => !sensitive.is_empty(),
        }
    }
}

fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.lines().map(without_comment).flat_map(str::split_whitespace).collect();
    let mut line = words.join(" ");
    if let Some((end, _)) = line.char_indices().nth(MAX_TEXT) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A line up to the # that stands in no string.
fn without_comment(line: &str) -> &str {
    let (mut in_string, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            '#' if !in_string => return line.get(..at).unwrap_or(line),
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    line
}

/// The value, or the beginning of what it is as JSON.
fn shortened(value: Value<'static>) -> Value<'static> {
    let json = serde_json::to_string(&value).unwrap_or_default();
    if json.len() <= MAX_VALUE {
        return value;
    }
    let end = json.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_VALUE).last().unwrap_or(0);
    Value::Str(format!("{}… ({} bytes)", json.get(..end).unwrap_or(""), json.len()).into())
}
