//! `portal/settings/authentication`: progressive profiling on or off, and its rules.

use askama::Template;
use http::StatusCode;

use crate::model::{Condition, ProfilingSettings, Rule};
use crate::service::{ServiceError, Tenant, check_rules};
use crate::web::{Reply, parse_text};

use super::frame::{Admitted, Frame, value};

#[derive(Template)]
#[template(path = "authentication.html", config = "src/web/askama.toml")]
struct Page<'a> {
    frame: Frame<'a>,
    notice: Option<String>,
    errors: Vec<String>,
    enabled: bool,
    max_prompts: u32,
    in_words: Vec<String>,
    file: Option<&'a str>,
    rules: String,
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
    Ok(show(&admitted, notice, Vec::new(), None))
}

/// `POST`: the switch, the rules, or how many users a draft would ask.
///
/// # Errors
/// The store's.
pub async fn post_authentication(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let form = match admitted.form() {
        Ok(form) => form,
        Err(refused) => return Ok(refused),
    };
    let call = &admitted.call;
    let author = call.service.author_of(&admitted.session);
    let (action, typed) = (value(&form, "action"), value(&form, "rules"));
    let outcome = match action {
        "on" | "off" => match value(&form, "max").trim().parse() {
            Ok(max_prompts_per_login) => {
                let settings = ProfilingSettings { enabled: action == "on", max_prompts_per_login };
                call.service.put_profiling(call.tenant, settings, &author).await.map(|_| None)
            }
            Err(_) => {
                Err(ServiceError::invalid("", "no_number", "The number of rules must be a whole number, such as 1"))
            }
        },
        "rules" => match parse_text::<Vec<Rule>>(typed) {
            Ok(rules) => call.service.put_rules(call.tenant, rules, &author).await.map(|_| None),
            Err(error) => Err(error),
        },
        _ => match parse_text::<Vec<Rule>>(typed).and_then(|rules| check_rules(rules, &call.tenant.definitions)) {
            Ok(draft) => {
                let (asked, users) = call.service.dry_run(call.tenant, &draft).await?;
                Ok(Some(format!("These rules would ask {asked} of {users} known users at their next login.")))
            }
            Err(error) => Err(error),
        },
    };
    match outcome {
        Ok(None) => Ok(Reply::see_other(&format!("{}/settings/authentication?done={action}", admitted.base()))),
        Ok(notice) => Ok(show(&admitted, notice, Vec::new(), Some(typed))),
        Err(ServiceError::Invalid(faults)) => {
            let errors = faults.into_iter().map(|fault| match fault.pointer.as_str() {
                "" => fault.detail,
                pointer => format!("{pointer}: {}", fault.detail),
            });
            Ok(show(&admitted, None, errors.collect(), Some(typed).filter(|typed| !typed.is_empty())))
        }
        Err(ServiceError::Conflict(why)) => Ok(show(&admitted, None, vec![why], None)),
        Err(error) => Err(error),
    }
}

fn show(admitted: &Admitted<'_>, notice: Option<String>, errors: Vec<String>, typed: Option<&str>) -> Reply {
    let tenant: &Tenant = admitted.call.tenant;
    let rules: Vec<&Rule> = tenant.rules.rules.iter().map(|rule| &rule.rule).collect();
    let text = || serde_json::to_string_pretty(&rules).unwrap_or_default();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page {
        frame: admitted.frame("authentication"),
        notice,
        errors,
        enabled: tenant.profiling.enabled,
        max_prompts: tenant.profiling.max_prompts_per_login,
        in_words: rules.iter().map(|rule| in_words(rule)).collect(),
        file: tenant.rules.file.as_deref(),
        rules: typed.map_or_else(text, str::to_owned),
    };
    Reply::html(status, &page)
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
        Condition::When(text) => format!("when {text}"),
    };
    let client = rule.client.as_ref().map_or_else(String::new, |client| format!(", at logins to {client}"));
    let way_out = if rule.required { "required" } else { "can be skipped" };
    format!("Ask for {fields} {when}{client}; {way_out}.")
}
