//! Names: paths from roots, `let`s resolved when they are first needed and shared ever after, and what was probably
//! meant by a name that nobody declared.

use crate::lang::ast::{Expr, ExprKind, Name, Path as WrittenPath, StepKind};
use crate::lang::{Code, Site, SourceId, suggest};
use crate::model::{Bag, DataType};

use super::super::Type;
use super::super::check::field_of;
use super::super::path::{BadPath, MAX_STEPS, Path, ROOTS, Step};
use super::super::program::{Node, NodeId};
use super::arena::{MAX_DEPTH, TooComplex};
use super::expr::{LetState, Meaning, Resolver};

/// So many misspelt names get a suggestion.
const MAX_SUGGESTED: usize = 50;

/// Names beyond this are not compared with others.
const LONGEST_NAME: usize = 64;

impl Resolver<'_, '_> {
    pub(super) fn path(&mut self, source: SourceId, site: Site, written: &WrittenPath) -> Option<NodeId> {
        let steps = self.steps(source, written)?;
        let name = written.root.text.as_str();
        if let Some(depth) = self.variables.iter().position(|variable| variable == name) {
            let path = Path::of_variable(u8::try_from(depth).ok()?, name, steps);
            let id = self.arena.path(path);
            return self.add(Node::Path(id), Type::Any, site, &[]);
        }
        let Some((declared, _)) = self.declarations.lets.get_key_value(name) else {
            return self.root_path(source, site, &written.root, steps);
        };
        self.used.insert(declared);
        match self.meaning(name)? {
            Meaning::Path(root, mut whole) => {
                whole.extend(steps);
                let root = Name { text: root.into(), span: written.root.span };
                self.root_path(source, site, &root, whole)
            }
            Meaning::Node(id) if steps.is_empty() => Some(id),
            Meaning::Node(_) => {
                let message = format!("`{name}` is not a path, so nothing can be read from it");
                self.error(Code::BadPath, site, message, "step on from a path, or from a `let` that is just a path");
                None
            }
        }
    }

    fn root_path(&mut self, source: SourceId, site: Site, root: &Name, steps: Vec<Step>) -> Option<NodeId> {
        if steps.len() > MAX_STEPS {
            self.error(Code::BadPath, site, format!("a path has at most {MAX_STEPS} steps"), "flatten the data");
            return None;
        }
        match Path::resolve(&root.text, &steps) {
            Some(Ok(path)) => {
                let value_type = self.type_at(&path, site)?;
                let id = self.arena.path(path);
                self.add(Node::Path(id), value_type, site, &[])
            }
            Some(Err(BadPath::Bare)) => {
                let message = format!("`{}` is no value by itself", root.text);
                self.error(
                    Code::BadPath,
                    site,
                    message,
                    format!("name something in it, such as `{}`", example(&root.text)),
                );
                None
            }
            Some(Err(BadPath::NoMembers(why))) => {
                self.error(Code::BadPath, site, format!("this is {why} and has no members"), "leave the last step out");
                None
            }
            // What could not be read may have declared it.
            None if self.declarations.incomplete => None,
            None => {
                let help = match root.text.as_str() {
                    "null" => "null is no literal: `missing(path)` tests for what is absent or null".to_owned(),
                    word if matches!(word.to_ascii_lowercase().as_str(), "true" | "false" | "and" | "or" | "not") => {
                        format!("write `{}`", word.to_ascii_lowercase())
                    }
                    name => {
                        let declarations = self.declarations;
                        self.did_you_mean(name, ROOTS.iter().chain(&declarations.let_order).copied())
                    }
                };
                let site = Site { source, span: root.span };
                self.error(Code::UnknownName, site, format!("nothing is called `{}`", root.text), help);
                None
            }
        }
    }

    /// The type of what stands at a path: its definition tells, if it has one.
    fn type_at(&mut self, path: &Path, site: Site) -> Option<Type> {
        let Some((bag, slug)) = field_of(path) else { return Some(path.value_type()) };
        let definitions = self.definitions;
        let Some(definition) = definitions.get(slug).filter(|definition| definition.kind == bag) else {
            return Some(Type::Any);
        };
        let of_field = if bag == Bag::Traits { 2 } else { 1 };
        let found = match definition.data_type {
            DataType::String => Type::Text,
            DataType::Number => Type::Number,
            DataType::Boolean => Type::Bool,
            DataType::Json => return Some(Type::Any),
        };
        let Some(beyond) = path.steps.get(of_field) else { return Some(found) };
        let help = match beyond {
            Step::Field(name) if name == "source" => "where a value came from is asked with self_asserted(path)",
            _ => "leave the last step out, or define it as json",
        };
        self.error(Code::BadPath, site, format!("`{slug}` is defined as {found} and has no members"), help);
        None
    }

    fn steps(&mut self, source: SourceId, written: &WrittenPath) -> Option<Vec<Step>> {
        let mut steps = Vec::with_capacity(written.steps.len());
        for step in &written.steps {
            steps.push(match &step.kind {
                StepKind::Field(name) => Step::Field(name.clone()),
                StepKind::Index(text) => match text.parse() {
                    Ok(place) if text == "0" || !text.starts_with('0') => Step::Index(place),
                    _ => {
                        let site = Site { source, span: step.span };
                        self.error(Code::BadNumber, site, "this is no index of a list", "elements are numbered from 0");
                        return None;
                    }
                },
            });
        }
        Some(steps)
    }

    /// What a `let` stands for, resolved when it is first needed.
    pub(super) fn meaning(&mut self, name: &str) -> Option<Meaning> {
        let (name, (source, declared)) = self.declarations.lets.get_key_value(name)?;
        let (name, source) = (*name, *source);
        let site = Site { source, span: declared.name.span };
        match self.lets.get(name) {
            Some(LetState::Done(meaning)) => return meaning.clone(),
            Some(LetState::Open) => {
                // Told once, however many ways lead round.
                if !self.cycles.insert(name) {
                    return None;
                }
                let from = self.open.iter().position(|open| *open == name).unwrap_or(0);
                let way: Vec<&str> = self.open.iter().skip(from).copied().chain([name]).collect();
                let message = format!("the `let` `{name}` needs itself");
                self.error(Code::Cycle, site, message, format!("the way round is {}", way.join(" -> ")));
                return None;
            }
            None => {}
        }
        if self.depth >= MAX_DEPTH {
            self.too_complex(site, &TooComplex::Depth);
            return None;
        }
        // A `let` stands outside of the quantifiers that use it.
        let variables = std::mem::take(&mut self.variables);
        self.lets.insert(name, LetState::Open);
        self.open.push(name);
        self.depth = self.depth.saturating_add(1);
        let meaning = self.resolve_let(source, site, &declared.value);
        self.depth = self.depth.saturating_sub(1);
        self.variables = variables;
        self.open.pop();
        self.lets.insert(name, LetState::Done(meaning.clone()));
        meaning
    }

    fn resolve_let(&mut self, source: SourceId, site: Site, value: &Expr) -> Option<Meaning> {
        // Checked as it stands, so that a mistake in it is found even if nobody uses it.
        let id = self.expr(source, value)?;
        if let ExprKind::Path(written) = &value.bare().kind
            && self.arena.is_path(id)
        {
            let steps = self.steps(source, written)?;
            let root = written.root.text.as_str();
            if !self.declarations.lets.contains_key(root) {
                return Some(Meaning::Path(root.to_owned(), steps));
            }
            if let Meaning::Path(root, mut whole) = self.meaning(root)? {
                whole.extend(steps);
                return Some(Meaning::Path(root, whole));
            }
        }
        if self.arena.constant(id).is_some() {
            return Some(Meaning::Node(id));
        }
        let count = if self.arena.type_of(id) == Type::Bool { &mut self.shared } else { &mut self.shared_values };
        let number = u32::try_from(*count).ok()?;
        *count = count.saturating_add(1);
        let (value_type, shared) = match self.arena.type_of(id) {
            Type::Bool => (Type::Bool, Node::Shared(number, id)),
            other => (other, Node::SharedValue(number, id)),
        };
        self.add(shared, value_type, site, &[id]).map(Meaning::Node)
    }

    /// A guess at what was meant, or the list of what there is.
    pub(super) fn did_you_mean<'n>(&mut self, name: &str, known: impl Iterator<Item = &'n str>) -> String {
        self.suggested = self.suggested.saturating_add(1);
        if self.suggested > MAX_SUGGESTED || name.len() > LONGEST_NAME {
            return "is it spelt as it was declared?".to_owned();
        }
        let known: Vec<&str> = known.collect();
        match suggest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                let shown: Vec<&str> = known.into_iter().filter(|known| known.len() <= LONGEST_NAME).take(16).collect();
                format!("there are {}", shown.join(", "))
            }
        }
    }
}

/// A path under a root, to show how one goes on.
fn example(root: &str) -> &'static str {
    match root {
        "user" => "user.traits.plan",
        "subject" => "subject.id",
        "action" => "action.name",
        "resource" => "resource.status",
        "env" => "env.hour",
        "token" => "token.scope",
        _ => "login.count",
    }
}
