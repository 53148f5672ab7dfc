//! The guard against self-promotion: what users may write about themselves must not decide for them, unless the
//! policy says how it takes their word, or the definition says that it counts.

use std::collections::HashSet;

use crate::lang::{Code, Diagnostic};
use crate::model::{Bag, Definitions, Source};

use super::super::builtins::Run;
use super::super::path::{Lookup, Path, Step};
use super::super::program::{Node, NodeId, Program};
use super::{field_of, written};

/// Finds every policy that counts and reads what its users may write.
pub(super) fn check(program: &Program, definitions: &Definitions) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for policy in program.policies.iter().filter(|policy| !policy.shadow) {
        let mut reads: Vec<(NodeId, Bag, &str)> = Vec::new();
        let mut seen = HashSet::new();
        program.walk(policy.condition, &mut seen, &mut |node| {
            let Some(Node::Path(id)) = program.node(node) else { return };
            let Some(path) = program.path(*id) else { return };
            if is_bag(path) {
                // All traits at once are each of them.
                let traits = definitions.iter().filter(|definition| definition.kind == Bag::Traits);
                reads.extend(traits.map(|definition| (node, Bag::Traits, definition.slug.as_str())));
            }
            reads.extend(field_of(path).map(|(bag, slug)| (node, bag, slug)));
        });
        let taken: HashSet<(Bag, &str)> = asked_about(program, policy.condition).into_iter().collect();
        let mut reported = HashSet::new();
        for (node, bag, slug) in reads {
            let guarded = definitions.get(slug).is_some_and(|definition| {
                definition.kind == bag
                    && definition.writable_by.contains(&Source::User)
                    && !definition.grants_when_self_asserted
            });
            if !guarded || taken.contains(&(bag, slug)) || !reported.insert((bag, slug)) {
                continue;
            }
            let Some(site) = program.sites.get(node.0 as usize) else { continue };
            let path = written(bag, slug);
            let message = format!("`{}` decides by {path}, which users write about themselves", policy.name);
            findings.push(Diagnostic::error(Code::SelfPromotion, *site, message).help(format!(
                "test `self_asserted({path})` in the policy, take \"user\" out of its writableBy, or set \
                 \"grantsWhenSelfAsserted\": true in its definition if the user's own word is what counts"
            )));
        }
    }
    findings
}

/// The fields whose provenance a condition asks about.
fn asked_about(program: &Program, condition: NodeId) -> Vec<(Bag, &str)> {
    let mut asked = Vec::new();
    let mut seen = HashSet::new();
    program.visit(condition, &mut seen, &mut |_, node| {
        if let Node::Call(builtin, run) = node
            && matches!(builtin.run, Run::Provenance)
            && let [argument] = program.children(*run)
            && let Some(Node::Path(id)) = program.node(*argument)
        {
            asked.extend(program.path(*id).and_then(field_of));
        }
    });
    asked
}

/// Whether a path reads all traits at once.
fn is_bag(path: &Path) -> bool {
    path.lookup == Lookup::User && matches!(&*path.steps, [Step::Field(bag)] if bag == "traits")
}
