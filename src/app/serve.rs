//! `sidegate serve`.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::http::{self, Limits};
use crate::service::{DataFolder, LogTarget, Service};
use crate::store::Store;

use super::banner;
use super::config::Config;
use super::listen::Listen;
use super::open::parts;
use super::reload::Watched;

/// How long requests under way may take after SIGTERM.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// What kept it from starting, or from going on.
pub async fn serve(config: Config) -> Result<()> {
    log_to_stderr();
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

    let (mut listeners, mut bound) = (Vec::new(), Vec::new());
    for listen in &config.listen {
        let (listener, at) = listen.bind().await?;
        tracing::info!(address = %at, "listening");
        listeners.push(listener);
        bound.push(at);
    }
    // The first address, if there is one: links and commands need a URL that works everywhere.
    let first = bound.iter().find(|at| matches!(at, Listen::Tcp(_))).or(bound.first()).context("nowhere to listen")?;
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&first.url())?,
    };
    folder.note_url(public_url.as_str())?;
    service.set_public_url(public_url);
    let mut text = banner::text(&config, &folder, &service, first);
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
        served = http::serve(listeners, service.clone(), limits, stop) => served?,
        () = watched.reload(&service) => {}
        () = service.follow_feed() => {}
    }
    service.close().await;
    Ok(())
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
