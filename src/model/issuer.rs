//! Whose access tokens a tenant takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{Wrong, web};

/// An issuer of access tokens: an OpenID provider or an OAuth 2.0 authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// What its tokens call it (`iss`), compared exactly.
    pub issuer: String,
    /// Its tokens must be meant for one of these (`aud`), compared exactly.
    pub audiences: Vec<String>,
    /// Whether its subjects are the tenant's user ids; those of all others are found by linked identities.
    #[serde(default)]
    pub primary: bool,
    /// The claim of a primary issuer's tokens that is the user id.
    #[serde(default = "subject")]
    pub user_claim: String,
    /// What linked identities call it, if not by its own name.
    #[serde(default)]
    pub provider: Option<String>,
    /// Where its keys are (a JWK Set, RFC 7517), if its metadata does not say.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Its keys themselves.
    #[serde(default)]
    pub jwks: Option<serde_json::Value>,
    /// After how many seconds its keys are read again.
    #[serde(default = "five_minutes")]
    pub refresh_seconds: u32,
    /// Where one asks about tokens that are no JWTs (RFC 7662).
    #[serde(default)]
    pub introspection: Option<Introspection>,
    /// How many seconds its clock may differ from ours.
    #[serde(default = "ten")]
    pub leeway_seconds: u8,
}

/// An endpoint that tells whether a token is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Introspection {
    /// The endpoint.
    pub url: String,
    /// What we are called there.
    pub client_id: String,
    /// The environment variable with the client's secret.
    pub client_secret_env: String,
    /// Whether tokens count of which the endpoint does not say whom they are for: whatever the issuer gives out, then.
    #[serde(default)]
    pub audience_optional: bool,
    /// For how many seconds an answer counts, if the token does not end before.
    #[serde(default = "minute")]
    pub cache_seconds: u32,
}

/// The claim that every token has (RFC 7519, section 4.1.2).
pub const SUBJECT: &str = "sub";

/// Keys are read again once a day at least, in seconds.
const MAX_REFRESH: u32 = 86_400;

/// More issuers than that have no good reason, and each is a server that is asked.
const MAX_ISSUERS: usize = 20;

/// No two clocks differ by more, if anybody looks after them.
const MAX_LEEWAY: u8 = 120;

fn subject() -> String {
    SUBJECT.to_owned()
}

fn five_minutes() -> u32 {
    300
}

fn minute() -> u32 {
    60
}

fn ten() -> u8 {
    10
}

impl Issuer {
    /// What linked identities call it.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.provider.as_deref().unwrap_or(&self.issuer)
    }

    /// What contradicts itself in a list of them.
    pub(super) fn check_all(issuers: &[Issuer]) -> Vec<Wrong> {
        let mut wrong: Vec<Wrong> = Vec::new();
        if issuers.len() > MAX_ISSUERS {
            let help = "leave out those that nobody needs";
            wrong.push(("/issuers".to_owned(), format!("there are more than {MAX_ISSUERS} issuers"), help.to_owned()));
            return wrong;
        }
        for (place, issuer) in issuers.iter().enumerate() {
            let before = &issuers[..place];
            let mut at = |member: &str, what: &str, help: &str| {
                wrong.push((format!("/issuers/{place}{member}"), what.to_owned(), help.to_owned()));
            };
            issuer.check(&mut at);
            if before.iter().any(|other| other.issuer == issuer.issuer) {
                at("/issuer", "this issuer is there twice", "give all its audiences in one place");
            }
            if before.iter().any(|other| other.provider() == issuer.provider()) {
                at("/provider", "another issuer has this name", "linked identities must tell them apart");
            }
            if issuer.primary && before.iter().any(|other| other.primary) {
                let help = "users of the others are found by linked identities";
                at("/primary", "another issuer is primary already", help);
            }
        }
        wrong
    }

    fn check(&self, wrong: &mut impl FnMut(&str, &str, &str)) {
        const URL: &str = "write it like \"https://id.example.com\"";
        let none = "this is no http or https URL";
        if web(&self.issuer).is_none() {
            wrong("/issuer", none, URL);
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| web(uri).is_none()) {
            wrong("/jwksUri", none, URL);
        }
        if self.introspection.as_ref().is_some_and(|introspection| web(&introspection.url).is_none()) {
            wrong("/introspection/url", none, URL);
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            let help = "name what its access tokens for this tenant have as their \"aud\"";
            wrong("/audiences", "there must be an audience: else tokens for other services would count here", help);
        }
        if self.jwks_uri.is_some() && self.jwks.is_some() {
            wrong("/jwks", "there is \"jwksUri\", too", "leave one of them out");
        }
        if !self.primary && self.user_claim != SUBJECT {
            wrong("/userClaim", "only a primary issuer names users", "leave it out, or set \"primary\": true");
        }
        if !(1..=MAX_REFRESH).contains(&self.refresh_seconds) {
            wrong("/refreshSeconds", "this must be from 1 to 86400", "300 is the default");
        }
        if self.leeway_seconds > MAX_LEEWAY {
            wrong("/leewaySeconds", "this must be at most 120", "10 is the default");
        }
    }
}
