//! Bytes to a site and back, as they are: a client for HTTP would put right what is wrong on purpose.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::answer::Answer;
use crate::cli::local;

/// How much of an answer is read.
const MAX_ANSWER: usize = 64 << 10;

/// Whose certificates count.
pub(super) enum Trust<'a> {
    /// Those of public authorities.
    Public,
    /// Those that the authorities in a file vouch for.
    File(&'a Path),
    /// Whatever is shown.
    Whatever,
}

/// A site, found once: all connections go to the same addresses.
pub(super) struct Site {
    addresses: Vec<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silent {
    #[error("no connection: {0}")]
    Connection(#[source] io::Error),
    #[error("no answer in time")]
    TooLate,
    #[error("the connection was closed without an answer")]
    Closed,
    #[error("what came back is no HTTP")]
    NotHttp,
}

impl Site {
    pub(super) async fn find(url: &Url, trust: &Trust<'_>, patience: Duration) -> Result<Self> {
        let port = url.port_or_known_default().unwrap_or(80);
        let (addresses, name) = match url.host().context("it names no host")? {
            Host::Domain(name) => {
                let found =
                    tokio::net::lookup_host((name, port)).await.with_context(|| format!("cannot find {name}"))?;
                (found.collect(), ServerName::try_from(name.to_owned())?)
            }
            Host::Ipv4(address) => (vec![(address, port).into()], ServerName::IpAddress(address.into())),
            Host::Ipv6(address) => (vec![(address, port).into()], ServerName::IpAddress(address.into())),
        };
        let tls = match url.scheme() {
            "https" => Some((TlsConnector::from(Arc::new(client(trust)?)), name)),
            _ => None,
        };
        Ok(Self { addresses, tls, patience })
    }

    /// Sends bytes on a connection of their own, and reads what comes back; `head` for a request whose answer has no body.
    pub(super) async fn ask(&self, request: &[u8], head: bool) -> Result<Answer, Silent> {
        let mut got = Vec::new();
        let asking = async {
            let stream = TcpStream::connect(&*self.addresses).await.map_err(Silent::Connection)?;
            match &self.tls {
                None => exchange(stream, request, head, &mut got).await,
                Some((connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await.map_err(Silent::Connection)?;
                    exchange(stream, request, head, &mut got).await;
                }
            }
            Ok(())
        };
        let in_time = timeout(self.patience, asking).await;
        if let Ok(Err(error)) = in_time {
            return Err(error);
        }
        match (Answer::read(&got, head), in_time) {
            // A body that does not end is an answer, too.
            (Some(answer), _) => Ok(answer),
            (None, Err(_)) => Err(Silent::TooLate),
            (None, Ok(_)) if got.is_empty() => Err(Silent::Closed),
            (None, Ok(_)) => Err(Silent::NotHttp),
        }
    }
}

/// Sends and reads until there is a whole answer, or nothing more to read. What goes wrong on the way is told by what came.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8], head: bool, got: &mut Vec<u8>) {
    let sent = async {
        stream.write_all(request).await?;
        stream.flush().await
    };
    // Whoever refuses a request may do so before it is there as a whole.
    let _ = sent.await;
    let mut buffer = vec![0; 8 << 10];
    while got.len() < MAX_ANSWER && !Answer::read(got, head).is_some_and(|answer| answer.whole) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => got.extend(&buffer[..count]),
        }
    }
}

fn client(trust: &Trust<'_>) -> Result<ClientConfig> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
    };
    let mut config = match trust {
        Trust::Whatever => local::whatever_certificate()?,
        Trust::Public => builder()?.with_webpki_roots().with_no_client_auth(),
        Trust::File(path) => {
            let named = || path.display().to_string();
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).with_context(named)? {
                roots.add(certificate.with_context(named)?)?;
            }
            builder()?.with_root_certificates(roots).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
