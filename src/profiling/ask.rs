//! Which rule asks at a login, and what.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::model::{
    Access, Action, Condition, Entity, Facts, Object, ObjectRef, ProfilingSettings, PromptState, Query, Stored,
    UserRecord, ValueRef,
};

use super::rules::{CompiledRule, Field, RuleSet};

/// A login of a user, and all that is known when it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The user's id.
    pub user: &'a str,
    /// What is stored of the user.
    pub record: &'a UserRecord,
    /// The user's logins, in the shape that a policy reads.
    pub login: ObjectRef<'a>,
    /// How the rules stand with the user.
    pub states: &'a HashMap<String, PromptState>,
    /// Names the login.
    pub login_id: &'a str,
    /// The client that the user signs in to.
    pub client: Option<&'a str>,
    /// How many optional rules this login has shown.
    pub prompted: u32,
    /// The access that is decided about, by action and type of resource; none at a login.
    pub access: Option<(&'a str, &'a str)>,
    /// The moment.
    pub now: jiff::Timestamp,
}

/// What to ask.
#[derive(Debug, Clone)]
pub struct Ask<'r> {
    /// The rule.
    pub rule: &'r CompiledRule,
    /// Those of its fields that the page shows.
    pub fields: Vec<&'r Field>,
}

/// Whether a rule asks, and why it does or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'r> {
    /// The rule.
    pub id: &'r str,
    /// What it asks, as it is written.
    pub fields: &'r [String],
    /// Whether it would ask.
    pub asks: bool,
    /// The reason, in a sentence.
    pub why: String,
}

/// The first rule that asks.
#[must_use]
pub fn ask<'r>(rules: &'r RuleSet, settings: ProfilingSettings, visit: &Visit<'_>) -> Option<Ask<'r>> {
    if !settings.enabled {
        return None;
    }
    rules.rules.iter().find_map(|rule| match judge(rule, settings, visit) {
        Ok(fields) => Some(Ask { rule, fields }),
        Err(_) => None,
    })
}

/// Whether a rule by itself would ask, at a login to whatever client it is for.
#[must_use]
pub fn asks(rule: &CompiledRule, settings: ProfilingSettings, visit: &Visit<'_>) -> bool {
    judge(rule, settings, &Visit { client: rule.rule.client.as_deref(), ..*visit }).is_ok()
}

/// What every rule would do, and why.
#[must_use]
pub fn verdicts<'r>(rules: &'r RuleSet, settings: ProfilingSettings, visit: &Visit<'_>) -> Vec<Verdict<'r>> {
    let verdict = |rule: &'r CompiledRule| {
        let judged =
            if settings.enabled { judge(rule, settings, visit) } else { Err("profiling is switched off".to_owned()) };
        let (id, fields, asks) = (&rule.id, &rule.rule.fields, judged.is_ok());
        let asked = |fields: Vec<&Field>| {
            format!("asks {}", fields.iter().map(|field| field.slug.as_str()).collect::<Vec<_>>().join(", "))
        };
        Verdict { id, fields, asks, why: judged.map_or_else(|why| why, asked) }
    };
    rules.rules.iter().map(verdict).collect()
}

/// The fields that a rule asks, or why it does not.
fn judge<'r>(rule: &'r CompiledRule, settings: ProfilingSettings, visit: &Visit<'_>) -> Result<Vec<&'r Field>, String> {
    let written = &rule.rule;
    if let Some(client) = &written.client
        && visit.client != Some(client)
    {
        return Err(format!("it asks only at logins to {client}"));
    }
    let fields: Vec<&Field> =
        rule.fields.iter().filter(|field| written.confirm || is_missing(visit.record, field)).collect();
    if fields.is_empty() {
        return Err("none of its fields is missing".to_owned());
    }
    let state = visit.states.get(&rule.id).cloned().unwrap_or_default();
    let done_now = state.done_at_login.as_deref() == Some(visit.login_id);
    // A required rule with a field that is still missing was not answered, whatever was clicked.
    if done_now && !(written.required && fields.iter().any(|field| is_missing(visit.record, field))) {
        return Err("it was answered or skipped at this login".to_owned());
    }
    if !written.required {
        if let Some(most) = written.max_skips
            && state.skips >= most
        {
            return Err(format!("it was skipped {} times, and is not asked again", state.skips));
        }
        if let Some(until) = state.snoozed_until
            && visit.now < until
        {
            return Err(format!("it was skipped, and is quiet until {until:.0}"));
        }
        if visit.prompted >= settings.max_prompts_per_login {
            return Err("this login has shown as many optional rules as it may".to_owned());
        }
    }
    holds(rule, visit)?;
    Ok(fields)
}

/// Whether the condition holds, or why it does not.
fn holds(rule: &CompiledRule, visit: &Visit<'_>) -> Result<(), String> {
    let count = match visit.login.get("count") {
        Some(ValueRef::Int(count)) => u64::try_from(count).unwrap_or(0),
        _ => 0,
    };
    match (&rule.rule.condition, visit.access) {
        (Condition::OnAccess(guarded), Some(access)) if (&*guarded.action, &*guarded.resource) == access => {
            return Ok(());
        }
        (Condition::OnAccess(Access { action, resource }), _) => {
            return Err(format!("it asks at a decision about {action} on {resource}"));
        }
        (_, Some(_)) => return Err("it asks at logins".to_owned()),
        (_, None) => {}
    }
    match &rule.rule.condition {
        // These are dealt with.
        Condition::OnAccess(_) => Ok(()),
        Condition::Missing | Condition::Always => Ok(()),
        // Asked again at later logins only if there is no way round it.
        Condition::FirstLogin if count <= 1 || rule.rule.required => Ok(()),
        Condition::FirstLogin => Err(format!("it asks at the first login, and this is login {count}")),
        Condition::LoginCount(least) if count >= *least => Ok(()),
        Condition::LoginCount(least) => Err(format!("it asks from login {least} on, and this is login {count}")),
        Condition::AfterDays(days) => {
            let Some(ValueRef::Time(first)) = visit.login.get("first_at") else {
                return Err("the user has not signed in yet".to_owned());
            };
            let date = |at: jiff::Timestamp| TimeZone::UTC.to_datetime(at).date();
            let passed = date(first).until(date(visit.now)).map_or(0, |span| span.get_days());
            if i64::from(passed) >= i64::from(*days) {
                Ok(())
            } else {
                Err(format!("it asks {days} days after the first login, and {passed} have passed"))
            }
        }
        Condition::When(_) => match rule.expression.as_ref().and_then(|expression| truth(expression, visit)) {
            Some(true) => Ok(()),
            Some(false) => Err("its condition is false".to_owned()),
            None => Err("its condition is unknown".to_owned()),
        },
    }
}

fn truth(expression: &crate::engine::Condition, visit: &Visit<'_>) -> Option<bool> {
    let query = Query {
        subject: Entity { kind: "user".into(), id: visit.user.into(), properties: Object::new() },
        action: Action { name: "login".into(), properties: Object::new() },
        resource: Entity { kind: "client".into(), id: visit.client.unwrap_or("").into(), properties: Object::new() },
        context: Object::new(),
        now: visit.now,
    };
    let facts = Facts { login: Stored::Present(visit.login), ..Facts::of_user(visit.record) };
    expression.truth(&query, &facts)
}

/// Whether a user has no value for a field: nothing, null, or a string that shows nothing.
#[must_use]
pub fn is_missing(record: &UserRecord, field: &Field) -> bool {
    match record.field(field.bag, field.slug.as_str()) {
        None | Some(ValueRef::Null) => true,
        Some(ValueRef::Str(text)) => is_blank(text),
        Some(_) => false,
    }
}

/// Whether nobody would see anything in a text: white space, zero-width characters, directions.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{2065}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{34f}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{2800}')
    })
}
