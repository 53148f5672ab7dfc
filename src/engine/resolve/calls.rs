//! Patterns, quantifiers and calls: what is made ready when a set is compiled, and checked as far as it is known then.

use regex::RegexBuilder;

use crate::lang::ast::{CompareOp, Expr, ExprKind, Name, Quantifier};
use crate::lang::{Code, Site, SourceId};
use crate::model::Value;

use super::super::Type;
use super::super::builtins::{self, Parameter, Run};
use super::super::eval::MAX_QUANTIFIERS;
use super::super::path::ROOTS;
use super::super::pattern::Pattern;
use super::super::program::{Node, NodeId};
use super::expr::Resolver;

/// Bytes that a compiled regular expression may take.
const MAX_REGEX: usize = 1 << 20;

impl Resolver<'_, '_> {
    /// `LIKE` and `MATCHES`: the right side is a literal, and made ready here.
    pub(super) fn pattern(
        &mut self,
        source: SourceId,
        site: Site,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
    ) -> Option<NodeId> {
        let id = self.expr(source, left)?;
        let found = self.arena.type_of(id);
        if !found.may_be(&[Type::Text]) {
            let site = Site { source, span: left.span };
            self.error(
                Code::TypeClash,
                site,
                format!("this is {found}, and must be a string"),
                "patterns are for strings",
            );
            return None;
        }
        let place = Site { source, span: right.span };
        let ExprKind::Text(text) = &right.bare().kind else {
            self.error(Code::BadPattern, place, "the pattern must be a literal string", "write it in quotes");
            return None;
        };
        let node = if op == CompareOp::Like {
            self.patterns.push(Pattern::new(text));
            Node::Like(id, u32::try_from(self.patterns.len().saturating_sub(1)).ok()?)
        } else {
            match RegexBuilder::new(text).size_limit(MAX_REGEX).build() {
                Ok(regex) => self.regexes.push(regex),
                Err(error) => {
                    let why = error.to_string();
                    let why = why.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                    self.error(
                        Code::BadPattern,
                        place,
                        format!("this is no regular expression: {why}"),
                        "Rust's syntax; \\ is written \\\\ in a string",
                    );
                    return None;
                }
            }
            Node::Matches(id, u32::try_from(self.regexes.len().saturating_sub(1)).ok()?)
        };
        self.add(node, Type::Bool, site, &[id])
    }

    pub(super) fn quantifier(&mut self, source: SourceId, site: Site, quantifier: &Quantifier) -> Option<NodeId> {
        let Quantifier { all, variable, list, condition } = quantifier;
        let name_site = Site { source, span: variable.span };
        let name = variable.text.as_str();
        let taken = ROOTS.contains(&name)
            || builtins::find(name).is_some()
            || self.declarations.lets.contains_key(name)
            || self.variables.iter().any(|other| other == name);
        if taken {
            let message = format!("the variable `{name}` hides something of the same name");
            self.error(Code::Hides, name_site, message, "give it another name");
            return None;
        }
        if self.variables.len() >= MAX_QUANTIFIERS {
            let message = format!("more than {MAX_QUANTIFIERS} quantifiers stand within each other");
            self.error(Code::TooDeep, site, message, "flatten the data, or ask in two policies");
            return None;
        }
        let list_id = self.expr(source, list)?;
        let found = self.arena.type_of(list_id);
        if !found.may_be(&[Type::List]) {
            let site = Site { source, span: list.span };
            self.error(
                Code::TypeClash,
                site,
                format!("this is {found}, and must be a list"),
                "any(x IN list: condition)",
            );
            return None;
        }
        let depth = u8::try_from(self.variables.len()).ok()?;
        self.variables.push(variable.text.clone());
        let condition = self.boolean(source, condition, "the condition of any and all");
        self.variables.pop();
        let condition = condition?;
        let node = Node::Quantifier { all: *all, depth, list: list_id, condition };
        self.add(node, Type::Bool, site, &[list_id, condition])
    }

    pub(super) fn call(&mut self, source: SourceId, site: Site, name: &Name, args: &[Expr]) -> Option<NodeId> {
        let name_site = Site { source, span: name.span };
        let Some(builtin) = builtins::find(&name.text) else {
            let known = builtins::ALL.iter().map(|builtin| builtin.name);
            let message = format!("there is no function `{}`", name.text);
            let help = self.did_you_mean(&name.text, known);
            self.error(Code::UnknownName, name_site, message, help);
            return None;
        };
        if args.len() != builtin.parameters.len() {
            let (takes, given) = (builtin.parameters.len(), args.len());
            let noun = if takes == 1 { "argument" } else { "arguments" };
            let message = format!("`{}` takes {takes} {noun}, and here are {given}", name.text);
            self.error(Code::BadCall, site, message, builtin.summary);
            return None;
        }
        let ids = self.each(args, |this, arg| this.expr(source, arg))?;
        for ((id, arg), parameter) in ids.iter().zip(args).zip(builtin.parameters) {
            let site = Site { source, span: arg.span };
            let found = self.arena.type_of(*id);
            match parameter {
                Parameter::Path if !self.arena.is_path(*id) => {
                    let message = format!("`{}` asks about a path, and this is none", name.text);
                    self.error(Code::BadCall, site, message, builtin.summary);
                    return None;
                }
                Parameter::Value(types) if !found.may_be(types) => {
                    let message = format!("this is {found}, and `{}` cannot work with it", name.text);
                    self.error(Code::TypeClash, site, message, builtin.summary);
                    return None;
                }
                Parameter::Path | Parameter::Value(_) => {}
            }
        }
        let literals: Vec<Option<&Value<'static>>> = ids.iter().map(|id| self.arena.constant(*id)).collect();
        if let Some(Err(why)) = builtin.check.map(|check| check(&literals)) {
            self.error(Code::BadCall, site, why, builtin.summary);
            return None;
        }
        if let (Run::Zone(_), [_, zone]) = (builtin.run, &*ids) {
            self.zone(*zone).map_err(|why| self.error(Code::BadCall, site, why, builtin.summary)).ok()?;
        }
        let run = self.arena.run(&ids);
        self.add(Node::Call(builtin, run), builtin.returns, site, &ids)
    }

    /// Makes a time zone ready that a policy names.
    fn zone(&mut self, name: NodeId) -> Result<(), String> {
        let Some(Value::Str(name)) = self.arena.constant(name) else {
            return Err("the time zone must be a literal".to_owned());
        };
        let zone = jiff::tz::db().get(name).map_err(|_| {
            format!("there is no time zone \"{name}\"; they are called as IANA calls them, such as \"Europe/Berlin\"")
        })?;
        self.zones.insert(name.to_string(), zone);
        Ok(())
    }
}
