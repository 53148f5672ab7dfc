//! The command line. Exit status: 0 done, 1 it could not be done or something is wrong with the policies, 2 wrong usage.

mod audit;
mod backup;
mod cache;
mod check;
mod config;
mod data;
mod doctor;
mod eval;
mod explain;
mod fmt;
mod healthy;
mod hint;
mod input;
mod junit;
mod local;
mod output;
mod progress;
mod proxy_config;
mod routes;
mod show;
mod test;
mod tokens;
mod users;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::{Shell, generate};
use url::Url;

use crate::app;

/// sidegate: authorization decisions from policies over user traits.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(config::Settings),
    /// Check the policies of a tenant, or of all
    Check(check::Check),
    /// Write policies down in the one way that they are written
    Fmt(fmt::Fmt),
    /// Run the tests beside the policies of a tenant, or of all
    Test(test::Test),
    /// Decide one query by the policies in a folder, without a server
    Eval(eval::Eval),
    /// Show what a request is by the routes of a tenant
    Routes(routes::Routes),
    /// Print a configuration of a reverse proxy before an app
    ProxyConfig(proxy_config::ProxyConfig),
    /// Try from outside whether anything gets past a site's proxy
    Doctor(doctor::Doctor),
    /// Explain the code of a finding, such as E014
    Explain(explain::Explain),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Make a development access token for a user, for machines without an identity provider
    Token(tokens::Token),
    /// Make, list or revoke service tokens, which apps and admins use
    ServiceToken(tokens::ServiceToken),
    /// Write all users of a tenant into a file
    Export(users::Export),
    /// Take in users from a file
    Import(users::Import),
    /// Write the whole database into a file
    Backup(backup::Backup),
    /// Bring a backup back into an empty database
    Restore(backup::Restore),
    /// Make a one-time link into the portal of a tenant
    PortalLink(tokens::PortalLink),
    /// Check the audit trail of a tenant, or take down its head
    Audit(audit::Audit),
    /// Show what is remembered of facts, or make all sidecars forget it
    Cache(cache::Cache),
    /// Ask a running server whether it is alive; for health checks of containers
    Healthy(healthy::Healthy),
    /// Show every setting, and where its value comes from
    Config(config::Show),
}

/// How long the end of the program waits for what blocks.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_secs(1);

/// A URL of the web, as an argument.
fn web_url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => "write http:// or https:// before it".to_owned(),
        other => other.to_string(),
    })
}

/// Something that the user has to write differently.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(settings) => {
            settings.check().and_then(|config| block_on(app::serve(config))).map(|()| ExitCode::SUCCESS)
        }
        Command::Check(check) => check.run(),
        Command::Fmt(fmt) => fmt.run(),
        Command::Test(test) => test.run(),
        Command::Eval(eval) => eval.run(),
        Command::Routes(routes) => routes.run(),
        Command::ProxyConfig(config) => config.run(),
        Command::Doctor(doctor) => block_on(doctor.run()),
        Command::Explain(explain) => explain.run(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "sidegate", &mut script);
            show::text(format_args!("{}", String::from_utf8_lossy(&script))).map(|()| ExitCode::SUCCESS)
        }
        Command::Token(token) => block_on(token.run()),
        Command::ServiceToken(token) => block_on(token.run()),
        Command::Export(export) => block_on(export.run()),
        Command::Import(import) => block_on(import.run()),
        Command::Backup(backup) => block_on(backup.run()),
        Command::Restore(restore) => block_on(restore.run()),
        Command::PortalLink(link) => block_on(link.run()),
        Command::Audit(audit) => block_on(audit.run()),
        Command::Cache(cache) => block_on(cache.run()),
        Command::Healthy(healthy) => block_on(healthy.run()),
        Command::Config(show) => show.run(),
    };
    outcome.unwrap_or_else(|error| {
        show::error(&error);
        let usage = error.is::<Usage>() || error.is::<app::ConfigError>();
        ExitCode::from(if usage { 2 } else { 1 })
    })
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(future);
    // Not dropped: that would wait for a file system that hangs.
    runtime.shutdown_timeout(SHUTDOWN);
    outcome
}
