//! Slow clients, limits, and how the server ends.

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Server, Setup, count, run, sidegate};

fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Whether the server closes the connection, and what it says before.
fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection was left open: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What slow clients send before they stop.
const SLOW: [&[u8]; 5] = [
    b"",
    b"P",
    b"PRI * HTTP/2.0\r\n\r\nSM",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea",
];

#[test]
fn two_hundred_slow_clients_do_not_stop_a_fast_one() {
    let server = Server::start();
    let (admin, app) = (server.admin(), server.app("decide"));
    admin.set("alice", "plan", json!("enterprise"));
    let slow: Vec<TcpStream> = (0..count(200, 800)).map(|n| connect(server.address, SLOW[n % SLOW.len()])).collect();
    for _ in 0..100 {
        app.may("alice", "export", "report");
    }
    let fresh = server.client(None);
    assert_eq!(fresh.get("/healthz").status, 200);
    drop(slow);
}

#[test]
fn slow_clients_are_closed_when_their_time_is_over() {
    let server = Setup::new().args(&["--client-timeout", "1"]).start();
    let slow: Vec<TcpStream> = SLOW.iter().map(|bytes| connect(server.address, bytes)).collect();
    let start = Instant::now();
    for (stream, bytes) in slow.into_iter().zip(SLOW) {
        read_to_end(stream);
        let name = String::from_utf8_lossy(bytes);
        assert!(start.elapsed() < Duration::from_secs(6), "{name:?} was closed only after {:?}", start.elapsed());
    }
}

#[test]
fn half_a_body_is_answered_with_408() {
    let server = Setup::new().args(&["--client-timeout", "1"]).start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let head = format!(
        "POST /t/acme/access/v1/evaluation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"subject\""
    );
    let answer = read_to_end(connect(server.address, head.as_bytes()));
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("within 1 seconds"), "{answer}");
}

#[test]
fn a_chunked_body_without_end_is_refused_and_the_client_gets_to_know() {
    let server = Server::start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let head = format!(
        "POST /t/acme/access/v1/evaluation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    let mut stream = connect(server.address, head.as_bytes());
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    for _ in 0..8 {
        stream.write_all(chunk.as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert!(read_to_end(stream).starts_with("HTTP/1.1 413"));
}

#[test]
fn a_client_that_never_reads_is_dropped() {
    let server = Setup::new().args(&["--client-timeout", "1"]).start();
    let mut stream = connect(server.address, b"");
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    let ask = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    // Until the buffers on both sides are full, and the server gives up.
    let gave_up = (0..100_000).any(|_| stream.write_all(&ask).is_err());
    assert!(gave_up);
}

#[test]
fn two_hosts_are_one_too_many() {
    let server = Server::start();
    let answer = read_to_end(connect(
        server.address,
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    ));
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn servers_that_start_at_once_on_one_fresh_folder_all_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let start = || Setup::new().env("SIDEGATE_DATA", data.to_str().unwrap()).without_data().start();
    std::thread::scope(|scope| {
        let starting: Vec<_> = (0..count(4, 12)).map(|_| scope.spawn(start)).collect();
        for server in starting {
            assert_eq!(server.join().unwrap().client(None).get("/readyz").status, 200);
        }
    });
}

#[test]
fn heads_are_bounded() {
    let server = Server::start();
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100 << 10));
    let answer = read_to_end(connect(server.address, head.as_bytes()));
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[test]
fn one_connection_serves_many_requests() {
    let server = Server::start();
    let mut stream = connect(server.address, b"");
    for round in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: abc 1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !answer.ends_with(b"{\"status\":\"ok\"}") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "closed in round {round}");
            answer.extend_from_slice(&buffer[..read]);
        }
        assert!(String::from_utf8_lossy(&answer).contains("x-request-id: abc 1\r\n"));
    }
}

#[test]
fn sigterm_finishes_what_is_under_way_and_closes_what_is_idle() {
    let mut server = Server::start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let body = crate::support::client::question("alice", "export", "report").to_string();
    let head = format!(
        "POST /t/acme/access/v1/evaluation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let idle = connect(server.address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut busy = connect(server.address, head.as_bytes());
    std::thread::sleep(Duration::from_millis(200));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(TcpStream::connect(server.address).is_err(), "new connections are refused");
    busy.write_all(body.as_bytes()).unwrap();
    assert!(read_to_end(busy).contains("\"decision\":false"), "the request under way is answered");
    assert!(read_to_end(idle).contains("\"ok\""));
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
}

/// What a server says on its Unix socket.
fn ask_socket(path: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_unix_socket_serves_like_an_address() {
    let mut server = Setup::new().with_socket().start();
    let socket = server.socket();
    server.admin().set("alice", "plan", json!("enterprise"));
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let body = crate::support::client::question("alice", "export", "report").to_string();
    let question = format!(
        "POST /t/acme/access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let over_tcp = read_to_end(connect(server.address, question.as_bytes()));
    let decision =
        |answer: &str| answer.split("\"decision\":").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned);
    assert!(decision(&over_tcp).is_some(), "{over_tcp}");
    assert_eq!(decision(&ask_socket(&socket, question.as_bytes())), decision(&over_tcp));
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "its owner and group may connect");

    let place = format!("unix:{}", socket.display());
    let other = server.folder().join("other");
    let policies = server.policies();
    let serve = |data: &Path| {
        let mut command = sidegate();
        command.args(["serve", "--listen", &place, "--data"]).arg(data).arg("--policies").arg(&policies);
        command
    };
    let (output, _, err) = run(&mut serve(&other));
    assert!(!output.status.success());
    assert!(err.contains(&place) && err.contains("in use") && err.contains("--listen"), "{err}");

    // What a killed server leaves behind does not keep the next one from starting.
    server.kill();
    assert!(socket.exists());
    server.restart();
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(ask_socket(&socket, health).starts_with("HTTP/1.1 200"));
    server.signal("-TERM");
    assert!(server.wait().0.success());
    assert!(!socket.exists(), "the socket goes with its server");
}

#[test]
fn the_commands_of_a_server_with_only_a_socket_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("unix:{}", folder.path().join("only.sock").display());
    let mut command = sidegate();
    command.args(["serve", "--listen", &place, "--data"]).arg(folder.path().join("data"));
    let mut child = command.current_dir(crate::support::root()).stdout(Stdio::piped()).spawn().unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let banner: Vec<String> = out.lines().map(Result::unwrap).take_while(|line| !line.contains("link=")).collect();
    let commands: Vec<&String> =
        banner.iter().filter(|line| line.starts_with("ADMIN=") || line.starts_with("curl")).collect();
    let script = commands.iter().take(2).map(|line| line.as_str()).collect::<Vec<_>>().join("\n");
    let (output, out, err) = run(Command::new("bash").args(["-c", &script]));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(output.status.success() && out.contains("\"attributeSlug\":\"plan\""), "{out}{err}\n{banner:?}");
}
