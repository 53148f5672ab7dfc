//! `sidegate healthy`: what a container without any other program can ask itself.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Request;
use http_body_util::{BodyExt, Empty};
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
        fetch(&self.url).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a server on this machine answers, if that is a success.
pub(super) async fn fetch(url: &Url) -> Result<String> {
    tokio::time::timeout(PATIENCE, ask(url)).await.with_context(|| format!("{url}: no answer"))?
}

async fn ask(url: &Url) -> Result<String> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    let stream = TcpStream::connect((host, port)).await.with_context(|| url.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(url.path()).header("host", host).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    if !status.is_success() {
        bail!("{url} answers {status}");
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}
