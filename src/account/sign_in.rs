//! `/account/sign-in` and what follows: signing in to the tenant's apps at its identity provider, and out again.

use askama::Template;
use http::StatusCode;

use crate::service::{AppStep, CameBack, ServiceError};
use crate::web::{Door, Held, Look, Message, PageCall, Reply, SessionCookie, form_value};

use super::appearance::look;

/// What pages are called that lead nowhere.
const NOT: &str = "You are not signed in";

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
    let held = match held(&call) {
        Held::Several => {
            let text = "This browser has more than one session here, and one of them is not from us. Delete the cookies of this \
                        site, or close the browser, and try again.";
            return Ok(message(&call, StatusCode::BAD_REQUEST, NOT, text, None));
        }
        Held::One(held) => Some(held),
        Held::Nothing => None,
    };
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
    let (state, code) = (param("state"), param("code"));
    let (kept, forget) = Door::Apps.come_back(&call, &state);
    if kept.is_empty() && matches!(held(&call), Held::One(_)) {
        // The way back was taken before: whoever is signed in goes on, and whoever is not signs in.
        return Ok(Reply::see_other(&format!("/t/{}/account/sign-in", call.tenant.id)));
    }
    let (step, session) = if param("error").is_empty() {
        let back = CameBack { kept: &kept, state: &state, code: &code, address: call.peer };
        call.service.signed_in_to_apps(call.tenant, back, call.origin()).await?
    } else {
        (AppStep::Failed("The identity provider did not sign you in."), None)
    };
    let session = session.and_then(|value| SessionCookie::of(call.tenant)?.set(&value));
    Ok(go(&call, step).cookie(forget).cookie(session))
}

/// `GET account/sign-out`: asks first, since others may link to it.
///
/// # Errors
/// None of its own.
pub async fn sign_out(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let Held::One(held) = held(&call) else { return Ok(signed_out(&call)) };
    let csrf = csrf(&call, &held);
    Ok(Reply::html(StatusCode::OK, &SignOut { csrf: &csrf, look: look(&call) }))
}

/// `POST account/sign-out`
///
/// # Errors
/// The store's.
pub async fn post_sign_out(call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let Held::One(held) = held(&call) else { return Ok(signed_out(&call)) };
    let form = call.form().unwrap_or_default();
    if form_value(&form, "csrf") != csrf(&call, &held) {
        let text = "You are still signed in. Open the page again, and sign out there.";
        return Ok(message(&call, StatusCode::FORBIDDEN, "This form was sent from elsewhere", text, None));
    }
    call.service.sign_out_of_apps(call.tenant, &held, call.origin()).await?;
    Ok(signed_out(&call).cookie(SessionCookie::of(call.tenant).and_then(|cookie| cookie.unset())))
}

fn held(call: &PageCall<'_>) -> Held {
    SessionCookie::of(call.tenant).map_or(Held::Nothing, |cookie| cookie.held(call.headers))
}

fn csrf(call: &PageCall<'_>, held: &str) -> String {
    call.service.csrf(&format!("sign-out {held}"))
}

fn go(call: &PageCall<'_>, step: AppStep) -> Reply {
    let again = || Some((format!("/t/{}/account/sign-in", call.tenant.id), "Try again"));
    match step {
        AppStep::Ask(begun) => Door::Apps.leave(call, &begun),
        AppStep::Profile(page) => Reply::see_other(&page),
        AppStep::GoOn(Some(url)) => Reply::see_other(url.as_str()),
        AppStep::GoOn(None) => {
            message(call, StatusCode::OK, "You are signed in", "You can go back to where you came from.", None)
        }
        AppStep::Stranger => {
            let text = "The identity provider knows who you are, but nobody here has that identity.";
            message(call, StatusCode::FORBIDDEN, NOT, text, again())
        }
        AppStep::Away => {
            let text = "The identity provider does not answer.";
            message(call, StatusCode::BAD_GATEWAY, NOT, text, again())
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
