//! `portal/settings/authentication`: progressive profiling on or off, and its rules.

use askama::Template;
use http::StatusCode;

use crate::model::{Access, Condition, Precondition, ProfilingSettings, Rule, UserId};
use crate::service::{ServiceError, Tenant, check_rules};
use crate::web::{Reply, form_value, parse_list_text};

use super::frame::{Admitted, Frame};

#[derive(Template)]
#[template(path = "authentication.html", config = "src/web/askama.toml")]
struct Page<'a> {
    frame: Frame<'a>,
    notice: Option<String>,
    errors: Vec<String>,
    enabled: bool,
    max_prompts: u32,
    in_words: Vec<String>,
    /// What is odd about the rules in force.
    warnings: Vec<String>,
    file: Option<&'a str>,
    rules: String,
    preview_user: &'a str,
    preview: Vec<(String, String)>,
}

/// What the page shows besides what is in force.
#[derive(Default)]
struct Shown<'a> {
    notice: Option<String>,
    errors: Vec<String>,
    /// What was typed as rules.
    typed: Option<&'a str>,
    preview_user: &'a str,
    preview: Vec<(String, String)>,
}

/// `GET`
///
/// # Errors
/// None of its own.
pub async fn authentication(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let notice = match admitted.call.query_param("done").as_deref() {
        Some("on") => Some("Saved: profiling is on.".to_owned()),
        Some("off") => Some("Saved: profiling is off.".to_owned()),
        Some("rules") => Some("The rules are saved and in force.".to_owned()),
        _ => None,
    };
    Ok(show(&admitted, Shown { notice, ..Shown::default() }))
}

/// `POST`: the switch, the rules, how many users a draft would ask, or what it would ask one of them.
///
/// # Errors
/// The store's.
pub async fn post_authentication(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let form = match admitted.form() {
        Ok(form) => form,
        Err(refused) => return Ok(refused),
    };
    let (action, typed) = (form_value(&form, "action"), form_value(&form, "rules"));
    let shown = Shown { typed: Some(typed).filter(|typed| !typed.is_empty()), ..Shown::default() };
    match act(&admitted, action, &form).await {
        Ok(None) => Ok(Reply::see_other(&format!("{}/settings/authentication?done={action}", admitted.base()))),
        Ok(Some(outcome)) => Ok(show(&admitted, Shown { typed: shown.typed, ..outcome })),
        Err(ServiceError::Invalid(faults)) => {
            let errors = faults.into_iter().map(|fault| match fault.pointer.as_str() {
                "" => fault.detail,
                pointer => format!("{}: {}", place(pointer), fault.detail),
            });
            Ok(show(&admitted, Shown { errors: errors.collect(), ..shown }))
        }
        Err(ServiceError::Conflict(why)) => Ok(show(&admitted, Shown { errors: vec![why], ..Shown::default() })),
        Err(error) => Err(error),
    }
}

/// Does what was asked for; what there is to show, if nothing was changed.
async fn act<'f>(
    admitted: &Admitted<'_>,
    action: &str,
    form: &'f [(String, String)],
) -> Result<Option<Shown<'f>>, ServiceError> {
    let call = &admitted.call;
    let author = call.service.author_of(&admitted.session, call.origin());
    if matches!(action, "on" | "off") {
        let max_prompts_per_login = form_value(form, "max").trim().parse().map_err(|_| {
            ServiceError::invalid("", "no_number", "The number of rules must be a whole number from 0 to 4294967295")
        })?;
        let settings = ProfilingSettings { enabled: action == "on", max_prompts_per_login };
        call.service.put_profiling(call.tenant, settings, &author, &Precondition::default()).await?;
        return Ok(None);
    }
    let rules: Vec<Rule> = parse_list_text(form_value(form, "rules"))?;
    if action == "rules" {
        call.service.put_rules(call.tenant, rules, &author, &Precondition::default()).await?;
        return Ok(None);
    }
    let draft = check_rules(rules, call.tenant)?;
    if action == "dry-run" {
        let (asked, users) = call.service.dry_run(call.tenant, &draft).await?;
        let notice = format!("These rules would ask {asked} of {users} known users at their next login.");
        return Ok(Some(Shown { notice: Some(notice), ..Shown::default() }));
    }
    let preview_user = form_value(form, "user");
    let user = UserId::parse(preview_user);
    let user = user.map_err(|_| ServiceError::invalid("", "no_user", "Preview for a user: enter the id of a user"))?;
    let verdicts = match call.service.preview_draft(call.tenant, &draft, &user).await {
        Err(ServiceError::NotFound(why)) => return Err(ServiceError::invalid("", "no_user", why)),
        other => other?,
    };
    let preview = verdicts.into_iter().map(|verdict| (verdict.fields.join(", "), verdict.why)).collect();
    Ok(Some(Shown { preview_user, preview, ..Shown::default() }))
}

fn show(admitted: &Admitted<'_>, shown: Shown<'_>) -> Reply {
    let tenant: &Tenant = admitted.call.tenant;
    let in_force = tenant.rules.as_deref();
    let rules: Vec<&Rule> = in_force.iter().flat_map(|set| &set.rules).map(|rule| &rule.rule).collect();
    let text = || serde_json::to_string_pretty(&rules).unwrap_or_default();
    let status = if shown.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page {
        frame: admitted.frame("authentication"),
        notice: shown.notice,
        // What is wrong with the rules that were read stands here until it is mended.
        errors: if shown.errors.is_empty() { tenant.rules_problem.iter().cloned().collect() } else { shown.errors },
        enabled: tenant.profiling.enabled,
        max_prompts: tenant.profiling.max_prompts_per_login,
        in_words: rules.iter().map(|rule| in_words(rule)).collect(),
        warnings: in_force.map_or_else(Vec::new, |set| {
            let found = set.warnings(&tenant.definitions, &tenant.settings).into_iter();
            found.map(|odd| format!("{}: {}", place(&odd.pointer), odd.detail)).collect()
        }),
        file: in_force.and_then(|set| set.file.as_deref()),
        rules: shown.typed.map_or_else(text, str::to_owned),
        preview_user: shown.preview_user,
        preview: shown.preview,
    };
    Reply::html(status, &page)
}

/// What a JSON pointer into the rules leads to, for people.
fn place(pointer: &str) -> String {
    let mut steps = pointer.split('/').skip(1);
    let rule = steps.next().and_then(|place| place.parse::<usize>().ok()).map_or(0, |place| place.saturating_add(1));
    let within: Vec<&str> = steps.collect();
    if within.is_empty() { format!("Rule {rule}") } else { format!("Rule {rule}, {}", within.join(" ")) }
}

/// A rule in plain words.
fn in_words(rule: &Rule) -> String {
    let fields = rule.fields.join(", ");
    let when = match &rule.condition {
        Condition::Missing => "while it is missing".to_owned(),
        Condition::FirstLogin => "at the first login".to_owned(),
        Condition::Always => "at every login".to_owned(),
        Condition::LoginCount(count) => format!("from login {count} on"),
        Condition::AfterDays(days) => format!("{days} days after the first login"),
        Condition::OnAccess(Access { action, resource }) => format!("on the first access: {action} on {resource}"),
        Condition::When(text) => format!("when {text}"),
    };
    let client = rule.client.as_ref().map_or_else(String::new, |client| format!(", at logins to {client}"));
    let way_out = if rule.required { "required" } else { "can be skipped" };
    format!("Ask for {fields} {when}{client}; {way_out}.")
}
