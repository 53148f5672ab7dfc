//! What a site answers, read leniently: as much of it as came.

use sha2::{Digest, Sha256};

use crate::cli::show;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether nothing more is to come.
    pub(super) whole: bool,
}

/// From how many bytes on two pages are the same if they are of one size: what differs is a token or the time.
const LARGE: usize = 1 << 10;

impl Answer {
    /// Reads the last answer, after those that only announce it; `None` without the end of a head.
    pub(super) fn read(bytes: &[u8], head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        words.next().filter(|version| version.starts_with("HTTP/"))?;
        let status = words.next()?.parse().ok()?;
        let rest = &bytes[end + 4..];
        if matches!(status, 100 | 102..200) {
            return Self::read(rest, head);
        }
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields: Vec<_> = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let mut answer = Self { status, fields, body: Vec::new(), whole: true };
        if head || matches!(status, 101 | 204 | 304) {
            return Some(answer);
        }
        let length = answer.field("content-length").and_then(|length| length.parse().ok());
        if answer.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            (answer.body, answer.whole) = unchunked(rest);
        } else {
            // Without a length, it ends when the connection does.
            answer.whole = length.is_some_and(|length: usize| rest.len() >= length);
            answer.body = rest[..rest.len().min(length.unwrap_or(rest.len()))].to_owned();
        }
        Some(answer)
    }

    /// The value of a field, named in lower case.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.field("location").is_some()
    }

    /// Whether the body holds a text.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// Whether two answers are the same page.
    pub(super) fn same_page(&self, other: &Self) -> bool {
        let (own, others) = (&self.body, &other.body);
        self.status == other.status
            && own.len() == others.len()
            && (own.len() >= LARGE || Sha256::digest(own) == Sha256::digest(others))
    }

    /// The same answer with all mention of some names taken out: pages say what they were asked for by.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        let names = names.iter().filter(|name| !name.is_empty());
        let body = names.fold(String::from_utf8_lossy(&self.body).into_owned(), |body, name| body.replace(*name, ""));
        Self { body: body.into_bytes(), ..self.clone() }
    }

    /// In a few words: the status, where it leads, how large it is.
    pub(super) fn shown(&self) -> String {
        match self.field("location") {
            Some(location) => format!("{} to {}", self.status, location.escape_default()),
            None => format!("{}, {}", self.status, show::count(self.body.len(), "byte", "bytes")),
        }
    }
}

/// A body that came in chunks (RFC 9112, section 7.1), and whether its last one is there.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let line = String::from_utf8_lossy(&rest[..end]);
        let Ok(size) = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16) else { break };
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[end + 2..];
        body.extend(&chunk[..chunk.len().min(size)]);
        rest = chunk.get(size.saturating_add(2)..).unwrap_or_default();
    }
    (body, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u16, String, bool)> {
        let answer = Answer::read(text.as_bytes(), false)?;
        Some((answer.status, String::from_utf8(answer.body).unwrap(), answer.whole))
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_came() {
        for (text, status, body, whole) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", 200, "ab", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.0 401 No\r\n\r\nabc", 401, "abc", false),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 204, "", true),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                200,
                "abc",
                true,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200, "ab", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab", 200, "ab", false),
            ("HTTP/1.1 101 Switching\r\n\r\n\u{1}", 101, "", true),
        ] {
            assert_eq!(read(text), Some((status, body.to_owned(), whole)), "{text}");
        }
        for text in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 wat\r\n\r\n"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true).unwrap().whole);
    }

    #[test]
    fn pages_are_compared_without_their_names() {
        let page = |body: &str| Answer { status: 200, fields: Vec::new(), body: body.into(), whole: true };
        let named = |body: &str, name: &str| page(body).without(&[name, ""]);
        assert!(named("this is june", "june").same_page(&named("this is nowhere", "nowhere")));
        assert!(!named("this is june", "june").same_page(&named("that is nowhere.", "nowhere")));
        assert!(!page("this is june").same_page(&page("that is june")));
        let large = |token: &str| page(&format!("{token}{}", " ".repeat(LARGE)));
        assert!(large("a").same_page(&large("b")) && !large("a").same_page(&large("bb")));
    }
}
