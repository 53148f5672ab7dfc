//! `/account/complete-profile/`: shows just the fields that a rule asks, saves them, and sends the user on.

use askama::Template;
use http::StatusCode;
use url::Url;

use crate::service::{BadTicket, Completed, OpenTicket, ServiceError};
use crate::web::{Cookies, FormField, Input, Look, Message, PageCall, Reply, autocomplete};

use super::appearance::look;

/// The page.
#[derive(Template)]
#[template(path = "complete_profile.html", config = "src/web/askama.toml")]
struct Page<'a> {
    title: &'a str,
    description: &'a str,
    who: &'a str,
    csrf: &'a str,
    required: bool,
    confirm: bool,
    fields: Vec<FormField<'a>>,
    errors: &'a [(String, String)],
    look: Look<'a>,
}

/// `GET`: the form, for the browser that opens the ticket first.
///
/// # Errors
/// The store's.
pub async fn complete_profile(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let Some(token) = call.query_param("ticket") else { return without_ticket(&call).await };
    let cookie = cookie_name(&call);
    let secret = call.cookie(&cookie);
    match call.service.open_ticket(call.tenant, &token, secret.as_deref()).await? {
        Ok(open) => {
            let new = open.new_secret.as_deref().and_then(|secret| Cookies::set(&cookie, secret));
            Ok(page(&call, &open, StatusCode::OK, &[], &[]).cookie(new))
        }
        Err(bad) => bad_ticket(&call, &token, bad).await,
    }
}

/// `POST`: the answers, or a skip.
///
/// # Errors
/// The store's.
pub async fn post_complete_profile(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let Some(token) = call.query_param("ticket") else { return without_ticket(&call).await };
    let Some(form) = call.form() else {
        return Ok(message(
            &call,
            StatusCode::FORBIDDEN,
            "This form was sent from elsewhere",
            "Nothing was saved. Open the page again and fill it in there.",
        ));
    };
    // Without the secret this is no browser that opened the page.
    let Some(secret) = call.cookie(&cookie_name(&call)) else {
        return bad_ticket(&call, &token, BadTicket::OtherBrowser).await;
    };
    let open = match call.service.open_ticket(call.tenant, &token, Some(&secret)).await? {
        Ok(open) => open,
        Err(bad) => return bad_ticket(&call, &token, bad).await,
    };
    match call.service.complete(call.tenant, &open, &form, call.origin()).await? {
        Completed::Done => Ok(go_on(&call, open.return_to.as_ref())),
        Completed::Wrong(errors) => Ok(page(&call, &open, StatusCode::UNPROCESSABLE_ENTITY, &errors, &form)),
        Completed::Refused(why) => Ok(message(
            &call,
            StatusCode::BAD_REQUEST,
            "This form cannot be taken",
            &format!("Nothing was saved: {why}."),
        )),
        Completed::Bad(bad) => bad_ticket(&call, &token, bad).await,
    }
}

/// One cookie for all tickets of a tenant in a browser: it says which browser, not who.
fn cookie_name(call: &PageCall<'_>) -> String {
    format!("__Host-sidegate-{}-browser", call.tenant.id)
}

fn page(
    call: &PageCall<'_>,
    open: &OpenTicket<'_>,
    status: StatusCode,
    errors: &[(String, String)],
    typed: &[(String, String)],
) -> Reply {
    let rule = &open.rule.rule;
    let fields = open.questions.iter().map(|question| {
        let definition = question.definition;
        let slug = definition.slug.as_str();
        // What was typed is kept, right or wrong.
        let typed = typed.iter().find(|(name, _)| *name == question.name()).map(|(_, value)| value.as_str());
        FormField {
            id: slug,
            name: question.name(),
            label: definition.label(),
            hint: &definition.description,
            value: typed.unwrap_or(&question.value),
            error: errors.iter().find(|(name, _)| name == slug).map(|(_, words)| words.as_str()),
            required: rule.required,
            input: Input::of(definition),
            autocomplete: autocomplete(definition),
        }
    });
    let page = Page {
        title: if rule.title.is_empty() { "Complete your profile" } else { &rule.title },
        description: &rule.description,
        who: &open.who,
        csrf: &open.csrf,
        required: rule.required,
        confirm: rule.confirm,
        fields: fields.collect(),
        errors,
        look: look(call),
    };
    Reply::html_leading_on(status, &page)
}

fn go_on(call: &PageCall<'_>, return_to: Option<&Url>) -> Reply {
    match return_to {
        Some(url) => Reply::see_other(url.as_str()),
        None => message(
            call,
            StatusCode::OK,
            "Thank you",
            "Your profile is saved. You can close this page and go back to where you came from.",
        ),
    }
}

async fn without_ticket(call: &PageCall<'_>) -> Result<Reply, ServiceError> {
    let return_to = call.service.ticket_return(call.tenant, "").await?;
    let text = "This page asks for what is missing in your profile, when an app that you sign in to needs it. It opens \
                by itself then; there is nothing to do here now.";
    let link = return_to.map(|url| (url.to_string(), "Go on"));
    Ok(Reply::html(StatusCode::OK, &Message { title: "Complete your profile", text, look: look(call), link }))
}

async fn bad_ticket(call: &PageCall<'_>, token: &str, bad: BadTicket) -> Result<Reply, ServiceError> {
    let return_to = call.service.ticket_return(call.tenant, token).await?;
    let (status, title, text) = match bad {
        // Back after saving, or a second tab: nothing is lost, and the way on is the same.
        BadTicket::Used => (StatusCode::OK, "This is done", "You have answered this already."),
        BadTicket::NothingToAsk => (StatusCode::OK, "Nothing is missing", "Your profile has all that was asked for."),
        BadTicket::Expired => (StatusCode::GONE, "This link is too old", "Go back to the app and sign in again."),
        BadTicket::OtherBrowser => (
            StatusCode::FORBIDDEN,
            "This link was opened in another browser",
            "Go back to that browser, or sign in to the app again here.",
        ),
        BadTicket::Unknown => {
            (StatusCode::NOT_FOUND, "This link is not one of ours", "Go back to the app and sign in again.")
        }
    };
    let link = return_to.map(|url| (url.to_string(), "Go on"));
    Ok(Reply::html(status, &Message { title, text, look: look(call), link }))
}

fn message(call: &PageCall<'_>, status: StatusCode, title: &str, text: &str) -> Reply {
    Reply::html(status, &Message { title, text, look: look(call), link: None })
}
