//! What an expression is worth, to the reference.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use regex::Regex;
use sidegate::lang::ast::{Clause, ClauseKind, CompareOp, Expr, ExprKind, Path, Quantifier, Sign, StepKind};
use sidegate::model::{Bag, Facts, Query, Stored};

use super::functions;
use super::values::{Read, V, all, any, contains, equal, order};

/// What can be read while one query is answered.
#[derive(Clone)]
pub struct Scope<'a> {
    pub lets: &'a HashMap<String, Expr>,
    pub query: &'a Query<'a>,
    pub facts: &'a Facts<'a>,
    pub zone: &'a TimeZone,
    pub roots: &'a BTreeMap<&'static str, Read>,
    pub variables: Vec<(&'a str, Read)>,
}

impl<'a> Scope<'a> {
    /// `when AND NOT unless`
    pub fn condition(&self, clauses: &'a [Clause]) -> Option<bool> {
        all(clauses.iter().map(|clause| match &clause.kind {
            ClauseKind::When(condition) => self.truth(condition),
            ClauseKind::Unless(condition) => self.truth(condition).map(|truth| !truth),
            _ => Some(true),
        }))
    }

    fn truth(&self, expr: &'a Expr) -> Option<bool> {
        match self.value(expr) {
            Some(V::Bool(truth)) => Some(truth),
            _ => None,
        }
    }

    fn value(&self, expr: &'a Expr) -> Option<V> {
        match &expr.kind {
            ExprKind::Or(parts) => any(parts.iter().map(|part| self.truth(part))).map(V::Bool),
            ExprKind::And(parts) => all(parts.iter().map(|part| self.truth(part))).map(V::Bool),
            ExprKind::Not(part) => self.truth(part).map(|truth| V::Bool(!truth)),
            ExprKind::Compare(op, sides) => self.compare(*op, &sides[0], &sides[1]).map(V::Bool),
            ExprKind::Sum(first, rest) => rest.iter().try_fold(self.value(first)?, |sum, (sign, term)| {
                let term = self.value(term)?;
                match sign {
                    Sign::Plus => arithmetic(&sum, &term, i64::checked_add, |a, b| a + b),
                    Sign::Minus => arithmetic(&sum, &term, i64::checked_sub, |a, b| a - b),
                }
            }),
            ExprKind::Product(factors) => factors[1..].iter().try_fold(self.value(&factors[0])?, |product, factor| {
                arithmetic(&product, &self.value(factor)?, i64::checked_mul, |a, b| a * b)
            }),
            ExprKind::Quantifier(quantifier) => self.quantified(quantifier).map(V::Bool),
            ExprKind::Call(name, arguments) => self.call(&name.text, arguments),
            ExprKind::Path(_) | ExprKind::Default(_) => self.place(expr).value().cloned(),
            ExprKind::Text(text) => Some(V::Text(text.clone())),
            ExprKind::Bool(truth) => Some(V::Bool(*truth)),
            ExprKind::Number(text) => Some(match text.parse() {
                Ok(n) => V::Int(n),
                Err(_) => V::Float(text.parse().unwrap()),
            }),
            ExprKind::List(elements) => Some(V::List(elements.iter().map(|element| self.place(element)).collect())),
            ExprKind::Group(inner) => self.value(inner),
        }
    }

    /// What an expression leads to: where a path is asked about, absent is not the same as unknown.
    fn place(&self, expr: &'a Expr) -> Read {
        match &expr.bare().kind {
            ExprKind::Path(path) => self.read(path),
            ExprKind::Default(chain) => {
                let mut places = chain.iter().map(|link| self.place(link));
                places.find(|place| !matches!(place, Read::Absent)).unwrap_or(Read::Absent)
            }
            _ => self.value(expr).map_or(Read::Unknown, Read::Here),
        }
    }

    fn read(&self, path: &'a Path) -> Read {
        let root = path.root.text.as_str();
        let steps: Vec<StepKind> = path.steps.iter().map(|step| step.kind.clone()).collect();
        // A `let` may have a variable of the same name as the quantifier has in which it is used: the inner one counts.
        if let Some((_, element)) = self.variables.iter().rfind(|(name, _)| *name == root) {
            return element.follow(&steps);
        }
        if let Some(value) = self.lets.get(root) {
            return self.place(value).follow(&steps);
        }
        if root == "resource" && matches!(self.facts.resource, Stored::Unreachable) && !self.is_supplied(&steps) {
            return Read::Unknown;
        }
        self.roots[root].follow(&steps)
    }

    /// Whether the request itself says what stands at these steps from `resource`.
    fn is_supplied(&self, steps: &[StepKind]) -> bool {
        let supplied = |key: &str| self.query.resource.properties.get(key).is_some();
        match steps {
            [StepKind::Field(bag), StepKind::Field(key), ..] if bag == "properties" => supplied(key),
            [StepKind::Field(key), ..] => key == "type" || key == "id" || supplied(key),
            _ => false,
        }
    }

    fn compare(&self, op: CompareOp, left: &'a Expr, right: &'a Expr) -> Option<bool> {
        // Whether there is anything in a list to be equal to is known before what it would be equal to.
        let contained = |element: &'a Expr, list: &'a Expr| match self.value(list)? {
            V::List(elements) => contains(&elements, &self.place(element)),
            _ => None,
        };
        let texts = || match (self.value(left)?, self.value(right)?) {
            (V::Text(left), V::Text(right)) => Some((left, right)),
            _ => None,
        };
        let ordered = || order(&self.value(left)?, &self.value(right)?);
        match op {
            CompareOp::Equal => equal(&self.value(left)?, &self.value(right)?),
            CompareOp::NotEqual => equal(&self.value(left)?, &self.value(right)?).map(|equal| !equal),
            CompareOp::Less => ordered().map(|order| order.is_lt()),
            CompareOp::LessOrEqual => ordered().map(|order| order.is_le()),
            CompareOp::Greater => ordered().map(|order| order.is_gt()),
            CompareOp::GreaterOrEqual => ordered().map(|order| order.is_ge()),
            CompareOp::In => contained(left, right),
            CompareOp::Contains if matches!(self.value(left)?, V::List(_)) => contained(right, left),
            CompareOp::Contains => texts().map(|(whole, part)| whole.contains(&part)),
            CompareOp::StartsWith => texts().map(|(whole, part)| whole.starts_with(&part)),
            CompareOp::EndsWith => texts().map(|(whole, part)| whole.ends_with(&part)),
            CompareOp::Like => texts().map(|(text, pattern)| like(&text, &pattern)),
            CompareOp::Matches => texts().map(|(text, pattern)| matches(&text, &pattern)),
        }
    }

    fn quantified(&self, quantifier: &'a Quantifier) -> Option<bool> {
        let Some(V::List(elements)) = self.value(&quantifier.list) else { return None };
        if elements.len() > 1000 {
            return None;
        }
        let truths = elements.into_iter().map(|element| {
            let mut inner = self.clone();
            inner.variables.push((&quantifier.variable.text, element));
            inner.truth(&quantifier.condition)
        });
        if quantifier.all { all(truths) } else { any(truths) }
    }

    fn call(&self, name: &str, arguments: &'a [Expr]) -> Option<V> {
        match name {
            "has" => self.place(&arguments[0]).presence().map(V::Bool),
            "missing" => self.place(&arguments[0]).presence().map(|there| V::Bool(!there)),
            "self_asserted" => self.self_asserted(&arguments[0]).map(V::Bool),
            _ => {
                let values: Option<Vec<V>> = arguments.iter().map(|argument| self.value(argument)).collect();
                functions::call(name, &values?, self.query.now, self.zone)
            }
        }
    }

    /// Whether the user wrote the field about themselves; the field is `user.SLUG` or `user.traits.SLUG`.
    fn self_asserted(&self, field: &Expr) -> Option<bool> {
        let ExprKind::Path(path) = &field.bare().kind else { return None };
        let (bag, slug) = match path.steps.iter().map(|step| &step.kind).collect::<Vec<_>>()[..] {
            [StepKind::Field(slug)] => (Bag::Profile, slug),
            [StepKind::Field(traits), StepKind::Field(slug)] if traits == "traits" => (Bag::Traits, slug),
            _ => return None,
        };
        match self.roots["user"] {
            Read::Unknown => None,
            Read::Absent => Some(false),
            _ => Some(self.facts.self_asserted.holds(bag, slug)),
        }
    }

    /// Whether something in here reads nothing and is unknown all the same: then there is no path to blame.
    pub fn fails_by_itself(&self, expr: &'a Expr) -> bool {
        let inner = match &expr.kind {
            ExprKind::Path(path) => self.lets.get(path.root.text.as_str()).into_iter().collect(),
            _ => parts(expr),
        };
        let alone = !self.reads(expr) && self.value(expr).is_none();
        alone || inner.into_iter().any(|part| self.fails_by_itself(part))
    }

    fn reads(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Path(path) => self.lets.get(path.root.text.as_str()).is_none_or(|value| self.reads(value)),
            _ => parts(expr).into_iter().any(|part| self.reads(part)),
        }
    }
}

fn arithmetic(a: &V, b: &V, whole: fn(i64, i64) -> Option<i64>, double: fn(f64, f64) -> f64) -> Option<V> {
    let as_double = |value: &V| match value {
        V::Int(n) => Some(*n as f64),
        V::Float(x) => Some(*x),
        _ => None,
    };
    match (a, b) {
        (V::Int(a), V::Int(b)) => whole(*a, *b).map(V::Int),
        _ => Some(double(as_double(a)?, as_double(b)?)).filter(|x| x.is_finite()).map(V::Float),
    }
}

fn like(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| like(&text[at..], rest.as_str()))
        }
        Some(c) => text.strip_prefix(c).is_some_and(|text| like(text, rest.as_str())),
    }
}

fn matches(text: &str, pattern: &str) -> bool {
    thread_local!(static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default());
    COMPILED.with_borrow_mut(|compiled| {
        compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    })
}

/// The expressions that an expression is made of.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => parts.iter().collect(),
        ExprKind::Default(parts) | ExprKind::Call(_, parts) | ExprKind::List(parts) => parts.iter().collect(),
        ExprKind::Not(part) | ExprKind::Group(part) => vec![part],
        ExprKind::Compare(_, sides) => sides.iter().collect(),
        ExprKind::Sum(first, rest) => [&**first].into_iter().chain(rest.iter().map(|(_, term)| term)).collect(),
        ExprKind::Quantifier(quantifier) => vec![&quantifier.list, &quantifier.condition],
        ExprKind::Path(_) | ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) => Vec::new(),
    }
}
