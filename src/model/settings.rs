//! A tenant's settings, as `tenant.json` gives them.

use serde::{Deserialize, Serialize};

/// Settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TenantSettings {
    /// IANA name of the zone in which `env.hour` and its kin are read.
    pub time_zone: String,
    /// Origins that users may be sent back to, such as `https://app.example.com`; compared exactly.
    pub return_origins: Vec<String>,
    /// Where users are sent whose way back is not allowed.
    pub default_return: Option<String>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned(), return_origins: Vec::new(), default_return: None }
    }
}
