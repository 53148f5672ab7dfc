//! What is wrong with a program as a whole: each finding in the file of its name.
//!
//! Errors are found whenever a set is compiled. Warnings cost more, and are found when somebody asks.

mod absent_turns_on;
mod dead_route;
mod duplicate_policy;
mod look_alike;
mod never_applies;
mod never_equal;
mod possible;
mod self_promotion;
mod shape;
mod undefined_trait;
mod unused_let;

use crate::lang::Diagnostic;
use crate::model::{Bag, Definitions, TenantSettings};

pub(super) use self::undefined_trait::mend;
use super::Program;
use super::path::{Lookup, Path, Step};
use super::program::{Node, NodeId};

/// What keeps a program from being used.
pub(super) fn errors(program: &Program, definitions: &Definitions, settings: &TenantSettings) -> Vec<Diagnostic> {
    let mut findings = self_promotion::check(program, definitions);
    if settings.defined_traits_only {
        findings.extend(undefined_traits(program, definitions));
    }
    findings
}

/// Traits that nobody defined, where only defined ones are accepted.
pub(super) fn undefined_traits(program: &Program, definitions: &Definitions) -> Vec<Diagnostic> {
    undefined_trait::check(program, definitions, true)
}

/// What somebody should look at.
pub(super) fn warnings(program: &Program, definitions: &Definitions, settings: &TenantSettings) -> Vec<Diagnostic> {
    let mut findings = never_equal::check(program, definitions);
    let never_apply = never_applies::check(program, definitions, &findings);
    findings.extend(never_apply);
    if !settings.defined_traits_only {
        findings.extend(undefined_trait::check(program, definitions, false));
    }
    findings.extend(duplicate_policy::check(program));
    findings.extend(absent_turns_on::check(program, definitions));
    findings.extend(dead_route::check(program));
    findings.extend(look_alike::check(program));
    findings.extend(unused_let::check(program));
    findings
}

/// The field of a user that a path reads.
pub(super) fn field_of(path: &Path) -> Option<(Bag, &str)> {
    match (path.lookup, &*path.steps) {
        (Lookup::User, [Step::Field(bag), Step::Field(slug), ..]) if bag == "traits" => Some((Bag::Traits, slug)),
        (Lookup::User, [Step::Field(slug), ..]) if !matches!(slug.as_str(), "traits" | "consents" | "id") => {
            Some((Bag::Profile, slug))
        }
        _ => None,
    }
}

/// A field as policies write it.
pub(super) fn written(bag: Bag, slug: &str) -> String {
    match bag {
        Bag::Traits => format!("user.traits.{slug}"),
        Bag::Profile => format!("user.{slug}"),
    }
}

impl Program {
    /// Every node with its number.
    fn numbered(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.nodes)
    }

    /// The path that a node is.
    fn path_of(&self, id: NodeId) -> Option<&Path> {
        match self.node(id)? {
            Node::Path(path) => self.path(*path),
            Node::Shared(_, inner) | Node::SharedValue(_, inner) => self.path_of(*inner),
            _ => None,
        }
    }
}
