//! `--listen`: addresses and Unix sockets.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::http::{self, Listener, Serves, Tls, TlsError};

use super::config::absolute;

/// What a Unix socket is called by.
const UNIX: &str = "unix:";

/// A place to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Reads places, separated by commas.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, String> {
        text.split(',').map(|place| Self::parse_one(place.trim())).collect()
    }

    fn parse_one(place: &str) -> Result<Self, String> {
        match place.strip_prefix(UNIX) {
            Some("") => Err("the path of the socket is missing".to_owned()),
            Some(path) => Ok(Listen::Unix(absolute(path))),
            None => {
                let mut addresses = place.to_socket_addrs().map_err(|error| error.to_string())?;
                addresses.next().map(Listen::Tcp).ok_or_else(|| "the name has no address".to_owned())
            }
        }
    }

    /// Whether only programs on this machine can connect.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Listen::Tcp(address) => address.ip().is_loopback(),
            Listen::Unix(_) => true,
        }
    }

    /// Listens there; the place as it came to be, with the real port.
    pub(super) async fn bind(&self, tls: Option<&Arc<Tls>>, mode: u32, serves: Serves) -> Result<(Listener, Listen)> {
        let cannot = || format!("cannot listen on {self}; --listen and --admin-listen name other places");
        match self {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await.with_context(cannot)?;
                let bound = Listen::Tcp(listener.local_addr()?);
                Ok((Listener::tcp(listener, tls.cloned(), serves), bound))
            }
            Listen::Unix(path) => Ok((Listener::unix(path, mode, serves).with_context(cannot)?, self.clone())),
        }
    }

    /// A URL of it that a client on this machine can use; a Unix socket has none but its client's.
    pub(super) fn url(&self, tls: bool) -> String {
        match self {
            Listen::Tcp(address) if tls => format!("https://{}", reachable(*address)),
            Listen::Tcp(address) => format!("http://{}", reachable(*address)),
            Listen::Unix(_) => "http://localhost".to_owned(),
        }
    }
}

/// The mode of a socket's file.
pub(super) fn read_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).map_err(|error| error.to_string())?;
    if mode <= 0o777 { Ok(mode) } else { Err("it is more than permissions".to_owned()) }
}

/// What the first certificate in a file is known by.
///
/// # Errors
/// [`TlsError`] if there is none.
pub fn fingerprint_of(path: &Path) -> Result<String, TlsError> {
    let certificates = http::certificates(path)?;
    Ok(certificates.first().map(|certificate| http::fingerprint(certificate)).unwrap_or_default())
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

fn reachable(bound: SocketAddr) -> SocketAddr {
    let mut address = bound;
    if bound.ip().is_unspecified() {
        match bound {
            SocketAddr::V4(_) => address.set_ip([127, 0, 0, 1].into()),
            SocketAddr::V6(_) => address.set_ip(std::net::Ipv6Addr::LOCALHOST.into()),
        }
    }
    address
}
