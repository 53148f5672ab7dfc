//! The app behind a proxy: it keeps the very bytes of each request that reaches it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An app that takes everything.
pub struct App {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl App {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let app = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = app.seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                std::thread::spawn(move || serve(stream, &seen));
            }
        });
        app
    }

    /// One that speaks HTTP/2 without TLS, and gRPC.
    pub fn grpc() -> Self {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        Self { address: super::grpc_app::start(seen.clone()), seen }
    }

    /// The heads of all requests since somebody asked.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// The value of a field of a head, if it is there once.
pub fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut values = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut values = values.by_ref().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    assert!(values.next().is_none(), "{name} is there twice: {head}");
    Some(value.trim())
}

/// Reads up to the end of a head.
pub fn read_head(stream: &mut impl Read) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>) -> Option<()> {
    let _ = stream.set_nodelay(true);
    while let Some(head) = read_head(&mut stream) {
        seen.lock().unwrap().push(head.clone());
        if field(&head, "upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            let accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            stream.write_all(accepted.as_bytes()).ok()?;
            // The one key that the tests send (RFC 6455, section 1.3); whatever comes then goes back.
            let mut buffer = [0; 1024];
            loop {
                match stream.read(&mut buffer).ok()? {
                    0 => return None,
                    read => stream.write_all(&buffer[..read]).ok()?,
                }
            }
        }
        let size = match field(&head, "content-length") {
            Some(length) => {
                let mut body = vec![0; length.parse().ok()?];
                stream.read_exact(&mut body).ok()?;
                body.len()
            }
            None if field(&head, "transfer-encoding").is_some() => read_chunks(&mut stream)?,
            None => 0,
        };
        let path = head.split(' ').nth(1)?;
        if path.contains("/events") {
            let start =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: first\n\n";
            stream.write_all(start.as_bytes()).ok()?;
            // The second comes only after a client has had time to see the first.
            std::thread::sleep(Duration::from_secs(3));
            return stream.write_all(b"data: second\n\n").ok();
        }
        let body = format!("the app took {size} bytes");
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).ok()?;
    }
    None
}

/// Reads a body in chunks (RFC 9112, section 7.1); its size.
fn read_chunks(stream: &mut TcpStream) -> Option<usize> {
    let mut whole = 0;
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            line.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&line);
        let size = usize::from_str_radix(text.trim().split(';').next()?, 16).ok()?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole += size;
    }
}
