//! A tenant's settings, as `tenant.json` gives them.

use serde::{Deserialize, Serialize};

/// Settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TenantSettings {
    /// IANA name of the zone in which `env.hour` and its kin are read.
    pub time_zone: String,
    /// Whether only defined traits are accepted: from policies, and from those who write traits.
    pub defined_traits_only: bool,
    /// Origins that users may be sent back to, such as `https://app.example.com`; compared exactly.
    pub return_origins: Vec<String>,
    /// Where users are sent whose way back is not allowed.
    pub default_return: Option<String>,
    /// Where admins sign in to the portal, besides one-time links.
    pub portal: Option<PortalSignIn>,
}

/// An OpenID provider for the portal, and who of its users are admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            defined_traits_only: false,
            return_origins: Vec::new(),
            default_return: None,
            portal: None,
        }
    }
}
