//! Asks over and over, on many connections.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{Process, QUESTION, grpc};

/// Streams that share an HTTP/2 connection.
const STREAMS: usize = 16;

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum Way {
    Http1(SocketAddr),
    Http2(SocketAddr),
    /// Over HTTP/2: the question is a call of Envoy's `Check`.
    Grpc(SocketAddr),
    Unix(PathBuf),
}

/// What came of it.
pub struct Load {
    pub per_second: f64,
    pub p99: f64,
    /// Microseconds of the server's processors for one answer.
    pub cpu: f64,
}

/// What an answer begins with that says yes.
pub const YES: &str = "{\"decision\":true";

/// Asks a question for `time`, as many at once as `askers`; every answer must be a 200 with a body that begins so, and
/// over HTTP/2 a yes.
pub async fn drive(
    process: &Process,
    way: &Way,
    token: &str,
    (question, begins): (&[u8], &'static str),
    askers: usize,
    time: Duration,
) -> Load {
    let (start, before) = (Instant::now(), process.cpu());
    let until = start + time;
    let mut asking = Vec::new();
    match way {
        Way::Http1(address) => {
            for _ in 0..askers {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                asking.push(tokio::spawn(ask(stream, question.to_vec(), begins, until)));
            }
        }
        Way::Unix(path) => {
            for _ in 0..askers {
                asking.push(tokio::spawn(ask(
                    UnixStream::connect(path).await.unwrap(),
                    question.to_vec(),
                    begins,
                    until,
                )));
            }
        }
        Way::Http2(address) | Way::Grpc(address) => {
            let (request, fine): (_, Fine) = match way {
                Way::Grpc(_) => (grpc::request(question), grpc::passes),
                _ => (decision(token), |body, _| body.starts_with(YES.as_bytes())),
            };
            for share in 0..askers.div_ceil(STREAMS) {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let io = TokioIo::new(stream);
                let (sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                for _ in 0..STREAMS.min(askers - share * STREAMS) {
                    asking.push(tokio::spawn(ask_http2(sender.clone(), request.clone(), fine, until)));
                }
            }
        }
    }
    let mut latencies = Vec::new();
    for asker in asking {
        latencies.extend(asker.await.unwrap());
    }
    let cpu = (process.cpu() - before).as_secs_f64() * 1e6 / latencies.len() as f64;
    let per_second = latencies.len() as f64 / start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Load { per_second, p99: latencies[latencies.len() * 99 / 100].as_secs_f64(), cpu }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Vec<u8>,
    begins: &str,
    until: Instant,
) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 128 << 10];
    while Instant::now() < until {
        let start = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        let body = loop {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert_ne!(read, 0, "closed: {}", String::from_utf8_lossy(&buffer[..filled]));
            filled += read;
            if let Some(body) = body(&buffer[..filled]) {
                break body;
            }
        };
        latencies.push(start.elapsed());
        let answer = &buffer[..filled];
        let fine = answer.starts_with(b"HTTP/1.1 200") && answer[body..].starts_with(begins.as_bytes());
        assert!(fine, "{}", String::from_utf8_lossy(answer));
    }
    latencies
}

/// Where the body of an answer begins, once it is whole.
fn body(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (answer.len() >= end + 4 + length.parse::<usize>().unwrap()).then_some(end + 4)
}

type Http2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

/// Whether an answer is a yes, by its body and what comes after it.
type Fine = fn(&[u8], Option<&HeaderMap>) -> bool;

fn decision(token: &str) -> Request<Full<Bytes>> {
    Request::post("http://localhost/t/acme/access/v1/evaluation")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(QUESTION.as_bytes())))
        .unwrap()
}

async fn ask_http2(mut sender: Http2, request: Request<Full<Bytes>>, fine: Fine, until: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let start = Instant::now();
        let (head, body) = sender.send_request(request.clone()).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned();
        let body = body.to_bytes();
        latencies.push(start.elapsed());
        assert!(head.status.is_success() && fine(&body, trailers.as_ref()), "{head:?} {body:?} {trailers:?}");
    }
    latencies
}
