//! HTTP/2 (RFC 9113) written by hand, without TLS: fields that no client library would send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::http2::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame,
};

/// Sends one request with these fields in this order, and a body if there is one, and waits until it is answered or given up:
/// what counts is what reaches the app.
pub fn send(address: SocketAddr, fields: &[(&str, &str)], body: Option<&[u8]>) {
    let _ = exchange(address, fields, body);
}

fn exchange(address: SocketAddr, fields: &[(&str, &str)], body: Option<&[u8]>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let ends = if body.is_none() { END_STREAM } else { 0 };
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS | ends, 1, &block));
    bytes.extend(body.map(|body| frame(DATA, END_STREAM, 1, body)).unwrap_or_default());
    stream.write_all(&bytes)?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, rest @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload)?;
        let of_the_request = rest[..] == [0, 0, 0, 1];
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
            DATA | HEADERS if of_the_request && flags & END_STREAM != 0 => return Ok(()),
            RST_STREAM if of_the_request => return Ok(()),
            GOAWAY => return Ok(()),
            _ => {}
        }
    }
}

/// A field as it is (RFC 7541, section 6.2.2): not indexed, and not compressed.
fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0], &*text(name), &text(value)].concat()
}

/// A length in seven bits, or in more (RFC 7541, section 5.1), and the bytes.
fn text(text: &str) -> Vec<u8> {
    let mut length = text.len();
    let mut bytes = Vec::new();
    if length < 127 {
        bytes.push(u8::try_from(length).unwrap());
    } else {
        bytes.push(127);
        length -= 127;
        while length >= 128 {
            bytes.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        bytes.push(u8::try_from(length).unwrap());
    }
    bytes.extend(text.as_bytes());
    bytes
}
