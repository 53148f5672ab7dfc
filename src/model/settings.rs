//! A tenant's settings, as `tenant.json` gives them.

use serde::{Deserialize, Serialize};

/// Settings of a tenant that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TenantSettings {
    /// IANA name of the zone in which `env.hour` and its kin are read.
    pub time_zone: String,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned() }
    }
}
