//! What the policy language means, written a second time: plainly, from its description alone, and as slowly as it
//! takes. It walks the syntax tree and puts `let`s in where it meets them; it knows no index, no arena, no sharing.
//! Where the engine and this file differ, one of them has misread the language.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::tz::TimeZone;
use sidegate::engine::Compiled;
use sidegate::lang::ast::{Clause, ClauseKind, Effect, Expr, ItemKind, Policy, Selector};
use sidegate::lang::parse;
use sidegate::model::{Facts, Object, ObjectRef, Query, Stored, Value};

use super::expressions::Scope;
use super::values::{Read, V, members};

/// A policy set as it was written.
pub struct Policies {
    lets: HashMap<String, Expr>,
    policies: Vec<Policy>,
    defaults: Object<'static>,
    zone: TimeZone,
}

/// What is answered to a query, and why.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub allow: bool,
    /// The policies of the winning effect that apply, in name order.
    pub policies: Vec<String>,
    /// What each candidate's condition is worth.
    pub conditions: BTreeMap<String, Option<bool>>,
    /// Candidates with an expression in them that reads nothing and is unknown all the same.
    pub fail_by_themselves: BTreeSet<String>,
    /// Shadow policies that would apply: denies first, in name order.
    pub shadows: Vec<String>,
}

impl Policies {
    pub fn of(compiled: &Compiled) -> Self {
        let mut policies = Self {
            lets: HashMap::new(),
            policies: Vec::new(),
            defaults: compiled.definitions.defaults(),
            zone: TimeZone::get(&compiled.settings.time_zone).unwrap(),
        };
        for (id, source) in compiled.sources.iter().filter(|(_, source)| source.name.ends_with(".policy")) {
            for item in parse(id, source).0.items {
                match item.kind {
                    ItemKind::Let(named) => drop(policies.lets.insert(named.name.text.to_string(), named.value)),
                    ItemKind::Policy(policy) => policies.policies.push(policy),
                    ItemKind::Route(_) | ItemKind::Test(_) => {}
                }
            }
        }
        policies.policies.sort_by_key(|policy| (policy.effect, policy.name.text.clone()));
        policies
    }

    pub fn answer(&self, query: &Query<'_>, facts: &Facts<'_>) -> Answer {
        let roots = roots(self, query, facts);
        let scope = Scope { lets: &self.lets, query, facts, zone: &self.zone, roots: &roots, variables: Vec::new() };
        let names = |selector: &Selector, name: &str| match selector {
            Selector::Any => true,
            Selector::Named(texts) => texts.iter().any(|text| text.text == name),
        };
        let candidate = |policy: &&Policy| {
            policy.clauses.iter().all(|clause| match &clause.kind {
                ClauseKind::Action(selector) => names(selector, &query.action.name),
                ClauseKind::Resource(selector) => names(selector, &query.resource.kind),
                _ => true,
            })
        };
        let applies = |policy: &Policy, condition: Option<bool>| match policy.effect {
            Effect::Deny => condition != Some(false),
            Effect::Allow => condition == Some(true),
        };
        let (mut conditions, mut fail_by_themselves) = (BTreeMap::new(), BTreeSet::new());
        let (mut shadows, mut denies, mut allows) = (vec![], vec![], vec![]);
        for policy in self.policies.iter().filter(candidate) {
            let (name, condition) = (policy.name.text.to_string(), scope.condition(&policy.clauses));
            if !policy.shadow {
                conditions.insert(name.clone(), condition);
                let mut parts = policy.clauses.iter().filter_map(expression);
                if condition.is_none() && parts.any(|part| scope.fails_by_itself(part)) {
                    fail_by_themselves.insert(name.clone());
                }
            }
            if applies(policy, condition) {
                match policy.effect {
                    _ if policy.shadow => shadows.push(name),
                    Effect::Deny => denies.push(name),
                    Effect::Allow => allows.push(name),
                }
            }
        }
        let allow = denies.is_empty() && !allows.is_empty();
        let policies = if allow { allows } else { denies };
        Answer { allow, policies, conditions, fail_by_themselves, shadows }
    }
}

fn expression(clause: &Clause) -> Option<&Expr> {
    match &clause.kind {
        ClauseKind::When(condition) | ClauseKind::Unless(condition) => Some(condition),
        _ => None,
    }
}

/// What was written down: the reference knows nothing of packed records.
fn plain<'a>(object: ObjectRef<'a>) -> &'a Object<'a> {
    match object {
        ObjectRef::Plain(object) => object,
        ObjectRef::Packed(packed) => panic!("{packed:?}"),
    }
}

/// What the roots hold.
fn roots(policies: &Policies, query: &Query<'_>, facts: &Facts<'_>) -> BTreeMap<&'static str, Read> {
    let user = match (query.subject.user_id(), facts.user) {
        (None, _) | (_, Stored::Absent) => Read::Absent,
        (_, Stored::Unreachable) => Read::Unknown,
        (_, Stored::Present(user)) => Read::Here(V::Object(with_defaults(members(plain(user)), &policies.defaults))),
    };
    let login = match facts.login {
        Stored::Present(login) => Read::Here(V::Object(members(plain(login)))),
        Stored::Absent => Read::Absent,
        Stored::Unreachable => Read::Unknown,
    };
    let mut attributes = match facts.resource {
        Stored::Present(attributes) => members(plain(attributes)),
        Stored::Absent | Stored::Unreachable => BTreeMap::new(),
    };
    attributes.extend(members(&query.resource.properties));

    let text = |text: &str| Read::Here(V::Text(text.to_owned()));
    let bag = |properties: BTreeMap<String, Read>, own: &[(&str, &str)]| {
        let mut all = properties.clone();
        all.insert("properties".to_owned(), Read::Here(V::Object(properties)));
        all.extend(own.iter().map(|(key, value)| ((*key).to_owned(), text(value))));
        Read::Here(V::Object(all))
    };
    let (subject, action, resource) = (&query.subject, &query.action, &query.resource);

    let local = policies.zone.to_datetime(query.now);
    let number = |n: i8| Read::Here(V::Int(n.into()));
    let day = local.weekday().to_monday_one_offset();
    let mut env = members(&query.context);
    for (key, told) in [
        ("time", Read::Here(V::Time(query.now))),
        ("hour", number(local.hour())),
        ("minute", number(local.minute())),
        ("day_of_week", number(day)),
        ("is_weekend", Read::Here(V::Bool(day >= 6))),
    ] {
        env.insert(key.to_owned(), told);
    }
    BTreeMap::from([
        ("user", user),
        ("login", login),
        ("subject", bag(members(&subject.properties), &[("type", &subject.kind), ("id", &subject.id)])),
        ("action", bag(members(&action.properties), &[("name", &action.name)])),
        ("resource", bag(attributes, &[("type", &resource.kind), ("id", &resource.id)])),
        ("env", Read::Here(V::Object(env))),
        ("token", facts.token.map_or(Read::Absent, |claims| Read::Here(V::Object(members(claims))))),
    ])
}

/// Defaults of definitions, for what a stored user does not have.
fn with_defaults(mut user: BTreeMap<String, Read>, defaults: &Object<'_>) -> BTreeMap<String, Read> {
    for (key, default) in defaults.iter() {
        let stored = user.remove(key).unwrap_or(Read::Absent);
        let filled = match (key, stored, default) {
            ("traits", Read::Absent, _) => Read::from(default),
            ("traits", Read::Here(V::Object(traits)), Value::Object(defaults)) => {
                Read::Here(V::Object(with_defaults(traits, defaults)))
            }
            (_, Read::Absent, _) => Read::from(default),
            (_, stored, _) => stored,
        };
        user.insert(key.to_owned(), filled);
    }
    user
}
