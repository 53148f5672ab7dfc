//! `sidegate healthy`: what a container without any other program can ask itself.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Request;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

const PATIENCE: Duration = Duration::from_secs(3);

/// Exit status 0 if the server answers with 200, else 1
#[derive(Args)]
pub(super) struct Healthy {
    /// What to ask; /readyz also asks whether every tenant has policies in force
    #[arg(default_value = "http://127.0.0.1:8181/healthz")]
    url: Url,
}

impl Healthy {
    pub(super) async fn run(self) -> Result<ExitCode> {
        tokio::time::timeout(PATIENCE, self.ask()).await.with_context(|| format!("{}: no answer", self.url))??;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self) -> Result<()> {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default().unwrap_or(80));
        let stream = TcpStream::connect((host, port)).await.with_context(|| self.url.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::get(self.url.path()).header("host", host).body(Empty::<Bytes>::new())?;
        let status = sender.send_request(request).await?.status();
        if !status.is_success() {
            bail!("{} answers {status}", self.url);
        }
        Ok(())
    }
}
