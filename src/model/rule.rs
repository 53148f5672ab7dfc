//! Profiling rules: what to ask whom, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule, as the API takes it and `profiling.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Names the rule when it is changed; made from its fields and condition if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it asks: profile fields, or defined traits.
    pub fields: Vec<String>,
    /// When it asks.
    pub condition: Condition,
    /// Whether there is no way round it.
    #[serde(default)]
    pub required: bool,
    /// The heading of the page.
    #[serde(default)]
    pub title: String,
    /// The text under it.
    #[serde(default)]
    pub description: String,
    /// How many days a skip keeps the rule quiet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze_days: Option<u32>,
    /// After how many skips it stays quiet for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skips: Option<u32>,
    /// Shows its fields filled in, to be confirmed, whether they are missing or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// Asks only at logins to this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// When a rule asks; it does so only while one of its fields is missing, unless it confirms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Condition {
    /// Always.
    #[serde(rename = "missing")]
    Missing,
    /// At the first counted login; while the rule is required and unanswered, at later ones too.
    #[serde(rename = "first_login")]
    FirstLogin,
    /// At every login.
    #[serde(rename = "always")]
    Always,
    /// From that login on.
    #[serde(rename = "loginCount")]
    LoginCount(u64),
    /// That many days after the first counted login, inclusive, in UTC.
    #[serde(rename = "afterDays")]
    AfterDays(u32),
    /// At a decision about it, and never at a login.
    #[serde(rename = "onAccess")]
    OnAccess(Access),
    /// When the expression of the policy language is true.
    #[serde(rename = "when")]
    When(String),
}

/// What a rule guards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The action.
    pub action: String,
    /// The type of the resource.
    pub resource: String,
}

/// Settings of progressive profiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProfilingSettings {
    /// Whether anybody is asked anything.
    pub enabled: bool,
    /// How many optional rules a login shows at most.
    pub max_prompts_per_login: u32,
}

impl Default for ProfilingSettings {
    fn default() -> Self {
        Self { enabled: false, max_prompts_per_login: 1 }
    }
}
