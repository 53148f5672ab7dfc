//! Signing in at an OpenID provider: to the portal, and to the tenant's apps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Issuer;
use super::settings::{Wrong, web};

/// An OpenID provider for the portal, and who of its users are admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortalSignIn {
    /// The provider.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// The environment variable with the client's secret, if it has one.
    #[serde(default)]
    pub client_secret_env: Option<String>,
    /// Subjects, or verified e-mail addresses.
    pub admins: Vec<String>,
}

/// An OpenID provider for the users of the tenant's apps, which reverse proxies stand before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSignIn {
    /// The provider: one of `issuers`, where it is said whose subjects are users.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// The environment variable with the client's secret, if it has one.
    #[serde(default)]
    pub client_secret_env: Option<String>,
    /// The domain that sidegate and the apps are in, such as `example.com`: sessions count for all of it. Without it they
    /// count for sidegate's own host.
    #[serde(default)]
    pub cookie_domain: Option<String>,
    /// After how many hours one signs in again.
    #[serde(default = "eight")]
    pub session_hours: i64,
}

/// A month: whoever wants more has no sessions, but an open door.
const MAX_HOURS: i64 = 720;

fn eight() -> i64 {
    8
}

impl PortalSignIn {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        if web(&self.issuer).is_none() {
            let help = "write it like \"https://id.example.com\"".to_owned();
            wrong.push(("/portal/issuer".to_owned(), "this is no http or https URL".to_owned(), help));
        }
    }
}

impl AppSignIn {
    pub(super) fn check(&self, issuers: &[Issuer], wrong: &mut Vec<Wrong>) {
        let mut at = |member: &str, what: &str, help: String| {
            wrong.push((format!("/signIn/{member}"), what.to_owned(), help));
        };
        if !issuers.iter().any(|issuer| issuer.issuer == self.issuer) {
            at("issuer", "this is none of the tenant's issuers", "list it in \"issuers\", too".to_owned());
        }
        if self.client_id.is_empty() {
            at("clientId", "this is empty", "it is what the provider calls this client".to_owned());
        }
        if self.cookie_domain.as_ref().is_some_and(|domain| !is_domain(domain)) {
            let help = "write it like \"example.com\"; one host alone needs none: leave it out".to_owned();
            at("cookieDomain", "this is no domain that cookies can be for", help);
        }
        if !(1..=MAX_HOURS).contains(&self.session_hours) {
            at("sessionHours", "this is out of range", format!("1 to {MAX_HOURS} hours"));
        }
    }
}

/// Whether it is a name with more than one label, and no address.
fn is_domain(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    text.contains('.') && text.split('.').all(label) && text.parse::<std::net::IpAddr>().is_err()
}
