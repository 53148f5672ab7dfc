//! Two names that readers take for one: they differ by case only, or by letters of another script that look the same.

use std::collections::{BTreeMap, HashMap};

use unicode_security::skeleton;

use crate::lang::ast::{Selector, Text};
use crate::lang::{Code, Diagnostic, Severity, Site};

use super::super::program::Program;

/// One use of a name.
type Use<'p> = (&'p str, Site);

pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let policies = program.policies.iter().map(|policy| (policy.name.as_str(), policy.site));
    let lets = program.lets.iter().map(|declared| (declared.name.as_str(), declared.site));
    let routes = || program.routes.iter();
    let named = |selector: fn(&super::super::program::Policy) -> &Selector| {
        program.policies.iter().flat_map(move |policy| {
            let texts: &[Text] = match selector(policy) {
                Selector::Named(texts) => texts,
                Selector::Any => &[],
            };
            texts.iter().map(|text| (text.text.as_str(), Site { span: text.span, ..policy.site }))
        })
    };
    let actions = named(|policy| &policy.action).chain(routes().map(|route| (route.action.as_str(), route.site)));
    let resources = named(|policy| &policy.resource).chain(routes().map(|route| (route.resource.as_str(), route.site)));
    let mut findings = confused("name", policies.chain(lets));
    findings.extend(confused("action", actions));
    findings.extend(confused("type of resources", resources));
    findings
}

/// The names that look like another one which is used more often, or before.
fn confused<'p>(what: &str, uses: impl Iterator<Item = Use<'p>>) -> Vec<Diagnostic> {
    let mut looks: HashMap<String, BTreeMap<&'p str, Vec<Site>>> = HashMap::new();
    for (name, site) in uses {
        let look: String = skeleton(&name.to_lowercase()).collect();
        looks.entry(look).or_default().entry(name).or_default().push(site);
    }
    let mut findings = Vec::new();
    for alike in looks.into_values().filter(|alike| alike.len() > 1) {
        let rank = |(name, sites): &(&&str, &Vec<Site>)| {
            let first = sites.first().map(|site| (site.source, site.span.start));
            (sites.len(), name.is_ascii(), std::cmp::Reverse(first))
        };
        let usual = alike.iter().max_by_key(rank);
        let Some((usual, at)) = usual.and_then(|(name, sites)| Some((*name, *sites.first()?))) else { continue };
        for (name, sites) in alike.iter().filter(|(name, _)| **name != usual) {
            let Some(site) = sites.first() else { continue };
            let message = format!("the {what} {name:?} looks like {usual:?}, and is another one");
            let finding = Diagnostic::at(Severity::Warning, Code::LookAlike, *site, message);
            findings
                .push(finding.also(at, "the other one").help("spell them alike if they are the same, or rename one"));
        }
    }
    findings
}
