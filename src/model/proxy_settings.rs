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
        if self.sign_in_url.as_ref().is_some_and(|url| web(&url.replace(RETURN_TO, "x")).is_none()) {
            let help = "write it like \"https://auth.example.com/oauth2/start?rd={returnTo}\"".to_owned();
            wrong.push(("/proxies/signInUrl".to_owned(), "this is no http or https URL".to_owned(), help));
        }
    }
}
