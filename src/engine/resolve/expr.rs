//! Expressions to nodes, with the checks that need no facts: names, types, calls, the left side of `??`.

use std::collections::{HashMap, HashSet};

use crate::lang::ast::{CompareOp, Expr, ExprKind, Name, Path as WrittenPath, StepKind};
use crate::lang::{Code, Diagnostic, Site, SourceId};
use crate::model::Value;

use super::super::Type;
use super::super::builtins::{self, Parameter};
use super::super::path::{BadPath, MAX_STEPS, Path, ROOTS, Step};
use super::super::program::{Node, NodeId};
use super::arena::{Arena, MAX_COST, MAX_DEPTH, TooComplex};
use super::declare::{Declarations, Declared};

/// What a `let` stands for; `None` inside for one that is wrong and has been reported.
#[derive(Clone)]
enum LetState {
    /// It is being resolved: meeting it again is a cycle.
    Open,
    Done(Option<Meaning>),
}

#[derive(Clone)]
enum Meaning {
    /// It is just a path, and may be stepped on from.
    Path(String, Vec<Step>),
    Node(NodeId),
}

/// Resolves expressions of one set into one arena. A `None` result has been reported.
pub(super) struct Resolver<'a, 'f> {
    declarations: &'a Declarations<'f>,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
    pub(super) arena: Arena,
    lets: HashMap<&'f str, LetState>,
    /// The `let`s that are open, outermost first.
    open: Vec<&'f str>,
    cycles: HashSet<&'f str>,
    /// How many suggestions for misspelt names were made: each costs a look at every name.
    suggested: usize,
    /// How many conditions of `let`s are remembered at run time.
    pub(super) shared: usize,
    /// How many values of `let`s are.
    pub(super) shared_values: usize,
    depth: u32,
}

impl<'a, 'f> Resolver<'a, 'f> {
    pub(super) fn new(declarations: &'a Declarations<'f>, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            declarations,
            diagnostics,
            arena: Arena::default(),
            lets: HashMap::new(),
            open: Vec::new(),
            cycles: HashSet::new(),
            suggested: 0,
            shared: 0,
            shared_values: 0,
            depth: 0,
        }
    }

    /// Resolves every `let`, used or not: a mistake in it is one all the same.
    pub(super) fn all_lets(&mut self) {
        let declarations = self.declarations;
        for name in &declarations.let_order {
            self.meaning(name);
        }
    }

    /// The condition of a policy: `when AND NOT unless`.
    pub(super) fn condition(&mut self, declared: &Declared<'f>) -> Option<NodeId> {
        let source = declared.source;
        let site = Site { source, span: declared.policy.name.span };
        let when = match declared.when {
            Some(condition) => self.boolean(source, condition, "the condition of a policy"),
            None => self.add(Node::Const(Value::Bool(true)), Type::Bool, site, &[]),
        };
        let Some(condition) = declared.unless else { return when };
        let unless = self.boolean(source, condition, "the condition of a policy");
        let (when, unless) = (when?, unless?);
        let not = self.add(Node::Not(unless), Type::Bool, site, &[unless])?;
        let run = self.arena.run(&[when, not]);
        self.add(Node::And(run), Type::Bool, site, &[when, not])
    }

    fn add(&mut self, node: Node, value_type: Type, site: Site, below: &[NodeId]) -> Option<NodeId> {
        self.arena.add(node, value_type, site, below).map_err(|why| self.too_complex(site, &why)).ok()
    }

    fn too_complex(&mut self, site: Site, why: &TooComplex) {
        let (message, help) = match why {
            TooComplex::Depth => (
                format!("with its `let`s put in, this is more than {MAX_DEPTH} levels deep"),
                "shorten the chain of `let`s that need each other",
            ),
            TooComplex::Cost => (format!("this evaluates more than {MAX_COST} parts"), "split the policy"),
        };
        self.error(Code::TooComplex, site, message, help);
    }

    fn error(&mut self, code: Code, site: Site, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, site, message).help(help));
    }

    /// An expression that must be able to be true or false.
    fn boolean(&mut self, source: SourceId, expr: &Expr, what: &str) -> Option<NodeId> {
        let id = self.expr(source, expr)?;
        let found = self.arena.type_of(id);
        if !found.may_be(&[Type::Bool]) {
            let site = Site { source, span: expr.span };
            let message = format!("this is {found}, and {what} must be true or false");
            self.error(Code::NotBoolean, site, message, "compare it with something, or test for it with has(...)");
            return None;
        }
        Some(id)
    }

    fn expr(&mut self, source: SourceId, expr: &Expr) -> Option<NodeId> {
        let site = Site { source, span: expr.span };
        if self.depth >= MAX_DEPTH {
            self.too_complex(site, &TooComplex::Depth);
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        let node = self.expr_kind(source, site, &expr.kind);
        self.depth = self.depth.saturating_sub(1);
        node
    }

    fn expr_kind(&mut self, source: SourceId, site: Site, kind: &ExprKind) -> Option<NodeId> {
        match kind {
            ExprKind::Or(parts) | ExprKind::And(parts) => {
                let ids = self.each(parts, |this, part| this.boolean(source, part, "each side of AND and OR"))?;
                let run = self.arena.run(&ids);
                let node = if matches!(kind, ExprKind::Or(_)) { Node::Or(run) } else { Node::And(run) };
                self.add(node, Type::Bool, site, &ids)
            }
            ExprKind::Not(inner) => {
                let id = self.boolean(source, inner, "what follows NOT")?;
                self.add(Node::Not(id), Type::Bool, site, &[id])
            }
            ExprKind::Compare(op, sides) => {
                let [left, right] = sides.as_ref();
                let (left, right) = (self.expr(source, left), self.expr(source, right));
                let (left, right) = (left?, right?);
                self.check_types(*op, left, right, site)?;
                self.add(Node::Compare(*op, left, right), Type::Bool, site, &[left, right])
            }
            ExprKind::Default(parts) => self.default(source, site, parts),
            ExprKind::Path(path) => self.path(source, site, path),
            ExprKind::Call(name, args) => self.call(source, site, name, args),
            ExprKind::Text(text) => self.constant(Value::Str(text.clone().into()), site),
            ExprKind::Bool(value) => self.constant(Value::Bool(*value), site),
            ExprKind::Number(text) => match number(text) {
                Ok(value) => self.constant(value, site),
                Err((message, help)) => {
                    self.error(Code::BadNumber, site, message, help);
                    None
                }
            },
            ExprKind::List(items) => {
                let ids = self.each(items, |this, item| this.expr(source, item))?;
                // A list of literals is one itself. Lists within it stay nodes: a `let` may be one of them, and
                // what is shared is never copied out.
                let literal = |id: &NodeId| self.arena.constant(*id).filter(|value| !matches!(value, Value::List(_)));
                let literals: Option<Vec<_>> = ids.iter().map(|id| literal(id).cloned()).collect();
                let node = match literals {
                    Some(values) => Node::Const(Value::List(values)),
                    None => Node::List(self.arena.run(&ids)),
                };
                self.add(node, Type::List, site, &ids)
            }
        }
    }

    fn constant(&mut self, value: Value<'static>, site: Site) -> Option<NodeId> {
        let value_type = Type::of(&value);
        self.add(Node::Const(value), value_type, site, &[])
    }

    /// Resolves all of them, so that all mistakes are found, and fails if one does.
    fn each(
        &mut self,
        parts: &[Expr],
        mut resolve: impl FnMut(&mut Self, &Expr) -> Option<NodeId>,
    ) -> Option<Vec<NodeId>> {
        let ids: Vec<Option<NodeId>> = parts.iter().map(|part| resolve(self, part)).collect();
        ids.into_iter().collect()
    }

    fn check_types(&mut self, op: CompareOp, left: NodeId, right: NodeId, site: Site) -> Option<()> {
        let (left, right) = (self.arena.type_of(left), self.arena.type_of(right));
        let possible = match op {
            CompareOp::Equal | CompareOp::NotEqual => left.may_be(&[right]) || right == Type::Any,
            CompareOp::Less | CompareOp::LessOrEqual | CompareOp::Greater | CompareOp::GreaterOrEqual => {
                let ordered = [Type::Number, Type::Text, Type::Time];
                left.may_be(&ordered) && right.may_be(&ordered) && (left.may_be(&[right]) || right == Type::Any)
            }
            CompareOp::In => right.may_be(&[Type::List]),
            CompareOp::Contains => match left {
                Type::Text => right.may_be(&[Type::Text]),
                other => other.may_be(&[Type::List]),
            },
            CompareOp::StartsWith | CompareOp::EndsWith => left.may_be(&[Type::Text]) && right.may_be(&[Type::Text]),
        };
        if !possible {
            let message =
                format!("{left} and {right} cannot be compared like this: the answer would always be unknown");
            self.error(Code::TypeClash, site, message, "nothing is converted: compare values of one type");
            return None;
        }
        Some(())
    }

    fn default(&mut self, source: SourceId, site: Site, parts: &[Expr]) -> Option<NodeId> {
        let ids = self.each(parts, |this, part| this.expr(source, part))?;
        let (last, fallible) = ids.split_last()?;
        for (id, part) in fallible.iter().zip(parts) {
            if !self.arena.is_path(*id) {
                let site = Site { source, span: part.span };
                self.error(
                    Code::BadDefault,
                    site,
                    "only a path can be absent, so only a path takes a default",
                    "write `path ?? default`; defaults chain without brackets: `a ?? b ?? 5`",
                );
                return None;
            }
        }
        let run = self.arena.run(&ids);
        // A value of the wrong type stays, so the type of the whole is known only if all agree.
        let last_type = self.arena.type_of(*last);
        let agree = fallible.iter().all(|id| self.arena.type_of(*id) == last_type);
        let whole = if agree { last_type } else { Type::Any };
        self.add(Node::Default(run), whole, site, &ids)
    }

    fn call(&mut self, source: SourceId, site: Site, name: &Name, args: &[Expr]) -> Option<NodeId> {
        let name_site = Site { source, span: name.span };
        let Some(builtin) = builtins::find(&name.text) else {
            let known = builtins::ALL.iter().map(|builtin| builtin.name);
            let message = format!("there is no function `{}`", name.text);
            let help = self.did_you_mean(&name.text, known);
            self.error(Code::UnknownName, name_site, message, help);
            return None;
        };
        let [arg] = args else {
            let message = format!("`{}` takes one argument, and here are {}", name.text, args.len());
            self.error(Code::BadCall, site, message, builtin.summary);
            return None;
        };
        let id = self.expr(source, arg)?;
        let arg_site = Site { source, span: arg.span };
        match builtin.parameter {
            Parameter::Path if !self.arena.is_path(id) => {
                let message = format!("`{}` asks about a path, and this is none", name.text);
                self.error(Code::BadCall, arg_site, message, builtin.summary);
                return None;
            }
            Parameter::Value(types) if !self.arena.type_of(id).may_be(types) => {
                let message = format!("this is {}, and `{}` cannot work with it", self.arena.type_of(id), name.text);
                self.error(Code::TypeClash, arg_site, message, builtin.summary);
                return None;
            }
            Parameter::Path | Parameter::Value(_) => {}
        }
        self.add(Node::Call(builtin, id), builtin.returns, site, &[id])
    }

    fn path(&mut self, source: SourceId, site: Site, written: &WrittenPath) -> Option<NodeId> {
        let steps = self.steps(source, written)?;
        let name = written.root.text.as_str();
        if !self.declarations.lets.contains_key(name) {
            return self.root_path(source, site, &written.root, steps);
        }
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
                let value_type = path.value_type();
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
    fn meaning(&mut self, name: &str) -> Option<Meaning> {
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
        self.lets.insert(name, LetState::Open);
        self.open.push(name);
        self.depth = self.depth.saturating_add(1);
        let meaning = self.resolve_let(source, site, &declared.value);
        self.depth = self.depth.saturating_sub(1);
        self.open.pop();
        self.lets.insert(name, LetState::Done(meaning.clone()));
        meaning
    }

    fn resolve_let(&mut self, source: SourceId, site: Site, value: &Expr) -> Option<Meaning> {
        // Checked as it stands, so that a mistake in it is found even if nobody uses it.
        let id = self.expr(source, value)?;
        if let ExprKind::Path(written) = &value.kind
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
    fn did_you_mean<'n>(&mut self, name: &str, known: impl Iterator<Item = &'n str>) -> String {
        self.suggested = self.suggested.saturating_add(1);
        if self.suggested > MAX_SUGGESTED || name.len() > LONGEST_NAME {
            return "is it spelt as it was declared?".to_owned();
        }
        let known: Vec<&str> = known.filter(|known| known.len() <= LONGEST_NAME).collect();
        let distance = |candidate: &str| strsim::damerau_levenshtein(name, candidate);
        let nearest = known.iter().copied().min_by_key(|candidate| distance(candidate));
        match nearest.filter(|nearest| distance(nearest).saturating_mul(2) <= nearest.len().max(2)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                let shown: Vec<&str> = known.into_iter().take(16).collect();
                format!("there are {}", shown.join(", "))
            }
        }
    }
}

/// So many misspelt names get a suggestion.
const MAX_SUGGESTED: usize = 50;

/// Names beyond this are not compared with others.
const LONGEST_NAME: usize = 64;

/// A number as JSON writes it: an integer if it looks like one, else a double.
fn number(text: &str) -> Result<Value<'static>, (&'static str, &'static str)> {
    let digits = text.trim_start_matches('-');
    if digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.") && !digits.starts_with(['e', 'E']) {
        let second = digits.as_bytes().get(1);
        if second.is_some_and(u8::is_ascii_digit) {
            return Err(("a number does not start with 0", "leave the zero out, or put a string"));
        }
    }
    if text.contains(['.', 'e', 'E']) {
        return match text.parse::<f64>() {
            Ok(0.0)
                if text
                    .split(['e', 'E'])
                    .next()
                    .is_some_and(|digits| digits.bytes().any(|b| (b'1'..=b'9').contains(&b))) =>
            {
                Err(("this number is too small for a double", "the smallest is about 4.9e-324"))
            }
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(("this number is too large for a double", "the largest is about 1.8e308")),
        };
    }
    text.parse().map(Value::Int).map_err(|_| {
        ("this integer does not fit into 64 bits", "the largest is 9223372036854775807; longer ids are strings")
    })
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
