//! Settings as flags, and `sidegate config`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::app::{Config, Flags, Layers};

use super::show;

/// Flags of `serve`. Each setting is also an environment variable (SIDEGATE_LISTEN for --listen) and a line in the
/// TOML file of --config; the flag wins, then the environment, then the file.
#[derive(Args)]
pub(super) struct Settings {
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "SIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on (port 0 takes a free one), or unix:/path, or several, separated by commas [default:
    /// 127.0.0.1:8181]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address or socket for administration, which then is not to be had at --listen: the API for admins, and the portal
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// URL under which admins reach --admin-listen
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// Mode of the files of Unix sockets [default: 660]
    #[arg(long, value_name = "MODE")]
    socket_mode: Option<String>,
    /// Certificate for TLS, with those that vouch for it (PEM); read again when it changes
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Certificates of those who vouch for clients (PEM); clients without a certificate need a token
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// Folder for the database, keys and tokens [default: ./data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// URL of a PostgreSQL database, better given as SIDEGATE_DATABASE if it holds a password [default: SQLite in the
    /// data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// URL of a Redis that sidecars share, or several nodes of a cluster, separated by commas; better given as
    /// SIDEGATE_REDIS if it holds a password [default: none]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Milliseconds that a decision waits for Redis [default: 5]
    #[arg(long, value_name = "MILLISECONDS")]
    redis_timeout: Option<String>,
    /// Folder that holds one folder of policies for each tenant [default: ./policies]
    #[arg(long, value_name = "FOLDER")]
    policies: Option<String>,
    /// Networks in which issuers of access tokens may be, besides the internet: with commas, none, or loopback [default:
    /// loopback, if only this machine can connect]
    #[arg(long, value_name = "NETWORKS")]
    issuer_networks: Option<String>,
    /// Networks of proxies whose X-Forwarded-For says where a client is, with commas [default: none]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,
    /// Whose host is which tenant's where proxies name none, such as app.acme.example=acme, with commas [default: none]
    #[arg(long, value_name = "HOSTS")]
    hosts: Option<String>,
    /// Tokens that do not count one address may show within ten seconds, before it must wait; 0 is no limit [default: 200]
    #[arg(long, value_name = "NUMBER")]
    failures: Option<String>,
    /// URL under which clients reach this server
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Tenant that answers at the root paths; the only one, if there is just one
    #[arg(long, value_name = "TENANT")]
    default_tenant: Option<String>,
    /// Trust the tokens of `sidegate token`: on, off, or only when listening on loopback [default: loopback]
    #[arg(long, value_name = "on|off|loopback")]
    dev_tokens: Option<String>,
    /// Log decisions as JSON lines: off, stdout or a file [default: off]
    #[arg(long, value_name = "TARGET")]
    decision_log: Option<String>,
    /// Seconds that a client may take to send a request [default: 15]
    #[arg(long, value_name = "SECONDS")]
    client_timeout: Option<String>,
    /// Mebibytes of memory for cached users and resources [default: an eighth of the memory, from 64 to 4096]
    #[arg(long, value_name = "MIB")]
    cache_mib: Option<String>,
    /// Read so many of the users who were in memory when the last run ended [default: 0]
    #[arg(long, value_name = "USERS")]
    warm_up: Option<String>,
    /// Seconds for which decisions go on from memory while the database does not answer [default: 300]
    #[arg(long, value_name = "SECONDS")]
    stale_grace: Option<String>,
    /// File with the admin's token; SIDEGATE_ADMIN_TOKEN holds it directly [default: DATA/admin-token, made if need be]
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<String>,
}

impl Settings {
    /// The settings as they stand, checked.
    pub(super) fn check(self) -> Result<Config> {
        Ok(Config::check(&self.layers()?)?)
    }

    fn layers(self) -> Result<Layers> {
        let flags = [
            ("listen", self.listen),
            ("admin_listen", self.admin_listen),
            ("admin_url", self.admin_url),
            ("socket_mode", self.socket_mode),
            ("tls_certificate", self.tls_certificate),
            ("tls_key", self.tls_key),
            ("tls_client_ca", self.tls_client_ca),
            ("data", self.data),
            ("database", self.database),
            ("redis", self.redis),
            ("redis_timeout", self.redis_timeout),
            ("issuer_networks", self.issuer_networks),
            ("trusted_proxies", self.trusted_proxies),
            ("hosts", self.hosts),
            ("failures", self.failures),
            ("policies", self.policies),
            ("public_url", self.public_url),
            ("default_tenant", self.default_tenant),
            ("dev_tokens", self.dev_tokens),
            ("decision_log", self.decision_log),
            ("client_timeout", self.client_timeout),
            ("cache_mib", self.cache_mib),
            ("warm_up", self.warm_up),
            ("stale_grace", self.stale_grace),
            ("admin_token_file", self.admin_token_file),
        ];
        layers(flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(), self.config)
    }
}

/// Lays flags over this process's environment and a file.
pub(super) fn layers(flags: Flags, file: Option<PathBuf>) -> Result<Layers> {
    Ok(Layers::new(&flags, |name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()), file.as_deref())?)
}

/// `sidegate config`
#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    settings: Settings,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self) -> Result<ExitCode> {
        let layers = self.settings.layers()?;
        let shown = layers.shown();
        if self.json {
            show::line(format_args!("{}", serde_json::to_string_pretty(&shown)?))?;
        } else {
            for (name, setting) in &shown {
                let source = serde_json::to_value(setting.source)?;
                show::line(format_args!("{name:<17} {:<24} ({})", setting.value, source.as_str().unwrap_or_default()))?;
            }
        }
        // Shown first, so that a wrong value can be seen with its source.
        Config::check(&layers)?;
        Ok(ExitCode::SUCCESS)
    }
}
