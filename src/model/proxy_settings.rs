//! What a tenant says of the reverse proxies before its apps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{Wrong, web};
use super::{PathForm, Slug};

/// Settings for requests that reverse proxies ask about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProxySettings {
    /// Where browsers are sent that nobody is signed in with; `{returnTo}` stands for where they were going.
    pub sign_in_url: Option<String>,
    /// The field in which an identity proxy names the user, such as `Remote-User`; it counts with `SIDEGATE_PROXY_SECRET` alone.
    pub identity_header: Option<String>,
    /// The traits that apps are told, in `X-Auth-Trait-...`.
    pub traits: Vec<Slug>,
    /// Forms of paths that all servers behind the proxies read in the same way.
    pub path_forms: Vec<PathForm>,
}

/// What stands for where a browser was going.
pub const RETURN_TO: &str = "{returnTo}";

impl ProxySettings {
    /// What contradicts itself.
    #[must_use]
    pub fn check(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.sign_in_url.as_ref().is_some_and(|url| web(&url.replace(RETURN_TO, "x")).is_none()) {
            let help = "write it like \"https://auth.example.com/oauth2/start?rd={returnTo}\"".to_owned();
            wrong.push(("/proxies/signInUrl".to_owned(), "this is no http or https URL".to_owned(), help));
        }
        if self.identity_header.as_ref().is_some_and(|name| !is_free(name)) {
            let what = "this cannot be the field that names the user".to_owned();
            let help = "take one that means nothing else, such as \"Remote-User\" or \"X-Forwarded-User\"".to_owned();
            wrong.push(("/proxies/identityHeader".to_owned(), what, help));
        }
        wrong
    }
}

/// Whether a field may name the user: none that means something else.
fn is_free(name: &str) -> bool {
    let name = &*name.to_ascii_lowercase();
    const TAKEN: [&str; 7] =
        ["authorization", "cookie", "host", "connection", "accept", "x-request-id", "x-forwarded-for"];
    const OURS: [&str; 3] = ["x-auth-", "x-sidegate-", "x-original-"];
    const FORWARDED: [&str; 4] = ["method", "proto", "host", "uri"];
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_forwarded = name.strip_prefix("x-forwarded-").is_some_and(|rest| FORWARDED.contains(&rest));
    let taken = TAKEN.contains(&name) || OURS.iter().any(|ours| name.starts_with(ours)) || is_forwarded;
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) && !taken
}
