//! Where connections come in.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::tls::Tls;

/// A socket that is listened on.
pub struct Listener {
    socket: Socket,
    pub(super) serves: Serves,
}

enum Socket {
    /// For everybody who can reach the address.
    Tcp(TcpListener, Option<Arc<Tls>>),
    /// For programs on this machine: an app beside its sidecar saves the way through the network stack.
    Unix(UnixSocket),
}

/// Which part of the table of routes is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// All of it.
    Everything,
    /// What apps, identity providers, and users ask for: no administration.
    Requests,
}

/// A Unix socket, whose file is removed in the end.
struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// A connection that came in.
pub(super) enum Stream {
    Tcp(TcpStream, IpAddr, Option<Arc<Tls>>),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on a port, and speaks TLS if it can.
    #[must_use]
    pub fn tcp(listener: TcpListener, tls: Option<Arc<Tls>>, serves: Serves) -> Self {
        Self { socket: Socket::Tcp(listener, tls), serves }
    }

    /// Listens on a Unix socket, to which those may connect whom the mode of its file lets. A file that a server left
    /// behind is replaced, a socket that is in use is not.
    ///
    /// # Errors
    /// The system's.
    pub fn unix(path: &Path, mode: u32, serves: Serves) -> io::Result<Self> {
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = UnixSocket { listener, path: path.to_owned() };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        Ok(Self { socket: Socket::Unix(socket), serves })
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Tcp(listener, tls) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream, peer.ip(), tls.clone()))
            }
            Socket::Unix(socket) => Ok(Stream::Unix(socket.listener.accept().await?.0)),
        }
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
