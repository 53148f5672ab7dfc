//! A hyper server whose answer is always the same: what there is to be had.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Command;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, UnixListener};

use super::load::Way;
use super::{Process, grpc};

/// As long as the answer of sidegate.
const ANSWER: &str = r#"{"decision":true,"context":{"reason":"the policy mission allows export on report","policies":["mission"],"policyRevision":"692028751dd1857c","dataRevision":"4","decisionId":"01a21042-c83a-7672-a643-0c27f5d4d778"}}"#;

/// This program again, as a server whose answer is always the same.
pub struct Constant {
    pub way: Way,
    pub process: Process,
}

impl Constant {
    pub fn start(at: &str, like: &Way) -> Self {
        let (process, address) = Process::start(Command::new(std::env::current_exe().unwrap()).args(["constant", at]));
        let way = match like {
            Way::Http1(_) => Way::Http1(address.parse().unwrap()),
            Way::Http2(_) => Way::Http2(address.parse().unwrap()),
            Way::Grpc(_) => Way::Grpc(address.parse().unwrap()),
            Way::Unix(_) => Way::Unix(PathBuf::from(at)),
        };
        Self { way, process }
    }
}

/// The server itself: over TCP as `http1`, `http2` or `grpc`, else over a socket at that path.
pub async fn constant(at: &str) {
    if at.starts_with('/') {
        let listener = UnixListener::bind(at).unwrap();
        println!("http://localhost");
        loop {
            serve(TokioIo::new(listener.accept().await.unwrap().0), "http1");
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        serve(TokioIo::new(stream), at);
    }
}

fn serve(io: impl Read + Write + Send + Unpin + 'static, protocol: &str) {
    let service = service_fn(|request: Request<Incoming>| async {
        let _ = request.into_body().collect().await;
        let answer = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(answer.body(Full::new(Bytes::from_static(ANSWER.as_bytes()))).unwrap())
    });
    let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    match protocol {
        "grpc" => {
            let yes = Bytes::from(grpc::yes());
            let service = service_fn(move |request: Request<Incoming>| {
                let body = Full::new(yes.clone()).with_trailers(async {
                    Some(Ok(HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))])))
                });
                async {
                    let _ = request.into_body().collect().await;
                    Response::builder().header("content-type", "application/grpc").body(body)
                }
            });
            tokio::spawn(http2.serve_connection(io, service));
        }
        "http2" => drop(tokio::spawn(http2.serve_connection(io, service))),
        _ => {
            let timer = TokioTimer::new();
            tokio::spawn(hyper::server::conn::http1::Builder::new().timer(timer).serve_connection(io, service));
        }
    }
}
