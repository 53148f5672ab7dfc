//! Where connections come in.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Who may connect to a Unix socket: its owner and their group.
const MODE: u32 = 0o660;

/// A socket that is listened on.
pub enum Listener {
    /// For everybody who can reach the address.
    Tcp(TcpListener),
    /// For programs on this machine: an app beside its sidecar saves the way through the network stack.
    Unix(UnixSocket),
}

/// A Unix socket, whose file is removed in the end.
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// A connection that came in.
pub(super) enum Stream {
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on a Unix socket. A file that a server left behind is replaced, a socket that is in use is not.
    ///
    /// # Errors
    /// The system's.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = UnixSocket { listener, path: path.to_owned() };
        std::fs::set_permissions(path, PermissionsExt::from_mode(MODE))?;
        Ok(Self::Unix(socket))
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream, peer.ip()))
            }
            Listener::Unix(socket) => Ok(Stream::Unix(socket.listener.accept().await?.0)),
        }
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
