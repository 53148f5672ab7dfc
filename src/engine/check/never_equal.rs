//! A comparison with a value that the definition of the field does not allow.

use crate::lang::ast::CompareOp;
use crate::lang::{Code, Diagnostic, Severity, Site, Span, suggest};
use crate::model::{Bag, Definition, Definitions, Value};

use super::super::operand::{Operand, equal};
use super::super::program::{Node, NodeId, Program};
use super::field_of;

pub(super) fn check(program: &Program, definitions: &Definitions) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (_, node) in program.numbered() {
        let Node::Compare(op, left, right) = node else { continue };
        let sides = match op {
            CompareOp::Equal | CompareOp::NotEqual => vec![(*left, *right), (*right, *left)],
            CompareOp::In => vec![(*left, *right)],
            _ => continue,
        };
        for (field, values) in sides {
            let Some((definition, fallback)) = defined(program, definitions, field) else { continue };
            let Some(Node::Const(value)) = program.node(values) else { continue };
            let each = match (op, value) {
                (CompareOp::In, Value::List(items)) => items.iter().collect(),
                _ => vec![value],
            };
            let allowed = |value: &Value<'static>| {
                definition.allowed_values.iter().chain(fallback.iter().copied()).any(|allowed| same(allowed, value))
            };
            for value in each.into_iter().filter(|value| !allowed(value)) {
                let Some(site) = program.sites.get(values.0 as usize) else { continue };
                let site = within(program, *site, value);
                let message = format!("{} is never {}", definition.slug, value.to_text());
                let finding = Diagnostic::at(Severity::Warning, Code::NeverEqual, site, message);
                findings.push(finding.help(mend(definition, value)));
            }
        }
    }
    findings
}

/// The definition of the field that a node reads, and the defaults that stand in for it.
fn defined<'p>(
    program: &'p Program,
    definitions: &'p Definitions,
    id: NodeId,
) -> Option<(&'p Definition, Vec<&'p Value<'static>>)> {
    let (field, fallback) = match program.node(id)? {
        Node::Default(run) => match program.children(*run) {
            [field, literal] => match program.node(*literal)? {
                Node::Const(literal) => (*field, vec![literal]),
                _ => return None,
            },
            _ => return None,
        },
        _ => (id, Vec::new()),
    };
    let path = program.path_of(field)?;
    let (bag, slug) = field_of(path)?;
    let steps = if bag == Bag::Traits { 2 } else { 1 };
    let definition = definitions.get(slug)?;
    let closed = !definition.allowed_values.is_empty();
    (definition.kind == bag && path.steps.len() == steps && closed).then_some((definition, fallback))
}

/// The place of a value in a list that holds it.
fn within(program: &Program, list: Site, value: &Value<'static>) -> Site {
    let written = serde_json::to_string(value).unwrap_or_default();
    let Some(at) = program.sources.text(list).find(&written) else { return list };
    let start = list.span.start.saturating_add(at as u32);
    Site { span: Span::new(start, start.saturating_add(written.len() as u32)), ..list }
}

fn same(a: &Value<'static>, b: &Value<'static>) -> bool {
    Operand::of(a).zip(Operand::of(b)).and_then(|(a, b)| equal(&a, &b)) == Some(true)
}

fn mend(definition: &Definition, value: &Value<'static>) -> String {
    let allowed: Vec<String> = definition.allowed_values.iter().map(Value::to_text).collect();
    match suggest(&value.to_text(), allowed.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("its definition allows {}", allowed.join(", ")),
    }
}
