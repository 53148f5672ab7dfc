//! Decisions over HTTP, beside a hyper server that answers a constant.
//!
//! Both run as processes of their own on this machine, driven alternately by one client, so that noise meets both.
//! What counts is the ratio: how much of what hyper can do is left when the answer is a decision.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1500);
const CONDITION: &str = "user.traits.plan == \"enterprise\" AND user.traits.email_opt_in == true";
const QUESTION: &str =
    r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"export"},"resource":{"type":"report","id":"7"}}"#;
/// As long as the answer of sidegate.
const ANSWER: &str = r#"{"decision":true,"context":{"reason":"the policy mission allows export on report","policies":["mission"],"policyRevision":"692028751dd1857c","dataRevision":"4","decisionId":"01a21042-c83a-7672-a643-0c27f5d4d778"}}"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if std::env::args().nth(1).as_deref() == Some("constant") {
        runtime.block_on(constant());
        return;
    }
    let constant = Constant::start();
    println!("{ROUNDS} rounds of {ROUND:?} each, alternating; medians, and the spread of the ratios\n");
    let header = ["connections", "sidegate /s", "constant /s", "throughput ratio", "p99 ratio"];
    println!("policies {:>12} {:>12} {:>12} {:>20} {:>20}", header[0], header[1], header[2], header[3], header[4]);
    for policies in [1, 10_000] {
        let sidegate = Sidegate::start(policies);
        for connections in [64, 1] {
            runtime.block_on(compare(&sidegate, &constant, policies, connections));
        }
    }
}

async fn compare(sidegate: &Sidegate, constant: &Constant, policies: usize, connections: usize) {
    let request = format!(
        "POST /t/acme/access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{QUESTION}",
        sidegate.token,
        QUESTION.len()
    );
    let drive = |address| drive(address, request.clone().into_bytes(), connections);
    drive(sidegate.address).await;
    drive(constant.address).await;
    let (mut ours, mut theirs, mut ratios, mut tails) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (our, their) = (drive(sidegate.address).await, drive(constant.address).await);
        ratios.push(our.per_second / their.per_second);
        tails.push(our.p99 / their.p99);
        ours.push(our.per_second);
        theirs.push(their.per_second);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let ratio = format!("{:.2} ({})", median(&mut ratios), spread(&ratios));
    let tail = format!("{:.2} ({})", median(&mut tails), spread(&tails));
    println!("{policies:>8} {connections:>12} {ours:>12.0} {theirs:>12.0} {ratio:>20} {tail:>20}");
}

struct Load {
    per_second: f64,
    p99: f64,
}

/// Asks over and over on `connections` connections for one round.
async fn drive(address: SocketAddr, request: Vec<u8>, connections: usize) -> Load {
    let start = Instant::now();
    let asking = (0..connections).map(|_| tokio::spawn(ask(address, request.clone(), start + ROUND)));
    let mut latencies = Vec::new();
    for connection in asking.collect::<Vec<_>>() {
        latencies.extend(connection.await.unwrap());
    }
    let per_second = latencies.len() as f64 / start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Load { per_second, p99: latencies[latencies.len() * 99 / 100].as_secs_f64() }
}

async fn ask(address: SocketAddr, request: Vec<u8>, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 4096];
    while Instant::now() < until {
        let start = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        while !is_whole(&buffer[..filled]) {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert_ne!(read, 0, "closed: {}", String::from_utf8_lossy(&buffer[..filled]));
            filled += read;
        }
        latencies.push(start.elapsed());
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..filled]));
    }
    latencies
}

/// Whether head and body are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    answer.len() >= end + 4 + length.parse::<usize>().unwrap()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Of sorted values.
fn spread(values: &[f64]) -> String {
    format!("{:.2}-{:.2}", values[0], values[values.len() - 1])
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sidegate with a set of policies and alice's traits.
struct Sidegate {
    address: SocketAddr,
    token: String,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Sidegate {
    fn start(policies: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_policies(&folder.path().join("policies/acme"), policies);
        let (data, program) = (folder.path().join("data"), env!("CARGO_BIN_EXE_sidegate"));
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let (process, address) = start(command.arg("--policies").arg(folder.path().join("policies")));
        let token = |scope: &str| {
            let mut command = Command::new(program);
            command.args(["service-token", "--tenant", "acme", "--scope", scope, "--data"]).arg(&data);
            String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
        };
        let (token, writer) = (token("decide"), token("traits:write"));
        for (slug, value) in [("plan", "\"enterprise\""), ("email_opt_in", "true"), ("credits", "500")] {
            let path = format!("/t/acme/api/v1/abac/users/alice/attributes/{slug}");
            put(address, &path, &writer, &format!("{{\"value\": {value}}}"));
        }
        Self { address, token, _process: process, _folder: folder }
    }
}

fn write_policies(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let policy = |number: usize| {
        let (name, action, kind) = match number {
            0 => ("mission".to_owned(), "export".to_owned(), "report".to_owned()),
            _ => (format!("p{number}"), format!("a{}", number % 100), format!("t{}", number / 100)),
        };
        format!("allow {name} {{ action \"{action}\" resource \"{kind}\" when {CONDITION} }}\n")
    };
    for (file, numbers) in (0..count).collect::<Vec<_>>().chunks(5_000).enumerate() {
        let text: String = numbers.iter().copied().map(policy).collect();
        std::fs::write(folder.join(format!("{file}.policy")), text).unwrap();
    }
}

fn put(address: SocketAddr, path: &str, token: &str, body: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// This program again, as a server whose answer is always the same.
struct Constant {
    address: SocketAddr,
    _process: Process,
}

impl Constant {
    fn start() -> Self {
        let (process, address) = start(Command::new(std::env::current_exe().unwrap()).arg("constant"));
        Self { address, _process: process }
    }
}

/// Starts a server and reads its address from what it prints.
fn start(command: &mut Command) -> (Process, SocketAddr) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("a line").unwrap();
    let address = first.rsplit("http://").next().unwrap().trim().parse().unwrap();
    // Read on, so that the server can write on.
    std::thread::spawn(move || lines.for_each(drop));
    (Process(child), address)
}

async fn constant() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = service_fn(|request: Request<Incoming>| async {
            let _ = request.into_body().collect().await;
            let answer = Response::builder().header("content-type", "application/json");
            Ok::<_, Infallible>(answer.body(Full::new(Bytes::from_static(ANSWER.as_bytes()))).unwrap())
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
