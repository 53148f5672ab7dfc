//! Configuration: every setting from a flag, the environment, a TOML file or a default, in that order, checked as
//! a whole before anything is opened or bound.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use url::Url;

use crate::http::{Proxies, TlsFiles};
use crate::model::TenantId;
use crate::service::{DataFolder, LogTarget, MIN_SECRET, Networks, networks, suggest};
use crate::store::{DatabaseAt, RedisAt, SealKey};

use super::admin_token::AdminToken;
use super::listen::{Listen, read_mode};
use super::memory;
use super::settings::{SETTINGS, Setting};

/// Values from the command line, by the name of their setting.
pub type Flags = BTreeMap<&'static str, String>;

/// Where a value came from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file of `--config`.
    File,
    /// Nobody said anything.
    Default,
}

/// A setting as `sidegate config` shows it.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// The value; secrets are hidden.
    pub value: String,
    /// Where it came from.
    pub source: Origin,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is wrong.
    #[error("{place}: {value} is not usable: {why}; it must be {right}")]
    Value {
        /// The flag, variable or line.
        place: String,
        /// The value, quoted; hidden if secret.
        value: String,
        /// What is wrong with it.
        why: String,
        /// What would be right.
        right: &'static str,
    },
    /// The file cannot be read.
    #[error("--config {path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// All settings with their sources, not yet checked.
pub struct Layers(BTreeMap<&'static str, (String, Origin)>);

impl Layers {
    /// Lays flags over the environment, that over a file, and that over the defaults.
    ///
    /// # Errors
    /// [`ConfigError::File`] if the file cannot be read or has a setting that there is not.
    pub fn new(
        flags: &Flags,
        environment: impl Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let file = file.map(read_file).transpose()?.unwrap_or_default();
        let layered = SETTINGS.iter().map(|setting| {
            let name = setting.name;
            let layers = [
                (flags.get(name).cloned(), Origin::Flag),
                (environment(&variable(name)), Origin::Environment),
                (file.get(name).cloned(), Origin::File),
            ];
            // An empty value is as good as none.
            let given = layers.into_iter().find_map(|(value, origin)| Some((value.filter(|v| !v.is_empty())?, origin)));
            (name, given.unwrap_or_else(|| (setting.default.to_owned(), Origin::Default)))
        });
        Ok(Self(layered.collect()))
    }

    /// For `sidegate config`: every setting and its source, secrets hidden.
    #[must_use]
    pub fn shown(&self) -> BTreeMap<&'static str, Shown> {
        let show = |setting: &Setting| {
            let (value, source) = self.get(setting.name);
            let value = if setting.secret && !value.is_empty() { "(hidden)" } else { value };
            (setting.name, Shown { value: value.to_owned(), source })
        };
        SETTINGS.iter().map(show).collect()
    }

    /// The folder of the data, which every command needs.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        absolute(self.get("data").0)
    }

    /// The database, which every command needs: the one that is named, else SQLite in the data folder.
    ///
    /// # Errors
    /// [`ConfigError::Value`]
    pub fn database(&self) -> Result<DatabaseAt, ConfigError> {
        let named = self.read("database", DatabaseAt::postgres)?;
        Ok(named.unwrap_or_else(|| DataFolder::database(&self.data())))
    }

    /// The files for TLS: a certificate and its key, or neither.
    fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let file = |name| self.read(name, read_existing);
        let client_ca = file("tls_client_ca")?;
        let (certificate, key) = (file("tls_certificate")?, file("tls_key")?);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, client_ca })),
            (None, None) if client_ca.is_none() => Ok(None),
            (certificate, _) => {
                let missing = if certificate.is_none() { "tls_certificate" } else { "tls_key" };
                let given = ["tls_certificate", "tls_key", "tls_client_ca"]
                    .into_iter()
                    .find(|name| !self.get(name).0.is_empty());
                self.read(given.unwrap_or("tls_key"), |_| Err(format!("{missing} is not set, and both are needed")))
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> (&str, Origin) {
        self.0.get(name).map_or(("", Origin::Default), |(value, origin)| (value, *origin))
    }

    /// Reads a value; an empty one is none.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let (value, origin) = self.get(name);
        if value.is_empty() {
            return Ok(None);
        }
        read(value).map(Some).map_err(|why| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name);
            let place = match origin {
                Origin::Flag | Origin::Default => format!("--{}", name.replace('_', "-")),
                Origin::Environment => variable(name),
                Origin::File => format!("`{name}` in the configuration file"),
            };
            let secret = setting.is_some_and(|setting| setting.secret);
            let value = if secret { "the value".to_owned() } else { format!("{value:?}") };
            ConfigError::Value { place, value, why, right: setting.map_or("", |setting| setting.right) }
        })
    }
}

/// A configuration that was checked.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Where to listen for administration, if not there, too.
    pub admin_listen: Vec<Listen>,
    /// What URLs of the portal begin with.
    pub admin_url: Option<Url>,
    /// Who may connect to a Unix socket.
    pub socket_mode: u32,
    /// How to speak TLS.
    pub tls: Option<TlsFiles>,
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The database.
    pub database: DatabaseAt,
    /// The Redis that sidecars share.
    pub redis: Option<RedisAt>,
    /// What seals facts there, if not a key of the data folder.
    pub redis_seal_key: Option<SealKey>,
    /// How long a decision waits for Redis.
    pub redis_timeout: Duration,
    /// The folder of policies, absolute.
    pub policies: PathBuf,
    /// Where issuers may be, besides the internet.
    pub issuer_networks: Networks,
    /// Reverse proxies: whose word counts, and for whose hosts they ask.
    pub proxies: Proxies,
    /// How many tokens that do not count one address may show within ten seconds.
    pub failures: u32,
    /// What URLs out of sidegate begin with.
    pub public_url: Option<Url>,
    /// The tenant that answers at the root.
    pub default_tenant: Option<TenantId>,
    /// Whether development tokens are trusted.
    pub dev_tokens: bool,
    /// Where decisions are logged.
    pub decision_log: Option<LogTarget>,
    /// How long clients may take.
    pub client_timeout: Duration,
    /// Bytes for users in memory.
    pub cache_bytes: u64,
    /// How long what is in memory counts while the database does not answer.
    pub stale_grace: Duration,
    /// How many users of the last run are read at the start.
    pub warm_up: usize,
    /// The admin's token.
    pub admin_token: AdminToken,
}

impl Config {
    /// Checks all settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first that cannot be used.
    pub fn check(layers: &Layers) -> Result<Self, ConfigError> {
        let listen = layers.read("listen", Listen::parse)?.unwrap_or_default();
        let admin_listen = layers.read("admin_listen", Listen::parse)?.unwrap_or_default();
        let is_local = listen.iter().chain(&admin_listen).all(Listen::is_local);
        let dev_tokens = layers.read("dev_tokens", |text| match text {
            "on" | "true" => Ok(true),
            "off" | "false" => Ok(false),
            "loopback" => Ok(is_local),
            _ => Err("it is none of the three".to_owned()),
        })?;
        let issuer_networks = layers.read("issuer_networks", |text| match text {
            "none" => Ok(Networks::default()),
            "loopback" if is_local => Ok(Networks::loopback()),
            "loopback" => Ok(Networks::default()),
            networks => Networks::parse(networks),
        })?;
        let number = |name, range: std::ops::RangeInclusive<u64>| {
            layers.read(name, |text| {
                let number: u64 = text.parse().map_err(|_| "it is not a whole number".to_owned())?;
                range.contains(&number).then_some(number).ok_or_else(|| "it is out of range".to_owned())
            })
        };
        let cache_mib = match layers.get("cache_mib").0 {
            "auto" => memory::default_cache_mib(),
            _ => number("cache_mib", 1..=1_048_576)?.unwrap_or_else(memory::default_cache_mib),
        };
        Ok(Self {
            listen,
            admin_listen,
            admin_url: layers.read("admin_url", read_url)?,
            socket_mode: layers.read("socket_mode", read_mode)?.unwrap_or(0o660),
            tls: layers.tls()?,
            data: layers.data(),
            database: layers.database()?,
            redis: layers.read("redis", str::parse)?,
            redis_seal_key: layers.read("redis_seal_key", |text| Ok(SealKey::new(long_enough(text)?.as_bytes())))?,
            // A decision waits a second for all that it needs, and the database comes after Redis.
            redis_timeout: Duration::from_millis(number("redis_timeout", 1..=500)?.unwrap_or(5)),
            policies: layers.read("policies", read_folder)?.unwrap_or_default(),
            issuer_networks: issuer_networks.unwrap_or_default(),
            proxies: Proxies {
                trusted: layers.read("trusted_proxies", networks)?.unwrap_or_default(),
                secret: layers.read("proxy_secret", |text| Ok(long_enough(text)?.into()))?,
                hosts: layers.read("hosts", read_hosts)?.unwrap_or_default(),
            },
            failures: number("failures", 0..=1_000_000)?.map_or(200, |number| number as u32),
            public_url: layers.read("public_url", read_url)?,
            default_tenant: layers.read("default_tenant", |text| TenantId::parse(text).map_err(|e| e.to_string()))?,
            dev_tokens: dev_tokens.unwrap_or(false),
            decision_log: layers.read("decision_log", read_log)?.flatten(),
            client_timeout: Duration::from_secs(number("client_timeout", 1..=3600)?.unwrap_or(15)),
            cache_bytes: cache_mib << 20,
            stale_grace: Duration::from_secs(number("stale_grace", 2..=86_400)?.unwrap_or(300)),
            warm_up: usize::try_from(number("warm_up", 0..=10_000_000)?.unwrap_or(0)).unwrap_or(usize::MAX),
            admin_token: AdminToken::read(layers)?,
        })
    }
}

pub(super) fn long_enough(secret: &str) -> Result<&str, String> {
    match secret.len() {
        bytes if bytes < MIN_SECRET => Err(format!("it has {bytes} bytes, and anybody could guess it")),
        _ => Ok(secret),
    }
}

/// The folder of policies: one that can be read, with a folder for each tenant.
fn read_folder(text: &str) -> Result<PathBuf, String> {
    let path = absolute(text);
    if !path.is_dir() {
        return Err(format!("there is no folder {}", path.display()));
    }
    let entries = std::fs::read_dir(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let mut names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let policy = names.find(|name| name.ends_with(".policy") && !name.starts_with('.'));
    match (policy, path.parent()) {
        (Some(policy), Some(above)) => {
            Err(format!("{policy} lies in it, so it is one tenant's: name the folder above, {}", above.display()))
        }
        _ => Ok(path),
    }
}

fn read_existing(text: &str) -> Result<PathBuf, String> {
    let path = absolute(text);
    if path.is_file() { Ok(path) } else { Err(format!("there is no file {}", path.display())) }
}

fn read_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its scheme is neither https nor http".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or a fragment".to_owned());
    }
    Ok(url)
}

fn read_hosts(text: &str) -> Result<BTreeMap<String, TenantId>, String> {
    let mut hosts = BTreeMap::new();
    for pair in text.split(',').map(str::trim) {
        let (host, tenant) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is no host and tenant"))?;
        let host = host.to_ascii_lowercase();
        // As policies see it, and so without a port.
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
            return Err(format!("{host:?} is no host"));
        }
        let tenant = TenantId::parse(tenant).map_err(|error| error.to_string())?;
        if hosts.insert(host, tenant).is_some() {
            return Err(format!("the host of {pair:?} is there twice"));
        }
    }
    Ok(hosts)
}

fn read_log(text: &str) -> Result<Option<LogTarget>, String> {
    match text {
        "off" => Ok(None),
        "stdout" => Ok(Some(LogTarget::Stdout)),
        path => {
            let path = absolute(path);
            match path.parent() {
                Some(folder) if !folder.is_dir() => Err(format!("there is no folder {}", folder.display())),
                _ => Ok(Some(LogTarget::File(path))),
            }
        }
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let error = |why: String| ConfigError::File { path: path.display().to_string(), why };
    let text = std::fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
    // Without the line itself: it may be the one with the secret.
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        error(format!("line {line}: {}", e.message()))
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !SETTINGS.iter().any(|setting| setting.name == name) {
            let mend = match suggest(&name, SETTINGS.iter().map(|setting| setting.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sidegate config` lists them".to_owned(),
            };
            return Err(error(format!("there is no setting `{name}`; {mend}")));
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            other => return Err(error(format!("`{name}` is {}, and must be a string", other.type_str()))),
        };
        values.insert(name, text);
    }
    Ok(values)
}

fn variable(name: &str) -> String {
    format!("SIDEGATE_{}", name.to_uppercase())
}

pub(super) fn absolute(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
