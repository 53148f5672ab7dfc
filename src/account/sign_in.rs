//! `/account/sign-in` and what follows: signing in to the tenant's apps at its identity provider, and out again.

use askama::Template;
use http::StatusCode;

use crate::service::{AppStep, BegunSignIn, CameBack, ServiceError};
use crate::web::{Cookies, Look, Message, PageCall, Reply, SessionCookie};

use super::appearance::look;

#[derive(Template)]
#[template(path = "sign_out.html", config = "src/web/askama.toml")]
struct SignOut<'a> {
    csrf: &'a str,
    look: Look<'a>,
}

/// `GET account/sign-in`: on to the provider; with a session, on to the app.
///
/// # Errors
/// The store's.
pub async fn sign_in(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let held = SessionCookie::of(call.tenant).and_then(|cookie| cookie.get(call.headers));
    let return_to = call.query_param("returnTo").unwrap_or_default();
    let step = call.service.sign_in_to_apps(call.tenant, held.as_deref(), &return_to, call.origin()).await?;
    Ok(go(&call, step))
}

/// `GET account/callback`: back from the provider.
///
/// # Errors
/// The store's.
pub async fn signed_in(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let param = |name: &str| call.query_param(name).unwrap_or_default();
    let kept = call.cookie(&kept_cookie(&call)).unwrap_or_default();
    let (state, code) = (param("state"), param("code"));
    let (step, session) = if param("error").is_empty() {
        let back = CameBack { kept: &kept, state: &state, code: &code };
        call.service.signed_in_to_apps(call.tenant, back, call.origin()).await?
    } else {
        (AppStep::Failed("The identity provider did not sign you in."), None)
    };
    let session = session.and_then(|value| SessionCookie::of(call.tenant)?.set(&value));
    Ok(go(&call, step).cookie(Cookies::unset(&kept_cookie(&call))).cookie(session))
}

/// `GET account/sign-out`: asks first, since others may link to it.
///
/// # Errors
/// None of its own.
pub async fn sign_out(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let held = SessionCookie::of(call.tenant).and_then(|cookie| cookie.get(call.headers));
    let Some(held) = held else { return Ok(signed_out(&call)) };
    let csrf = csrf(&call, &held);
    Ok(Reply::html(StatusCode::OK, &SignOut { csrf: &csrf, look: look(&call) }))
}

/// `POST account/sign-out`
///
/// # Errors
/// The store's.
pub async fn post_sign_out(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let cookie = SessionCookie::of(call.tenant);
    let Some(held) = cookie.as_ref().and_then(|cookie| cookie.get(call.headers)) else { return Ok(signed_out(&call)) };
    let form = call.form().unwrap_or_default();
    if !form.iter().any(|(name, value)| name == "csrf" && *value == csrf(&call, &held)) {
        let text = "You are still signed in. Open the page again, and sign out there.";
        return Ok(message(&call, StatusCode::FORBIDDEN, "This form was sent from elsewhere", text, None));
    }
    call.service.sign_out_of_apps(call.tenant, &held, call.origin()).await?;
    Ok(signed_out(&call).cookie(cookie.and_then(|cookie| cookie.unset())))
}

/// The cookie of a sign-in under way.
fn kept_cookie(call: &PageCall<'_>) -> String {
    format!("__Host-sidegate-{}-returning", call.tenant.id)
}

fn csrf(call: &PageCall<'_>, held: &str) -> String {
    call.service.csrf(&format!("sign-out {held}"))
}

fn go(call: &PageCall<'_>, step: AppStep) -> Reply {
    const NOT: &str = "You are not signed in";
    let again = || Some((format!("/t/{}/account/sign-in", call.tenant.id), "Try again"));
    match step {
        AppStep::Ask(BegunSignIn { address, kept }) => {
            Reply::see_other(&address).cookie(Cookies::set(&kept_cookie(call), &kept))
        }
        AppStep::Profile(page) => Reply::see_other(&page),
        AppStep::GoOn(Some(url)) => Reply::see_other(url.as_str()),
        AppStep::GoOn(None) => {
            message(call, StatusCode::OK, "You are signed in", "You can go back to where you came from.", None)
        }
        AppStep::Stranger => {
            let text = "The identity provider knows who you are, but nobody here has that identity.";
            message(call, StatusCode::FORBIDDEN, NOT, text, again())
        }
        AppStep::Failed(why) => message(call, StatusCode::BAD_REQUEST, NOT, why, again()),
    }
}

fn signed_out(call: &PageCall<'_>) -> Reply {
    let text = "Apps here do not know you any more. At your identity provider you may still be signed in.";
    message(call, StatusCode::OK, "You are signed out", text, None)
}

fn message(
    call: &PageCall<'_>,
    status: StatusCode,
    title: &str,
    text: &str,
    link: Option<(String, &'static str)>,
) -> Reply {
    Reply::html(status, &Message { title, text, look: look(call), link })
}
