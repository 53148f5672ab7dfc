//! Syntax trees to a program: names become paths, `let`s become shared nodes, policies are numbered and indexed.
//! All mistakes of a set are found in one go.

mod arena;
mod calls;
mod declare;
mod expr;
mod names;
mod routes;

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::lang::ast::{File, Selector};
use crate::lang::{Code, Diagnostic, Site, SourceId, Sources};
use crate::model::{Bag, Definition, Definitions, Slug, Source};

use self::arena::Arena;
#[cfg(test)]
pub(super) use self::arena::MAX_STEPS;
use self::declare::{Declarations, Declared};
use self::expr::Resolver;
pub(super) use self::expr::number;
use super::index::Index;
use super::path::{Lookup, Path, Step};
use super::program::{PathId, Policy, PolicyId, Program};

/// What is resolved together.
pub(super) struct Set<'s> {
    pub(super) files: &'s [(SourceId, File)],
    pub(super) sources: &'s Arc<Sources>,
    pub(super) zone: jiff::tz::TimeZone,
    pub(super) revision: String,
    pub(super) definitions: &'s Definitions,
}

/// Resolves a whole set; `None` if there is an error.
pub(super) fn resolve(set: Set<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Program> {
    let Set { files, sources, zone, revision, definitions } = set;
    let declarations = Declarations::collect(files, diagnostics);
    let mut resolver = Resolver::new(&declarations, definitions, diagnostics);
    resolver.all_lets();
    let resolved: Vec<_> =
        declarations.policies.iter().filter_map(|declared| Some((declared, resolver.condition(declared)?))).collect();
    let routes = routes::resolve(&declarations.routes, resolver.diagnostics);
    let lets = declarations.named(&resolver.used);
    let (shared, shared_values) = (resolver.shared, resolver.shared_values);
    let (patterns, regexes, zones) = (resolver.patterns, resolver.regexes, resolver.zones);
    let Arena { nodes, sites, children, paths, .. } = resolver.arena;
    if diagnostics.iter().any(Diagnostic::is_error) {
        return None;
    }
    if resolved.is_empty() {
        let nothing = Diagnostic::warning(Code::NoPolicies, "there is no policy in this set, so it denies everything");
        diagnostics.push(nothing.help("allow NAME { action any resource any when true } allows everything"));
    }
    let mut policies = Vec::with_capacity(resolved.len());
    let (mut index, mut shadows) = (Index::default(), Index::default());
    for (number, (declared, condition)) in (0..).zip(resolved) {
        let Declared { source, policy, reason, .. } = *declared;
        let into = if policy.shadow { &mut shadows } else { &mut index };
        let selector = |written: Option<&Selector>| written.cloned().unwrap_or(Selector::Any);
        let (action, resource) = (selector(declared.action), selector(declared.resource));
        into.insert(PolicyId(number), &action, &resource);
        policies.push(Policy {
            shadow: policy.shadow,
            effect: policy.effect,
            name: policy.name.text.clone(),
            site: Site { source, span: policy.name.span },
            action,
            resource,
            reason: reason.map(str::to_owned),
            condition: condition.whole,
            when: condition.when,
            unless: condition.unless,
        });
    }
    let named = (0..).map(PathId).zip(&paths).filter_map(|(id, path)| Some((SmolStr::new(path.stored_name()?), id)));
    let stored = named.collect();
    let sources = sources.clone();
    let reads_user = paths.iter().any(|path| matches!(path.lookup, Lookup::User | Lookup::Login));
    let attribute = |path: &Path| match (path.lookup, path.steps.first()) {
        (Lookup::ResourceAttribute, Some(Step::Field(name))) => Some(SmolStr::new(name)),
        _ => None,
    };
    let mut resource_attributes: Vec<SmolStr> = paths.iter().filter_map(attribute).collect();
    resource_attributes.sort_unstable();
    resource_attributes.dedup();
    let mut program = Program {
        nodes,
        sites,
        children,
        paths,
        stored,
        policies,
        index,
        shadows,
        routes,
        patterns,
        regexes,
        shared,
        shared_values,
        lets,
        zone,
        zones,
        reads_user,
        resource_attributes,
        user_writable: fields(definitions, |definition| definition.writable_by.contains(&Source::User)),
        sensitive: fields(definitions, |definition| definition.sensitive),
        defaults: definitions.defaults(),
        sources,
        revision,
    };
    let (mut index, mut shadows) = (std::mem::take(&mut program.index), std::mem::take(&mut program.shadows));
    index.group(&program);
    shadows.group(&program);
    (program.index, program.shadows) = (index, shadows);
    Some(program)
}

/// The fields with a certain kind of definition.
fn fields(definitions: &Definitions, which: impl Fn(&Definition) -> bool) -> HashMap<Slug, Bag> {
    definitions.iter().filter(|one| which(one)).map(|one| (one.slug.clone(), one.kind)).collect()
}
