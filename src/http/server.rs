//! Connections: accepted, served as HTTP/1 or HTTP/2, bounded in time, and drained at the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::service::Service;

use super::client::Proxies;
use super::gate::{Gate, Peer};
use super::idempotency;
use super::listener::{Listener, Stream};
use super::router::Router;
use super::tls::Tls;
use super::watchdog::Watchdog;

/// Bounds on what clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may take for the head of a request, and again for its body.
    pub patience: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub drain: Duration,
}

/// The head of a request holds at most this many bytes.
const MAX_HEAD: usize = 64 << 10;

/// Serves until `shutdown`, then lets the requests under way finish.
///
/// # Errors
/// If the table of routes is wrong, which a test finds.
pub async fn serve(
    listeners: Vec<Listener>,
    service: Arc<Service>,
    limits: Limits,
    proxies: Proxies,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = Router::new().map_err(io::Error::other)?;
    let gate = Arc::new(Gate { service, router, limits, proxies, said: Once::new() });
    let connections = Arc::new(GracefulShutdown::new());
    let mut accepting: JoinSet<()> =
        listeners.into_iter().map(|listener| accept(listener, gate.clone(), connections.clone())).collect();
    shutdown.await;
    accepting.shutdown().await;
    // Nobody accepts any more, so this is the last of them.
    let Some(connections) = Arc::into_inner(connections) else { return Ok(()) };
    if tokio::time::timeout(limits.drain, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections were still busy when the time to drain was over");
    }
    Ok(())
}

async fn accept(listener: Listener, gate: Arc<Gate>, connections: Arc<GracefulShutdown>) {
    let serves = listener.serves;
    loop {
        match listener.accept().await {
            Ok(Stream::Tcp(stream, address, None)) => {
                spawn(stream, Peer::new(serves, Some(address)), gate.clone(), connections.watcher());
            }
            Ok(Stream::Tcp(stream, address, Some(tls))) => {
                let peer = Peer::new(serves, Some(address));
                tokio::spawn(shake_hands(stream, tls, peer, gate.clone(), connections.watcher()));
            }
            Ok(Stream::Unix(stream)) => {
                spawn(stream, Peer::new(serves, None), gate.clone(), connections.watcher());
            }
            Err(error) => {
                // Out of file descriptors, say: others must close before it can go on.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Whoever speaks no TLS, or too slowly, is gone; that is no news.
async fn shake_hands(stream: TcpStream, tls: Arc<Tls>, peer: Peer, gate: Arc<Gate>, connections: Watcher) {
    if let Ok(Ok((stream, certificate))) = tokio::time::timeout(gate.limits.patience, tls.accept(stream)).await {
        spawn(stream, Peer { certificate, ..peer }, gate, connections);
    }
}

fn spawn<S>(stream: S, peer: Peer, gate: Arc<Gate>, connections: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let patience = gate.limits.patience;
    let watchdog = Arc::new(Watchdog::new());
    let service = service_fn({
        let (peer, watchdog) = (Arc::new(peer), watchdog.clone());
        move |request: Request<Incoming>| {
            let (gate, watchdog, peer) = (gate.clone(), watchdog.clone(), peer.clone());
            async move {
                let under_way = watchdog.request(request.version());
                let response = if idempotency::asked_for(request.headers()) {
                    gate.answer_to_the_end(request, peer).await?
                } else {
                    gate.answer(request, &peer).await?
                };
                Ok::<_, Infallible>(response.map(|body| body.while_under_way(under_way)))
            }
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The watchdog looks after heads that do not come.
    // One copy of a small answer costs less than a vectored write (4 % of what a decision took).
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEAD).writev(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience);
    // A client that does not read would keep its answers, and its place, for ever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
    let connection = connections.watch(connection);
    // Clients go away and send nonsense; neither is news.
    let connection = tokio::spawn(async move { drop(connection.await) });
    tokio::spawn(async move {
        let hand = connection.abort_handle();
        tokio::select! {
            _ = connection => {}
            () = watchdog.barks(patience) => hand.abort(),
        }
    });
}
