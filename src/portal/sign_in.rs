//! `portal/sign-in`: a one-time link becomes a session. Opening the link does nothing yet, since mail programs and
//! previews open links, too.

use askama::Template;
use http::StatusCode;

use crate::service::ServiceError;
use crate::web::{Cookies, Message, PageCall, Reply, form_value};

use super::frame::{Admitted, base_of, command_for, cookie_name, not_signed_in};

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/web/askama.toml")]
struct Page<'a> {
    tenant: &'a str,
    link: &'a str,
}

/// `GET`
///
/// # Errors
/// The store's.
pub async fn sign_in(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let Some(link) = call.query_param("link") else {
        return Ok(Reply { status: StatusCode::OK, ..not_signed_in(&call) });
    };
    if !call.service.link_counts(call.tenant, &link).await? {
        return Ok(used_up(&call));
    }
    Ok(Reply::html(StatusCode::OK, &Page { tenant: call.tenant.id.as_str(), link: &link }))
}

/// `POST`
///
/// # Errors
/// The store's.
pub async fn post_sign_in(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let form = call.form().unwrap_or_default();
    match call.service.sign_in(call.tenant, form_value(&form, "link")).await? {
        Some(secret) => {
            let cookie = Cookies::set(&cookie_name(&call), &secret);
            Ok(Reply::see_other(&format!("{}/users", base_of(&call))).cookie(cookie))
        }
        None => Ok(used_up(&call)),
    }
}

/// `POST portal/sign-out`
///
/// # Errors
/// The store's.
pub async fn sign_out(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    if let Err(refused) = admitted.form() {
        return Ok(refused);
    }
    let name = cookie_name(&admitted.call);
    if let Some(secret) = admitted.call.cookie(&name) {
        admitted.call.service.sign_out(admitted.call.tenant, &secret).await?;
    }
    let text = format!("To come back, make another link with {}.", command_for(&admitted.call));
    let page = Message::plain("You are signed out", &text, None);
    Ok(Reply::html(StatusCode::OK, &page).cookie(Cookies::unset(&name)))
}

fn used_up(call: &PageCall<'_>) -> Reply {
    let text = format!("It was used already, or is too old. Make another with {} on the server.", command_for(call));
    Reply::html(StatusCode::GONE, &Message::plain("This link does not count any more", &text, None))
}
