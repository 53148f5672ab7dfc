//! Expressions to nodes, with the checks that need no facts: names, types, calls, the left side of `??`.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use regex::Regex;
use smol_str::SmolStr;

use crate::lang::ast::{CompareOp, Expr, ExprKind, Sign};
use crate::lang::{Code, Diagnostic, Site, SourceId};
use crate::model::{Definitions, Value};

use super::super::Type;
use super::super::eval::MAX_ELEMENTS;
use super::super::path::Step;
use super::super::pattern::Pattern;
use super::super::program::{Node, NodeId};
use super::arena::{Arena, MAX_COST, MAX_DEPTH, MAX_STEPS, TooComplex};
use super::declare::{Declarations, Declared};

/// What a `let` stands for; `None` inside for one that is wrong and has been reported.
#[derive(Clone)]
pub(super) enum LetState {
    /// It is being resolved: meeting it again is a cycle.
    Open,
    Done(Option<Meaning>),
}

#[derive(Clone)]
pub(super) enum Meaning {
    /// It is just a path, and may be stepped on from.
    Path(String, Vec<Step>),
    Node(NodeId),
}

/// The condition of a policy: `when AND NOT unless`.
pub(super) struct Condition {
    pub(super) whole: NodeId,
    pub(super) when: NodeId,
    pub(super) unless: Option<NodeId>,
}

/// Resolves expressions of one set into one arena. A `None` result has been reported.
pub(super) struct Resolver<'a, 'f> {
    pub(super) declarations: &'a Declarations<'f>,
    pub(super) definitions: &'a Definitions,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
    pub(super) arena: Arena,
    pub(super) lets: HashMap<&'f str, LetState>,
    /// The `let`s that are open, outermost first.
    pub(super) open: Vec<&'f str>,
    pub(super) cycles: HashSet<&'f str>,
    /// The `let`s that something uses.
    pub(super) used: HashSet<&'f str>,
    /// How many suggestions for misspelt names were made: each costs a look at every name.
    pub(super) suggested: usize,
    /// How many conditions of `let`s are remembered at run time.
    pub(super) shared: usize,
    /// How many values of `let`s are.
    pub(super) shared_values: usize,
    /// Variables of the quantifiers around, outermost first.
    pub(super) variables: Vec<SmolStr>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) regexes: Vec<Regex>,
    pub(super) zones: HashMap<String, TimeZone>,
    pub(super) depth: u32,
}

impl<'a, 'f> Resolver<'a, 'f> {
    pub(super) fn new(
        declarations: &'a Declarations<'f>,
        definitions: &'a Definitions,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            declarations,
            definitions,
            diagnostics,
            arena: Arena::default(),
            lets: HashMap::new(),
            open: Vec::new(),
            cycles: HashSet::new(),
            used: HashSet::new(),
            suggested: 0,
            shared: 0,
            shared_values: 0,
            variables: Vec::new(),
            patterns: Vec::new(),
            regexes: Vec::new(),
            zones: HashMap::new(),
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

    /// The condition of a policy.
    pub(super) fn condition(&mut self, declared: &Declared<'f>) -> Option<Condition> {
        let source = declared.source;
        let site = Site { source, span: declared.policy.name.span };
        let when = match declared.when {
            Some(condition) => self.clause(declared, condition),
            None => self.add(Node::Const(Value::Bool(true)), Type::Bool, site, &[]),
        };
        let Some(condition) = declared.unless else {
            return when.map(|when| Condition { whole: when, when, unless: None });
        };
        let unless = self.clause(declared, condition);
        let (when, unless) = (when?, unless?);
        let not = self.add(Node::Not(unless), Type::Bool, site, &[unless])?;
        let run = self.arena.run(&[when, not]);
        let whole = self.add(Node::And(run), Type::Bool, site, &[when, not])?;
        Some(Condition { whole, when, unless: Some(unless) })
    }

    /// The expression of a `when` or an `unless`.
    fn clause(&mut self, declared: &Declared<'f>, expr: &Expr) -> Option<NodeId> {
        // Of what could not be read to its end, only the beginning is here: its type means nothing.
        if declared.policy.lost {
            return self.expr(declared.source, expr);
        }
        self.boolean(declared.source, expr, "the condition of a policy")
    }

    pub(super) fn add(&mut self, node: Node, value_type: Type, site: Site, below: &[NodeId]) -> Option<NodeId> {
        self.arena.add(node, value_type, site, below).map_err(|why| self.too_complex(site, &why)).ok()
    }

    pub(super) fn too_complex(&mut self, site: Site, why: &TooComplex) {
        let (message, help) = match why {
            TooComplex::Depth => (
                format!("with its `let`s put in, this is more than {MAX_DEPTH} levels deep"),
                "shorten the chain of `let`s that need each other",
            ),
            TooComplex::Cost => (format!("this evaluates more than {MAX_COST} parts"), "split the policy"),
            TooComplex::Steps => (
                format!("over lists of {MAX_ELEMENTS} elements, this takes more than {MAX_STEPS} steps"),
                "what does not need the variables of the quantifiers is evaluated once in a `let`",
            ),
        };
        self.error(Code::TooComplex, site, message, help);
    }

    pub(super) fn error(&mut self, code: Code, site: Site, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, site, message).help(help));
    }

    /// An expression that must be able to be true or false.
    pub(super) fn boolean(&mut self, source: SourceId, expr: &Expr, what: &str) -> Option<NodeId> {
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

    pub(super) fn expr(&mut self, source: SourceId, expr: &Expr) -> Option<NodeId> {
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
            ExprKind::Compare(op @ (CompareOp::Like | CompareOp::Matches), sides) => {
                let [left, right] = sides.as_ref();
                self.pattern(source, site, *op, left, right)
            }
            ExprKind::Compare(op, sides) => {
                let [left, right] = sides.as_ref();
                let (left, right) = (self.expr(source, left), self.expr(source, right));
                let (left, right) = (left?, right?);
                self.check_types(*op, left, right, site)?;
                self.add(Node::Compare(*op, left, right), Type::Bool, site, &[left, right])
            }
            ExprKind::Sum(first, rest) => {
                let first = self.number(source, first);
                let rest: Vec<Option<NodeId>> = rest
                    .iter()
                    .map(|(sign, term)| match (sign, self.number(source, term)?) {
                        (Sign::Plus, id) => Some(id),
                        (Sign::Minus, id) => self.add(Node::Minus(id), Type::Number, site, &[id]),
                    })
                    .collect();
                let ids: Vec<NodeId> = std::iter::once(first).chain(rest).collect::<Option<_>>()?;
                let run = self.arena.run(&ids);
                self.add(Node::Sum(run), Type::Number, site, &ids)
            }
            ExprKind::Product(factors) => {
                let ids = self.each(factors, |this, factor| this.number(source, factor))?;
                let run = self.arena.run(&ids);
                self.add(Node::Product(run), Type::Number, site, &ids)
            }
            ExprKind::Quantifier(quantifier) => self.quantifier(source, site, quantifier),
            ExprKind::Default(parts) => self.default(source, site, parts),
            ExprKind::Path(path) => self.path(source, site, path),
            ExprKind::Group(inner) => self.expr(source, inner),
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
                    Some(values) => Node::Const(Value::List(values.into())),
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
    pub(super) fn each(
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
            CompareOp::Like | CompareOp::Matches | CompareOp::StartsWith | CompareOp::EndsWith => {
                left.may_be(&[Type::Text]) && right.may_be(&[Type::Text])
            }
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

    /// An expression that must be able to be a number.
    fn number(&mut self, source: SourceId, expr: &Expr) -> Option<NodeId> {
        let id = self.expr(source, expr)?;
        let found = self.arena.type_of(id);
        if found.may_be(&[Type::Number]) {
            return Some(id);
        }
        let site = Site { source, span: expr.span };
        let help =
            if found == Type::Text { "strings are joined by concat(a, b)" } else { "only numbers are reckoned with" };
        self.error(Code::TypeClash, site, format!("this is {found}, and must be a number"), help);
        None
    }
}

/// A number as JSON writes it: an integer if it looks like one, else a double.
pub(in super::super) fn number(text: &str) -> Result<Value<'static>, (&'static str, &'static str)> {
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
