//! A tenant's settings, as `tenant.json` gives them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AppSignIn, Appearance, Issuer, PortalSignIn, ProxySettings};

/// What is wrong in settings: a JSON pointer to it, what is wrong there, and what would be right.
pub type Wrong = (String, String, String);

/// Settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TenantSettings {
    /// IANA name of the zone in which `env.hour` and its kin are read.
    pub time_zone: String,
    /// Whether only defined traits are accepted: from policies, and from those who write traits.
    pub defined_traits_only: bool,
    /// Origins that users may be sent back to, such as `https://app.example.com`; compared exactly.
    pub return_origins: Vec<String>,
    /// Origins whose pages may ask the API with a token, such as `https://app.example.com`; compared exactly.
    pub cors_origins: Vec<String>,
    /// Where users are sent whose way back is not allowed.
    pub default_return: Option<String>,
    /// Where admins sign in to the portal, besides one-time links.
    pub portal: Option<PortalSignIn>,
    /// Where users sign in to the apps behind reverse proxies, if sidegate is to see to that.
    pub sign_in: Option<AppSignIn>,
    /// Whose access tokens are taken for users.
    pub issuers: Vec<Issuer>,
    /// What reverse proxies before the tenant's apps are told.
    pub proxies: ProxySettings,
    /// How pages for users look.
    pub appearance: Appearance,
    /// How much may be asked.
    pub limits: Limits,
    /// The file in which they stand, if they do not stand in the store.
    #[serde(skip)]
    pub file: Option<String>,
}

/// How much may be asked of a tenant; zero is no limit. What is not used up within a second does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests to the API a second, by each token.
    pub api_per_second: u32,
    /// Decisions a second, by each token.
    pub decisions_per_second: u32,
    /// Requests of all kinds a second, pages among them, from each address.
    pub address_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { api_per_second: 500, decisions_per_second: 0, address_per_second: 0 }
    }
}

impl TenantSettings {
    /// These, but for what policies are compiled with, which stays as it is in others.
    #[must_use]
    pub fn beside_policies_of(self, others: &Self) -> Self {
        let Self { time_zone, defined_traits_only, .. } = others.clone();
        Self { time_zone, defined_traits_only, ..self }
    }

    /// What contradicts itself.
    #[must_use]
    pub fn check(&self) -> Vec<Wrong> {
        let mut wrong = Issuer::check_all(&self.issuers);
        wrong.extend(self.proxies.check());
        self.appearance.check(&mut wrong);
        self.portal.iter().for_each(|portal| portal.check(&mut wrong));
        self.sign_in.iter().for_each(|sign_in| sign_in.check(&self.issuers, &mut wrong));
        if jiff::tz::db().get(&self.time_zone).is_err() {
            let what = format!("there is no time zone \"{}\"", self.time_zone);
            wrong.push(("/timeZone".to_owned(), what, "IANA names, such as \"Europe/Berlin\"".to_owned()));
        }
        let origins = [("returnOrigins", &self.return_origins), ("corsOrigins", &self.cors_origins)];
        let origins =
            origins.iter().flat_map(|(name, list)| list.iter().enumerate().map(move |(at, one)| (name, at, one)));
        for (name, place, origin) in origins {
            let read = web(origin).map(|url| url.origin().ascii_serialization());
            match read {
                Some(read) if read == *origin => {}
                Some(read) => wrong.push((
                    format!("/{name}/{place}"),
                    "an origin is a scheme, a host, and a port if need be".to_owned(),
                    format!("write \"{read}\""),
                )),
                None => wrong.push((
                    format!("/{name}/{place}"),
                    "this is no origin".to_owned(),
                    "write it like \"https://app.example.com\"".to_owned(),
                )),
            }
        }
        if self.default_return.as_ref().is_some_and(|url| web(url).is_none()) {
            let help = "write it like \"https://app.example.com/\"".to_owned();
            wrong.push(("/defaultReturn".to_owned(), "this is no http or https URL".to_owned(), help));
        }
        wrong
    }
}

/// A URL of the web.
pub(super) fn web(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            defined_traits_only: false,
            return_origins: Vec::new(),
            cors_origins: Vec::new(),
            default_return: None,
            portal: None,
            sign_in: None,
            issuers: Vec::new(),
            proxies: ProxySettings::default(),
            appearance: Appearance::default(),
            limits: Limits::default(),
            file: None,
        }
    }
}
