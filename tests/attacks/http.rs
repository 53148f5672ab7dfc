//! Requests that two parsers could read differently, and connections that only cost (RFC 9112, section 11; CVE-2023-44487).

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::http2::{
    CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, frame,
};
use crate::support::{Server, Setup, eventually};

/// What a server says to raw bytes until it closes, or says nothing more for a while.
fn say(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let _ = stream.write_all(bytes);
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// The statuses of all answers.
fn statuses(said: &str) -> Vec<u16> {
    said.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

const BODY: &str =
    r#"{"subject":{"type":"user","id":"a"},"action":{"name":"read"},"resource":{"type":"report","id":"7"}}"#;

/// A question with a good token, other lines in its head, and whatever comes after it.
fn question(token: &str, lines: &str, after: &str) -> Vec<u8> {
    let path = "/t/acme/access/v1/evaluation";
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    format!("{head}{lines}\r\n{after}").into_bytes()
}

#[test]
fn a_body_has_one_length() {
    let server = Server::start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let length = BODY.len();
    let good = question(&token, &format!("Content-Length: {length}\r\n"), BODY);
    assert_eq!(statuses(&say(&server, &good)), [200]);
    // What comes after is a request of somebody else's, if the length was read differently.
    let hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let chunked = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    for lines in [
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
        format!("Content-Length: {length}, 0\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length: 0x{length:x}\r\n"),
        format!("Content-Length : {length}\r\n"),
        format!(" Content-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\n Transfer-Encoding: chunked\r\n"),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: 99999999999999999999\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Transfer-Encoding: gzip\r\n".to_owned(),
    ] {
        for body in [BODY, &chunked] {
            let said = say(&server, &question(&token, &lines, &format!("{body}{hidden}")));
            assert!(statuses(&said).iter().all(|status| *status >= 400), "{lines:?}: {said}");
        }
    }
    // Both at once: the chunks count, and nothing is left over (RFC 9112, section 6.3), or it is refused.
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    let said = say(&server, &question(&token, both, &format!("{chunked}{hidden}")));
    assert!(matches!(statuses(&said)[..], [400] | [200] | [200, 200]), "{said}");
    // Chunks that are none.
    for chunks in ["zz\r\n", "-1\r\n", "5;\r\nhello", "ffffffffffffffffff\r\n", "1\nA\n0\n\n", "0\r\nX: y\r\n"] {
        let said = say(&server, &question(&token, "Transfer-Encoding: chunked\r\n", &format!("{chunks}{hidden}")));
        assert!(statuses(&said).iter().all(|status| *status >= 400), "{chunks:?}: {said}");
    }
    assert_eq!(statuses(&say(&server, &good)), [200]);
}

#[test]
fn a_head_says_one_thing() {
    let server = Server::start();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let length = format!("Content-Length: {}\r\n", BODY.len());
    for lines in [
        "Host: evil\r\n".to_owned(),
        format!("Authorization: Bearer {token}\r\n"),
        "Authorization: Bearer evil\r\n".to_owned(),
        "Content-Type: text/plain\r\n".to_owned(),
        "X: a\0b\r\n".to_owned(),
        "X: a\rb\r\n".to_owned(),
        "X\0: a\r\n".to_owned(),
        "X Y: a\r\n".to_owned(),
        ": a\r\n".to_owned(),
        "X\r\n".to_owned(),
    ] {
        let said = say(&server, &question(&token, &format!("{length}{lines}"), BODY));
        assert!(matches!(statuses(&said)[..], [400..=499]), "{lines:?}: {said}");
    }
    // Targets in other forms (RFC 9112, section 3.2), and what is no target.
    for target in [
        "http://evil.example/t/acme/api/v1/users",
        "http://x/t/acme/api/v1/users",
        "/t/acme/api/v1/users#x",
        "/t/acme/api/v1\\users",
        "/t/acme/api/v1/../v1/users",
        "/t/acme/api/v1/%2e%2e/v1/users",
        "/t/acme//api/v1/users",
        "//t/acme/api/v1/users",
        "/t/acme/api/v1/users/",
        "/t/acme/api/v1/users;a=b",
        "/t/acme/api/v1/users%00",
        "/t/acme/api%2fv1/users",
        "/T/acme/api/v1/users",
        "*",
        "x",
    ] {
        let said = say(&server, format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(statuses(&said).iter().all(|status| (400..500).contains(status)), "{target}: {said}");
    }
    for line in [
        "GET /healthz",
        "GET  /healthz HTTP/1.1",
        "GET /healthz HTTP/1.1 x",
        "GET /healthz HTTP/9.9",
        "G\0T / HTTP/1.1",
    ] {
        let said = say(&server, format!("{line}\r\nHost: x\r\n\r\n").as_bytes());
        assert!(statuses(&said).iter().all(|status| *status >= 400), "{line}: {said}");
    }
}

#[test]
fn nothing_is_upgraded_or_tunnelled() {
    let server = Server::start();
    for head in [
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ] {
        assert_eq!(statuses(&say(&server, head.as_bytes())), [200], "answered as what it is besides");
    }
    for method in
        ["CONNECT x:443", "TRACE /healthz", "TRACK /healthz", "OPTIONS *", "OPTIONS /t/acme/api/v1/users", "PRI *"]
    {
        let said = say(&server, format!("{method} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(statuses(&said).iter().all(|status| *status >= 400), "{method}: {said}");
        assert!(!said.contains("Access-Control-"), "{said}");
    }
    // A method in a header is none.
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "admin"]);
    let overriding = format!(
        "GET /t/acme/api/v1/users/nobody HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX-HTTP-Method-Override: DELETE\r\n\r\n"
    );
    assert_eq!(statuses(&say(&server, overriding.as_bytes())), [404]);
}

/// `GET /` over http, from the static table (RFC 7541, appendix A).
const GET: &[u8] = &[0x82, 0x84, 0x86];

/// Sends parts of HTTP/2 until the server closes, or `limit` bytes are sent; how many were.
fn flood(server: &Server, limit: usize, part: impl Fn(u32) -> Vec<u8>) -> usize {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).unwrap();
    let mut reading = stream.try_clone().unwrap();
    std::thread::spawn(move || while matches!(reading.read(&mut [0; 65536]), Ok(read) if read > 0) {});
    let mut sent = 0;
    for number in 0.. {
        let part = part(number);
        if sent >= limit || stream.write_all(&part).is_err() {
            break;
        }
        sent += part.len();
    }
    sent
}

#[test]
fn floods_of_http_2_end_their_connection_and_nothing_else() {
    let server = Server::start();
    let memory = |server: &Server| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = memory(&server);
    let limit = 32 << 20;
    // Streams that are opened and reset at once; a header without an end; pings; settings; empty headers without an end.
    let reset = |number: u32| {
        let stream = 2 * number + 1;
        [frame(HEADERS, END_STREAM | END_HEADERS, stream, GET), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let endless = |number: u32| match number {
        0 => frame(HEADERS, END_STREAM, 1, GET),
        _ => frame(CONTINUATION, 0, 1, &[[0x40, 1, b'a', 0x7f, 0x80, 0x7f].as_slice(), &[b'x'; 16_000]].concat()),
    };
    let empty = |number: u32| match number {
        0 => frame(HEADERS, END_STREAM, 1, GET),
        _ => frame(CONTINUATION, 0, 1, &[]),
    };
    assert!(flood(&server, limit, reset) < limit, "rapid resets");
    assert!(flood(&server, limit, endless) < limit, "a header without an end");
    assert!(flood(&server, limit, empty) < limit, "empty continuations");
    let started = Instant::now();
    flood(&server, 4 << 20, |_| frame(PING, 0, 0, &[0; 8]));
    flood(&server, 4 << 20, |_| frame(SETTINGS, 0, 0, &[]));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(server.client(None).get("/healthz").status, 200);
    eventually("the memory to be free again", || memory(&server) < before + (64 << 10));
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out_and_are_closed_in_the_end() {
    let server = Setup::new().args(&["--client-timeout", "3"]).start();
    let idle: Vec<TcpStream> = (0..1000).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert_eq!(server.client(None).get("/healthz").status, 200);
    for mut stream in idle.into_iter().step_by(50) {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed");
    }
}
