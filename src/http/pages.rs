//! Which function answers for which page, and what pages say when something is wrong.

use http::StatusCode;

use crate::account;
use crate::portal;
use crate::service::ServiceError;
use crate::web::{KINDS, Kind, Message, PageCall, Problem, Reply, STYLESHEET};

use super::routes::{Page, PortalPage};

pub(super) async fn answer(page: Page, call: PageCall<'_>) -> Result<Reply, ServiceError> {
    match page {
        Page::Appearance => Ok(account::appearance(&call)),
        Page::CompleteProfile => account::complete_profile(call).await,
        Page::PostCompleteProfile => account::post_complete_profile(call).await,
        Page::SignIn => account::sign_in(call).await,
        Page::SignedIn => account::signed_in(call).await,
        Page::SignOut => account::sign_out(call).await,
        Page::PostSignOut => account::post_sign_out(call).await,
        Page::PortalSignIn => portal::sign_in(call).await,
        Page::PostPortalSignIn => portal::post_sign_in(call).await,
        Page::StartPortalSignIn => Ok(portal::start_sign_in(&call).await),
        Page::PortalCallback => portal::sign_in_callback(call).await,
    }
}

pub(super) async fn answer_portal(page: PortalPage, call: PageCall<'_>) -> Result<Reply, ServiceError> {
    let admitted = match portal::admit(call).await? {
        Ok(admitted) => admitted,
        Err(sign_in) => return Ok(sign_in),
    };
    match page {
        PortalPage::Home => Ok(portal::home(&admitted)),
        PortalPage::SignOut => portal::sign_out(admitted).await,
        PortalPage::Users => portal::users(admitted).await,
        PortalPage::User => portal::user(admitted).await,
        PortalPage::PostUser => portal::post_user(admitted).await,
        PortalPage::Authentication => portal::authentication(admitted).await,
        PortalPage::PostAuthentication => portal::post_authentication(admitted).await,
    }
}

/// `GET /`
pub(super) fn landing() -> Reply {
    let text = "Apps ask it whether a user may; admins keep traits, policies and profiling rules in it.";
    let link = Some(("/docs".to_owned(), "Its API"));
    Reply::html(StatusCode::OK, &Message::plain("This is sidegate, an authorization sidecar", text, link))
}

/// `GET /problems/{name}`: what a kind of error means.
pub(super) fn kind_of_problem(name: &str) -> Reply {
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(Kind { status, meaning, mend, .. }) => {
            let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
            let text = format!("{meaning} {mend}");
            Reply::html(StatusCode::OK, &Message::plain(&title, &text, None))
        }
        None => problem(Problem::new(StatusCode::NOT_FOUND, "there is no such kind of error")),
    }
}

pub(super) fn stylesheet() -> Reply {
    let body = STYLESHEET.as_bytes().to_vec().into();
    Reply { content_type: "text/css; charset=utf-8", body, ..Reply::empty(StatusCode::OK) }
}

/// An error on a page.
pub(super) fn problem(problem: Problem) -> Reply {
    let title = problem.status.canonical_reason().unwrap_or("Error");
    let mut reply = Reply::html(problem.status, &Message::plain(title, &problem.detail, None));
    reply.headers.extend(problem.headers);
    reply
}
