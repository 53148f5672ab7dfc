//! TLS for those who connect: HTTP/2 by ALPN, client certificates, and files that are read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::model::hex;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The files of a server's TLS, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate, and those that lead to one that clients trust.
    pub certificate: PathBuf,
    /// The key of it.
    pub key: PathBuf,
    /// Certificates whose owners vouch for clients.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key do not go together, say.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// Nobody can be vouched for.
    #[error(transparent)]
    Clients(#[from] VerifierBuilderError),
}

/// What is spoken to those who connect.
pub struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn new(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(configuration(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// Reads the files again whenever they change; never returns. Connections go on with what they began with.
    pub async fn keep_fresh(&self) {
        let mut known = self.fingerprint();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.fingerprint();
            if std::mem::replace(&mut known, now) == known {
                continue;
            }
            match configuration(&self.files) {
                Ok(fresh) => {
                    self.current.store(Arc::new(fresh));
                    tracing::info!("the certificate was read again");
                }
                Err(error) => tracing::error!(%error, "the last good certificate stays in force"),
            }
        }
    }

    /// Something that changes when a file does. They are small.
    fn fingerprint(&self) -> [u8; 32] {
        let TlsFiles { certificate, key, client_ca } = &self.files;
        let mut hash = Sha256::new();
        for path in [certificate, key].into_iter().chain(client_ca) {
            let bytes = std::fs::read(path).unwrap_or_default();
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        hash.finalize().into()
    }

    /// Shakes hands with a client; the fingerprint of its certificate, if it has one that somebody vouches for.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<String>)> {
        let stream = TlsAcceptor::from(self.current.load_full()).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let fingerprint = certificate.map(|certificate| fingerprint(certificate));
        Ok((stream, fingerprint))
    }
}

/// What a certificate is known by: SHA-256 of its DER form (as RFC 8705, section 3.1, but in hexadecimal digits).
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> String {
    hex(&Sha256::digest(certificate))
}

fn configuration(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            // Whoever has none may have a token.
            let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(clients.allow_unauthenticated().build()?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| match error {
        pem::Error::NoItemsFound => unusable(&files.key, &"there is no private key in it (PEM)"),
        other => unusable(&files.key, &other),
    })?;
    let together = builder.with_single_cert(certificates(&files.certificate)?, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => unusable(&files.key, &"it is not the key of the certificate"),
        other => other.into(),
    });
    let mut configuration = together?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

/// The certificates in a file.
///
/// # Errors
/// [`TlsError::File`] if there is none, or something else.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(path, &error))?;
    match certificates.is_empty() {
        true => Err(unusable(path, &"there is no certificate in it (PEM)")),
        false => Ok(certificates),
    }
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), why: why.to_string() }
}
