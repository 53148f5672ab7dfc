//! `portal/sign-in/start` and `portal/callback`: the way over the tenant's identity provider.

use http::StatusCode;

use crate::service::{CameBack, ServiceError, SignedIn};
use crate::web::{Cookies, Door, Message, PageCall, Reply};

use super::frame::{base_of, cookie_name};

/// `GET portal/sign-in/start`
pub async fn start_sign_in(call: &PageCall<'_>) -> Reply {
    match call.service.begin_sign_in(call.tenant).await {
        Some(begun) => Door::Portal.leave(call, &begun),
        None if call.tenant.settings.portal.is_none() => {
            failed(call, StatusCode::NOT_FOUND, "This tenant has no identity provider: a one-time link lets you in.")
        }
        None => failed(call, StatusCode::BAD_GATEWAY, "The identity provider does not answer."),
    }
}

/// `GET portal/callback`
///
/// # Errors
/// The store's.
pub async fn sign_in_callback(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let param = |name: &str| call.query_param(name).unwrap_or_default();
    if !param("error").is_empty() {
        return Ok(failed(&call, StatusCode::BAD_REQUEST, "The identity provider did not sign you in."));
    }
    let (state, code) = (param("state"), param("code"));
    let (kept, forget) = Door::Portal.come_back(&call, &state);
    let back = CameBack { kept: &kept, state: &state, code: &code, address: call.peer };
    let done = call.service.finish_sign_in(call.tenant, back).await?;
    let reply = match done {
        SignedIn::Session(secret) => {
            let cookie = Cookies::set(&cookie_name(&call), &secret);
            Reply::see_other(&format!("{}/users", base_of(&call))).cookie(cookie)
        }
        SignedIn::NotAdmin(who) => {
            let text = format!("You are signed in as {who}, and that is no admin of this tenant.");
            failed(&call, StatusCode::FORBIDDEN, &text)
        }
        SignedIn::Failed(why) => failed(&call, StatusCode::BAD_REQUEST, why),
    };
    Ok(reply.cookie(forget))
}

fn failed(call: &PageCall<'_>, status: StatusCode, text: &str) -> Reply {
    let link = Some((format!("{}/sign-in/start", base_of(call)), "Try again"));
    Reply::html(status, &Message::plain("You are not signed in", text, link))
}
