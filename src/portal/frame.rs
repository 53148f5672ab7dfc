//! What all pages of the portal have in common: who is signed in, where one is, and the way out.

use http::StatusCode;

use crate::service::{ServiceError, Session};
use crate::web::{Message, PageCall, Reply, form_value};

/// A page that an admin who is signed in asks for.
pub struct Admitted<'r> {
    /// The request.
    pub call: PageCall<'r>,
    /// The session.
    pub session: Session,
}

/// The frame of a page.
pub(super) struct Frame<'a> {
    pub(super) tenant: &'a str,
    pub(super) base: String,
    pub(super) here: &'static str,
    pub(super) csrf: &'a str,
}

/// Lets in whoever is signed in; everybody else gets the page that says how to.
///
/// # Errors
/// The store's.
pub async fn admit(call: PageCall<'_>) -> Result<Result<Admitted<'_>, Reply>, ServiceError> {
    let session = match call.cookie(&cookie_name(&call)) {
        Some(secret) => call.service.session(call.tenant, &secret).await?,
        None => None,
    };
    Ok(match session {
        Some(session) => Ok(Admitted { call, session }),
        None => Err(not_signed_in(&call)),
    })
}

/// `GET portal/`
#[must_use]
pub fn home(admitted: &Admitted<'_>) -> Reply {
    Reply::see_other(&format!("{}/users", admitted.base()))
}

impl Admitted<'_> {
    pub(super) fn base(&self) -> String {
        base_of(&self.call)
    }

    pub(super) fn frame(&self, here: &'static str) -> Frame<'_> {
        Frame { tenant: self.call.tenant.id.as_str(), base: self.base(), here, csrf: &self.session.csrf }
    }

    /// The posted form, if it was made for this session.
    pub(super) fn form(&self) -> Result<Vec<(String, String)>, Reply> {
        let form = self.call.form().unwrap_or_default();
        if form_value(&form, "csrf") == self.session.csrf {
            return Ok(form);
        }
        let text = "Nothing was changed. Go back, load the page again, and repeat what you did.";
        let page = Message::plain("This form is too old, or was sent from elsewhere", text, None);
        Err(Reply::html(StatusCode::FORBIDDEN, &page))
    }
}

/// The cookie of a session; a tenant's sessions are no other's.
pub(super) fn cookie_name(call: &PageCall<'_>) -> String {
    format!("__Host-sidegate-{}-portal", call.tenant.id)
}

/// A time as people read it.
pub(super) fn when(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The address of a tenant's portal.
pub(super) fn base_of(call: &PageCall<'_>) -> String {
    format!("/t/{}/portal", call.tenant.id)
}

/// The command that makes another link.
pub(super) fn command_for(call: &PageCall<'_>) -> String {
    format!("`sidegate portal-link --tenant {}`", call.tenant.id)
}

pub(super) fn not_signed_in(call: &PageCall<'_>) -> Reply {
    let text = format!(
        "Open the one-time link that `sidegate serve` printed when it started, or make another with {} on the server.",
        command_for(call)
    );
    let provider = call.tenant.settings.portal.as_ref();
    let link = provider.map(|_| (format!("{}/sign-in/start", base_of(call)), "Sign in"));
    let text = if link.is_some() { "Sign in at your identity provider, as an admin of this tenant." } else { &text };
    Reply::html(StatusCode::UNAUTHORIZED, &Message::plain("Sign in to the portal", text, link))
}
