//! `sidegate proxy-config`

use std::process::ExitCode;

use anyhow::Result;
use askama::Template;
use clap::{Args, ValueEnum};
use url::Url;

use crate::model::{ProxySettings, Slug, TenantId};
use crate::service::MIN_SECRET;

use super::{Usage, show, web_url};

/// Print a configuration of a reverse proxy that asks sidegate about every request to an app
#[derive(Args)]
pub(super) struct ProxyConfig {
    /// The proxy
    proxy: Proxy,
    /// The app, such as http://127.0.0.1:3000; h2c://127.0.0.1:50051 for one that speaks HTTP/2 without TLS, such as gRPC
    #[arg(long, value_parser = web_url)]
    upstream: Url,
    /// The tenant whose policies decide
    #[arg(long)]
    tenant: TenantId,
    /// sidegate, as the proxy reaches it
    #[arg(long, default_value = "http://127.0.0.1:8181", value_parser = web_url)]
    sidegate: Url,
    /// Where the proxy listens
    #[arg(long, default_value = "127.0.0.1:8000")]
    listen: std::net::SocketAddr,
    /// A trait that the app is told; the tenant's settings name it in `proxies.traits`, too
    #[arg(long = "trait", value_name = "SLUG")]
    traits: Vec<Slug>,
    /// The environment variable with the secret that sidegate knows its proxies by, as in its `SIDEGATE_PROXY_SECRET`
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// The field in which an identity proxy names the user; the tenant's settings name it in `proxies.identityHeader`, too
    #[arg(long, value_name = "FIELD", requires = "secret_env")]
    identity_header: Option<String>,
}

/// A reverse proxy.
#[derive(Clone, Copy, ValueEnum)]
enum Proxy {
    Nginx,
    Caddy,
    Traefik,
    /// Over HTTP
    Envoy,
    /// Over gRPC
    EnvoyGrpc,
    Haproxy,
    /// What haproxy.cfg loads: sidegate.lua
    HaproxyLua,
}

/// A field that tells the app who it is.
struct Field {
    name: String,
    /// As a variable: in lower case, with underscores.
    variable: String,
}

/// An address and a port.
struct At {
    host: String,
    port: u16,
    /// Over HTTP/2 without TLS (`h2c://`), and not over HTTP/1.1.
    http2: bool,
}

/// The schemes that a URL of the command line may have, and how it is to be written.
type Form = (&'static [&'static str], &'static str);

const HTTP: Form = (&["http"], "http://ADDRESS:PORT");
const HTTP_OR_H2C: Form =
    (&["http", "h2c"], "http://ADDRESS:PORT, or h2c://ADDRESS:PORT for an app that speaks HTTP/2, such as gRPC");

macro_rules! configurations {
    ($($name:ident, $path:literal { $($field:ident: $type:ty),* };)*) => {
        $(
            #[derive(Template)]
            #[template(path = $path, config = "src/cli/askama.toml", escape = "none")]
            struct $name<'c> { fields: &'c [Field], http2: bool, secret: &'c str, identity: &'c str, $($field: $type),* }
        )*
    };
}

configurations! {
    Nginx, "nginx.conf" { by: &'c str, sidegate: &'c str, upstream: &'c str, listen: &'c str, tenant: &'c str };
    Caddy, "Caddyfile" { sidegate: &'c str, upstream: &'c str, address: &'c str, port: u16, tenant: &'c str };
    Traefik, "traefik.yaml" { sidegate: &'c str, upstream: &'c str, listen: &'c str, tenant: &'c str };
    Envoy, "envoy.yaml" {
        sidegate: &'c str, sidegate_address: &'c str, sidegate_port: u16, upstream_address: &'c str, upstream_port: u16,
        address: &'c str, port: u16, tenant: &'c str, grpc: bool
    };
    Haproxy, "haproxy.cfg" { upstream: &'c str, listen: &'c str };
    HaproxyLua, "sidegate.lua" { sidegate: &'c str, tenant: &'c str };
}

impl ProxyConfig {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (own, app) =
            (plain("--sidegate", &self.sidegate, HTTP)?, plain("--upstream", &self.upstream, HTTP_OR_H2C)?);
        let at = |at: &At| format!("{}:{}", at.host, at.port);
        let (sidegate, upstream, listen) = (&*at(&own), &*at(&app), &*self.listen.to_string());
        let (address, port, tenant) = (&*self.listen.ip().to_string(), self.listen.port(), self.tenant.as_str());
        let (fields, http2) = (&fields(&self.traits), app.http2);
        let secret = &*self.secret_env.as_deref().map(secret).transpose()?.unwrap_or_default();
        let identity = &*self.identity_header.as_deref().map(identity).transpose()?.unwrap_or_default();
        // nginx has modules of their own for the two, whose directives are named after them.
        let by = if http2 { "grpc" } else { "proxy" };
        let text = match self.proxy {
            Proxy::Nginx => Nginx { by, fields, http2, secret, identity, sidegate, upstream, listen, tenant }.render(),
            Proxy::Caddy => {
                Caddy { fields, http2, secret, identity, sidegate, upstream, address, port, tenant }.render()
            }
            Proxy::Traefik => Traefik { fields, http2, secret, identity, sidegate, upstream, listen, tenant }.render(),
            Proxy::Envoy | Proxy::EnvoyGrpc => Envoy {
                grpc: matches!(self.proxy, Proxy::EnvoyGrpc),
                fields,
                http2,
                secret,
                identity,
                sidegate,
                sidegate_address: &own.host,
                sidegate_port: own.port,
                upstream_address: &app.host,
                upstream_port: app.port,
                address,
                port,
                tenant,
            }
            .render(),
            Proxy::Haproxy => Haproxy { fields, http2, secret, identity, upstream, listen }.render(),
            Proxy::HaproxyLua => HaproxyLua { fields, http2, secret, identity, sidegate, tenant }.render(),
        };
        show::line(format_args!("{}", text?.trim_end()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// All fields that an answer has which lets a request pass.
fn fields(traits: &[Slug]) -> Vec<Field> {
    let own = ["Subject", "Subject-Type", "Tenant"].map(str::to_owned);
    let traits = traits.iter().map(|slug| format!("Trait-{}", slug.as_str().replace('_', "-")));
    let field = |name: String| {
        let name = format!("X-Auth-{name}");
        Field { variable: name.to_ascii_lowercase().replace('-', "_"), name }
    };
    own.into_iter().chain(traits).map(field).collect()
}

/// The secret in a variable, if it stands in each of the configurations as it is.
fn secret(name: &str) -> Result<String> {
    let refused = |why: &str| Usage(format!("--secret-env {name}: {why}"));
    let secret = std::env::var(name).map_err(|_| refused("there is no such environment variable"))?;
    if secret.len() < MIN_SECRET
        || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(&byte))
    {
        let why =
            format!("it holds no secret of at least {MIN_SECRET} letters and digits, as `openssl rand -hex 32` prints");
        return Err(refused(&why).into());
    }
    Ok(secret)
}

/// The name of a field as the configurations write it.
fn identity(name: &str) -> Result<String> {
    let settings = ProxySettings { identity_header: Some(name.to_ascii_lowercase()), ..ProxySettings::default() };
    match settings.check().first() {
        Some((_, why, help)) => Err(Usage(format!("--identity-header {name}: {why}; {help}")).into()),
        None => Ok(name.to_ascii_lowercase()),
    }
}

/// Address and port of a URL that has nothing else.
fn plain(option: &str, url: &Url, (schemes, form): Form) -> Result<At> {
    let refused = |why: &str| Usage(format!("{option} {url}: {why}"));
    let scheme = url.scheme();
    if !schemes.contains(&scheme) {
        return Err(refused(&format!("write it as {form}; TLS between them is to be set up by hand")).into());
    }
    // What has a scheme of its own is not read as strictly as a URL of the web is.
    let web = Url::parse(&format!("http{}", &url.as_str()[scheme.len()..])).map_err(|e| refused(&e.to_string()))?;
    if web.path() != "/" || web.query().is_some() || web.fragment().is_some() || !web.username().is_empty() {
        return Err(refused(&format!("a path is not handed on: write it as {form}")).into());
    }
    let host = web.host_str().ok_or_else(|| refused("it has no address"))?;
    Ok(At { host: host.to_owned(), port: web.port_or_known_default().unwrap_or(80), http2: scheme == "h2c" })
}
