//! A connection of its own, without a client library between a question and the clock.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::request;

/// A connection that asks one thing after the other.
pub struct Asking {
    stream: TcpStream,
    token: String,
    buffer: Vec<u8>,
}

impl Asking {
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, token: token.to_owned(), buffer: vec![0; 64 << 10] }
    }

    /// The answer, and how long it took.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> (&str, Duration) {
        let request = request(method, path, &self.token, body, "");
        let started = Instant::now();
        self.stream.write_all(&request).unwrap();
        let mut filled = 0;
        loop {
            filled += self.stream.read(&mut self.buffer[filled..]).unwrap();
            if whole(&self.buffer[..filled]) {
                let took = started.elapsed();
                return (std::str::from_utf8(&self.buffer[..filled]).unwrap(), took);
            }
        }
    }
}

fn whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    answer.len() >= end + 4 + length.parse::<usize>().unwrap()
}
