//! A trait, a profile field or a part of `login` that there is not: misspelt, most likely.

use crate::lang::{Code, Diagnostic, Severity, suggest};
use crate::model::{Bag, Definitions};

use super::super::path::{Lookup, Path, Step};
use super::super::program::{Node, Program};
use super::{field_of, written};

/// Finds them; as errors where only defined traits are accepted. A tenant that defines no traits at all means to do
/// without definitions, and only its profile fields are looked at.
pub(super) fn check(program: &Program, definitions: &Definitions, refused: bool) -> Vec<Diagnostic> {
    let defines_traits = refused || definitions.any_traits();
    let mut findings = Vec::new();
    for (id, node) in program.numbered() {
        let Node::Path(path) = node else { continue };
        let Some(path) = program.path(*path) else { continue };
        if let (Some(name), Some(site)) = (unknown_of_login(path), program.sites.get(id.0 as usize)) {
            let finding =
                Diagnostic::at(Severity::Warning, Code::UnknownTrait, *site, format!("there is no login.{name}"));
            findings.push(finding.help(match suggest(name, LOGIN.into_iter()) {
                Some(meant) => format!("did you mean `login.{meant}`?"),
                None => format!("there are login.{}", LOGIN.join(", login.")),
            }));
        }
        let Some((bag, slug)) = field_of(path) else { continue };
        let defined = definitions.get(slug).is_some_and(|definition| definition.kind == bag);
        if defined || (bag == Bag::Traits && !defines_traits) {
            continue;
        }
        let Some(site) = program.sites.get(id.0 as usize) else { continue };
        let what = if bag == Bag::Traits { "trait" } else { "profile field" };
        let message = format!("there is no {what} `{slug}`");
        let (code, severity) =
            if refused { (Code::UndefinedTrait, Severity::Error) } else { (Code::UnknownTrait, Severity::Warning) };
        let finding = Diagnostic::at(severity, code, *site, message);
        findings.push(finding.help(mend(bag, slug, definitions)));
    }
    findings
}

/// What logins are known by.
const LOGIN: [&str; 3] = ["count", "first_at", "last_at"];

/// What a path asks of logins that is known of none.
fn unknown_of_login(path: &Path) -> Option<&str> {
    match path.steps.first() {
        Some(Step::Field(name)) if path.lookup == Lookup::Login => {
            Some(name.as_str()).filter(|name| !LOGIN.contains(name))
        }
        _ => None,
    }
}

/// What was meant, most likely.
pub(in super::super) fn mend(bag: Bag, slug: &str, definitions: &Definitions) -> String {
    if let Some(elsewhere) = definitions.get(slug) {
        return format!("did you mean `{}`?", written(elsewhere.kind, slug));
    }
    let bags = ["traits", "consents"].into_iter().filter(|_| bag == Bag::Profile);
    match suggest(slug, definitions.iter().map(|definition| definition.slug.as_str()).chain(bags)) {
        Some(meant @ ("traits" | "consents")) if definitions.get(meant).is_none() => {
            format!("did you mean `user.{meant}`?")
        }
        Some(meant) => format!("did you mean `{}`?", written(definitions.bag(meant), meant)),
        None if bag == Bag::Profile => format!("a trait is written user.traits.{slug}; else define it in traits.json"),
        None => "define it in traits.json".to_owned(),
    }
}
