//! `sidegate doctor`: what gets past the proxy of a live site, tried from outside as a stranger would.

mod aim;
mod answer;
mod groups;
mod patient;
mod probes;
mod report;
mod request;
mod verdict;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use url::Url;

use self::aim::Aim;
use self::patient::Patient;
use self::report::Report;
use self::wire::{Site, Trust};
use super::{Usage, web_url};

/// Try from outside, as a stranger would, whether anything gets past a site's proxy: fields that only the proxy may set, odd
/// paths, methods and hosts. Some 300 requests, one after the other, without credentials; for sites of your own. Exit status 0
/// if all are refused, 1 if one reaches through
#[derive(Args)]
pub(super) struct Doctor {
    /// Something that nobody may see without signing in, such as https://app.example.com/reports/june
    #[arg(value_parser = web_url)]
    url: Url,
    /// A page that everybody may see, such as /public/index.html: ways from beside it are tried, too
    #[arg(long, value_name = "PATH")]
    open: Option<String>,
    /// Whom to say to be in identity fields: best somebody who may see it
    #[arg(long, value_name = "NAME", default_value = "admin")]
    user: String,
    /// How many seconds an answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// File with the certificates of those who vouch for the site, as PEM, if they are no public ones
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Take whatever certificate the site shows
    #[arg(long)]
    insecure: bool,
    /// As JSON, with every probe
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = &self.url;
        let (site, aim) = self.find().await?;
        let patient = Patient::examine(site, aim).await?;
        for note in patient.notes() {
            eprintln!("note: {note}");
        }
        let probes = patient.probes();
        let (status, count) = (patient.plain.status, probes.len());
        eprintln!("{url} answers a stranger with {status}; {count} probes follow, one by one, without credentials");
        let tried = patient.try_all(probes).await;
        let shut_out = !patient.answers_as_before().await;
        let report = Report { url, patient: &patient, tried: &tried, shut_out };
        for field in report.believed() {
            let status = patient.plain.status;
            eprintln!("note: {field} turns {status} into 403: it is believed, and --user may name somebody who may");
        }
        if self.json { report.as_json() } else { report.as_text() }?;
        if report.holes().next().is_some() {
            return Ok(ExitCode::FAILURE);
        }
        if shut_out {
            let why =
                "does not answer a stranger as before any more: does it shut out who asks so? Nothing is proved then";
            return Err(Usage(format!("after {} probes {url} {why}", tried.len())).into());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Finds the site.
    async fn find(&self) -> Result<(Site, Aim)> {
        let url = &self.url;
        let refused = |why: &str| Usage(format!("{url}: {why}"));
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https are spoken here").into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("a stranger has no name and no password: leave them out").into());
        }
        let is_name = !self.user.is_empty() && self.user.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            return Err(Usage(format!("--user {}: write a name without blanks", self.user)).into());
        }
        let is_path = |path: &&str| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        if let Some(path) = self.open.as_deref().filter(|path| !is_path(path)) {
            let why = "write a path of the same site, such as /public/index.html";
            return Err(Usage(format!("--open {path}: {why}")).into());
        }
        let trust = match &self.ca {
            _ if self.insecure => Trust::Whatever,
            Some(file) => Trust::File(file),
            None => Trust::Public,
        };
        let site = Site::find(url, &trust, Duration::from_secs(self.timeout)).await;
        let site = site.map_err(|error| refused(&format!("{error:#}")))?;
        Ok((site, Aim::new(url, self.open.as_deref(), &self.user)))
    }
}
