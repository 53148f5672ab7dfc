//! What a browser keeps while it is at an identity provider: a cookie for each sign-in that is under way.

use http::header::HeaderValue;

use crate::service::{BegunSignIn, Tenant};

use super::{Cookies, PageCall, Reply};

/// Where one signs in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The portal.
    Portal,
    /// The tenant's apps.
    Apps,
}

/// So many sign-ins may be under way in a browser.
const AT_ONCE: usize = 5;

/// So much of a state tells sign-ins apart.
const STATE: usize = 12;

impl Door {
    /// On to the provider.
    #[must_use]
    pub fn leave(self, call: &PageCall<'_>, begun: &BegunSignIn) -> Reply {
        let cookie = Cookies::set_briefly(&self.cookie(call.tenant, &begun.state), &begun.kept);
        let reply = Reply::see_other(&begun.address).cookie(cookie);
        let start = self.cookie(call.tenant, "");
        let mut others = Cookies::named_like(call.headers, &start);
        others.retain(|name| name.len() == start.len() + STATE);
        if others.len() < AT_ONCE {
            return reply;
        }
        // Servers take no head of any size, and most of these belong to tabs that nobody looks at any more.
        others.iter().fold(reply, |reply, name| reply.cookie(Cookies::unset(name)))
    }

    /// What the browser kept that comes back with a state, and what takes it away.
    #[must_use]
    pub fn come_back(self, call: &PageCall<'_>, state: &str) -> (String, Option<HeaderValue>) {
        let name = self.cookie(call.tenant, state);
        let kept = call.cookie(&name).unwrap_or_default();
        (kept, Cookies::unset(&name))
    }

    fn cookie(self, tenant: &Tenant, state: &str) -> String {
        let door = match self {
            Door::Portal => "portal",
            Door::Apps => "apps",
        };
        // It may come from anywhere, and is part of a name.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let state: String = state.chars().filter(plain).take(STATE).collect();
        format!("__Host-sidegate-{}-{door}-{state}", tenant.id)
    }
}
