//! What a tenant says of the reverse proxies before its apps.

use http::HeaderName;
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
    /// The header field in which an identity proxy names the user. The proxy must take away what clients send in it.
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
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        let mut add = |member: &str, what: &str, help: &str| {
            wrong.push((format!("/proxies/{member}"), what.to_owned(), help.to_owned()));
        };
        if self.sign_in_url.as_ref().is_some_and(|url| web(&url.replace(RETURN_TO, "x")).is_none()) {
            let help = "write it like \"https://auth.example.com/oauth2/start?rd={returnTo}\"";
            add("signInUrl", "this is no http or https URL", help);
        }
        let header = self.identity_header.as_ref().map(|name| name.parse::<HeaderName>());
        match header {
            Some(Err(_)) => add("identityHeader", "this is no name of a header field", "such as \"Remote-User\""),
            Some(Ok(name)) if name.as_str().contains('_') => {
                add("identityHeader", "proxies and apps take _ for -", "such as \"Remote-User\"");
            }
            Some(Ok(_)) | None => {}
        }
    }
}
