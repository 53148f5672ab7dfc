//! What a set declares: one namespace for all files, names that hide nothing, clauses that stand once.

use std::collections::{HashMap, HashSet};

use crate::lang::ast::{ClauseKind, Effect, Expr, File, Item, ItemKind, Let, Name, Policy, Route, Selector};
use crate::lang::{Code, Diagnostic, Site, SourceId};

use super::super::builtins;
use super::super::path::ROOTS;
use super::super::program::Named;

/// A policy may be entered in the index in so many places.
const MAX_PLACES: usize = 10_000;

/// A policy with its clauses sorted.
pub(super) struct Declared<'f> {
    pub(super) source: SourceId,
    pub(super) policy: &'f Policy,
    pub(super) action: Option<&'f Selector>,
    pub(super) resource: Option<&'f Selector>,
    pub(super) when: Option<&'f Expr>,
    pub(super) unless: Option<&'f Expr>,
    pub(super) reason: Option<&'f str>,
}

/// All declarations of a set.
#[derive(Default)]
pub(super) struct Declarations<'f> {
    pub(super) lets: HashMap<&'f str, (SourceId, &'f Let)>,
    /// `let`s in the order they were written, so that diagnostics come in that order.
    pub(super) let_order: Vec<&'f str>,
    /// Denies before allows, each by name: the order of evaluation.
    pub(super) policies: Vec<Declared<'f>>,
    /// Routes in the order they were written.
    pub(super) routes: Vec<(SourceId, &'f Route)>,
    /// Whether something was declared that could not be read: then a name that nobody declared is no news.
    pub(super) incomplete: bool,
}

impl<'f> Declarations<'f> {
    pub(super) fn collect(files: &'f [(SourceId, File)], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut taken: HashMap<&str, Site> = HashMap::new();
        let mut all = Self { incomplete: files.iter().any(|(_, file)| file.lost), ..Self::default() };
        for (source, file) in files {
            for item in &file.items {
                let name = match &item.kind {
                    ItemKind::Let(declared) => &declared.name,
                    ItemKind::Policy(policy) => &policy.name,
                    ItemKind::Route(route) => {
                        all.routes.push((*source, route));
                        continue;
                    }
                    ItemKind::Test(test) => {
                        let site = Site { source: *source, span: test.name.span };
                        let message = "tests stand in files of their own";
                        diagnostics.push(
                            Diagnostic::error(Code::BadTest, site, message)
                                .help("move it to a file that ends in _test.policy"),
                        );
                        continue;
                    }
                };
                let site = Site { source: *source, span: name.span };
                if let Some(first) = taken.get(name.text.as_str()) {
                    let message = format!("the name `{}` is declared twice", name.text);
                    diagnostics.push(
                        Diagnostic::error(Code::DeclaredTwice, site, message)
                            .note("declared again here")
                            .also(*first, "first declared here")
                            .help("all .policy files of a tenant share one namespace: rename one of them"),
                    );
                    continue;
                }
                taken.insert(&name.text, site);
                diagnostics.extend(hides(item, name, site));
                match &item.kind {
                    ItemKind::Let(declared) => {
                        all.lets.insert(&name.text, (*source, declared));
                        all.let_order.push(&name.text);
                    }
                    ItemKind::Policy(policy) => all.policies.push(sort_clauses(*source, policy, diagnostics)),
                    ItemKind::Route(_) | ItemKind::Test(_) => {}
                }
            }
        }
        all.policies
            .sort_by(|a, b| (a.policy.effect, &a.policy.name.text).cmp(&(b.policy.effect, &b.policy.name.text)));
        all
    }
}

impl Declarations<'_> {
    /// The `let`s with their places, and whether they are among those in use.
    pub(super) fn named(&self, in_use: &HashSet<&str>) -> Vec<Named> {
        let named = |name: &&str| {
            let (source, declared) = self.lets.get(name)?;
            let site = Site { source: *source, span: declared.name.span };
            Some(Named { name: declared.name.text.clone(), site, used: in_use.contains(*name) })
        };
        self.let_order.iter().filter_map(named).collect()
    }
}

/// Names of functions are nobody else's; those of roots are no `let`'s.
fn hides(item: &Item, name: &Name, site: Site) -> Option<Diagnostic> {
    let what = if builtins::find(&name.text).is_some() {
        "a function"
    } else if matches!(item.kind, ItemKind::Let(_)) && ROOTS.contains(&name.text.as_str()) {
        "a root"
    } else {
        return None;
    };
    let message = format!("`{}` is {what} of the language, and cannot be declared", name.text);
    Some(Diagnostic::error(Code::Hides, site, message).help("give it another name"))
}

fn sort_clauses<'f>(source: SourceId, policy: &'f Policy, diagnostics: &mut Vec<Diagnostic>) -> Declared<'f> {
    let mut declared =
        Declared { source, policy, action: None, resource: None, when: None, unless: None, reason: None };
    let mut seen: HashMap<&str, Site> = HashMap::new();
    for clause in &policy.clauses {
        let site = Site { source, span: clause.span };
        let keyword = match &clause.kind {
            ClauseKind::Action(selector) => {
                declared.action = Some(selector);
                "action"
            }
            ClauseKind::Resource(selector) => {
                declared.resource = Some(selector);
                "resource"
            }
            ClauseKind::When(condition) => {
                declared.when = Some(condition);
                "when"
            }
            ClauseKind::Unless(condition) => {
                declared.unless = Some(condition);
                "unless"
            }
            ClauseKind::Reason(text) => {
                declared.reason = Some(&text.text);
                "reason"
            }
        };
        if let Some(first) = seen.insert(keyword, site)
            && !policy.lost
        {
            let message = format!("`{}` has two `{keyword}` clauses", policy.name.text);
            diagnostics.push(
                Diagnostic::error(Code::ClauseTwice, site, message)
                    .also(first, "the first one")
                    .help("join conditions with AND or OR; list actions and resource types with commas"),
            );
        }
    }
    let name = Site { source, span: policy.name.span };
    let named = |selector: Option<&Selector>| match selector {
        Some(Selector::Named(names)) => names.len(),
        _ => 1,
    };
    let places = named(declared.action).saturating_mul(named(declared.resource));
    if places > MAX_PLACES {
        let message = format!("{places} pairs of an action and a resource type are more than {MAX_PLACES}");
        let help = "write `any` and test action.name or resource.type in the condition";
        diagnostics.push(Diagnostic::error(Code::TooManyNames, name, message).help(help));
    }
    for (keyword, missing) in [("action", declared.action.is_none()), ("resource", declared.resource.is_none())] {
        if missing && !policy.lost {
            let kind = match policy.effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            };
            let message = format!("`{kind} {}` has no `{keyword}` clause", policy.name.text);
            let help = format!("write `{keyword} any` if it is meant for all of them");
            diagnostics.push(Diagnostic::error(Code::MissingClause, name, message).help(help));
        }
    }
    declared
}
