//! `sidegate healthy`: what a container without any other program can ask itself.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use url::Url;

use super::local;

/// Exit status 0 if the server answers with 200, else 1
#[derive(Args)]
pub(super) struct Healthy {
    /// What to ask; /readyz also asks whether every tenant has policies in force
    #[arg(default_value = "http://127.0.0.1:8181/healthz")]
    url: Url,
}

impl Healthy {
    pub(super) async fn run(self) -> Result<ExitCode> {
        local::fetch(&self.url).await?;
        Ok(ExitCode::SUCCESS)
    }
}
