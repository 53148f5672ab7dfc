//! `sidegate serve`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::http::{self, Limits, Listener, Serves, Tls};
use crate::service::{DataFolder, LogTarget, Service, Urls};
use crate::store::Store;

use super::banner;
use super::config::Config;
use super::listen::Listen;
use super::open::parts;
use super::reload::Watched;

/// How long requests under way may take after SIGTERM.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Tokens and values are in memory while they are used: a crash must not write them to a disk.
#[cfg(target_os = "linux")]
fn leave_no_core() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a crash may leave a core with secrets in it");
    }
}

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// What kept it from starting, or from going on.
pub async fn serve(config: Config) -> Result<()> {
    log_to_stderr();
    #[cfg(target_os = "linux")]
    leave_no_core();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let folder = DataFolder::create(&config.data)?;
    let store = Store::open(&config.database, folder.audit_key()?)
        .await
        .with_context(|| format!("cannot open {}", config.database))?;
    folder.note_database(&config.database)?;
    let service = Service::new(parts(&config, &folder, store)?).await?;
    // Watched before they are read, so that no change falls between.
    let mut watched = Watched::new(&config.policies)?;
    service.reload(None).await?;

    let tls = config.tls.clone().map(Tls::new).transpose().context("TLS")?;
    let serves = if config.admin_listen.is_empty() { Serves::Everything } else { Serves::Requests };
    let (mut listeners, first) = bind(&config, &config.listen, tls.as_ref(), serves).await?;
    let (admin_listeners, admin) = bind(&config, &config.admin_listen, tls.as_ref(), Serves::Everything).await?;
    listeners.extend(admin_listeners);
    let first = first.context("nowhere to listen")?;
    let admin = admin.as_ref().unwrap_or(&first);
    let url = |given: &Option<Url>, at: &Listen| given.clone().map_or_else(|| Url::parse(&at.url(tls.is_some())), Ok);
    let public = url(&config.public_url, &first)?;
    let admin_url = match &config.admin_listen[..] {
        [] => public.clone(),
        _ => url(&config.admin_url, admin)?,
    };
    folder.note_url(admin_url.as_str())?;
    service.set_urls(Urls { public, admin: admin_url });
    let mut text = banner::text(&config, &folder, &service, [&first, admin]);
    if let Some(tenant) = banner::example(&service) {
        text.push_str(&banner::portal(&service.portal_link(&tenant.id).await?));
    }
    say(&config, &text)?;

    let limits = Limits { patience: config.client_timeout, drain: DRAIN };
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests under way are finished, new ones refused");
    };
    tokio::select! {
        served = http::serve(listeners, service.clone(), limits, config.proxies.clone(), stop) => served?,
        () = watched.reload(&service) => {}
        () = service.follow_feed() => {}
        () = keep_fresh(tls.as_deref()) => {}
        () = service.keep_keys_fresh() => {}
        () = service.keep_noting_uses() => {}
        () = service.keep_limits_tidy() => {}
    }
    service.close().await;
    Ok(())
}

/// Listens at all places, and names the one for links and commands: the first address, if there is one, since that works
/// everywhere.
async fn bind(
    config: &Config,
    places: &[Listen],
    tls: Option<&Arc<Tls>>,
    serves: Serves,
) -> Result<(Vec<Listener>, Option<Listen>)> {
    let (mut listeners, mut bound) = (Vec::new(), Vec::new());
    for listen in places {
        let (listener, at) = listen.bind(tls, config.socket_mode, serves).await?;
        tracing::info!(address = %at, "listening");
        listeners.push(listener);
        bound.push(at);
    }
    let first = bound.iter().find(|at| matches!(at, Listen::Tcp(_))).or(bound.first()).cloned();
    Ok((listeners, first))
}

async fn keep_fresh(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.keep_fresh().await,
        None => std::future::pending().await,
    }
}

/// The banner goes to standard output, unless that is where decisions go.
fn say(config: &Config, text: &str) -> Result<()> {
    if config.decision_log == Some(LogTarget::Stdout) {
        write!(std::io::stderr(), "{text}")?;
    } else {
        let mut out = std::io::stdout();
        write!(out, "{text}")?;
        out.flush()?;
    }
    Ok(())
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("SIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
}
