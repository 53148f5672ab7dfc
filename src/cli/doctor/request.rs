//! A request as it is written, whatever a server makes of it.

/// Who asks, where a probe does not say otherwise.
const USER_AGENT: &str = concat!("sidegate-doctor/", env!("CARGO_PKG_VERSION"));

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: String,
    fields: Vec<(String, String)>,
    body: &'static str,
}

impl Request {
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(super) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), fields: Vec::new(), body: "" }
    }

    /// Adds a field, in the place of what every request has by that name.
    pub(super) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With a body as it stands on the wire; the fields that announce it are the caller's.
    pub(super) fn with_body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    /// What is sent to a host.
    pub(super) fn text(&self, host: &str) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in [("Host", host), ("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Connection", "close")] {
            if !self.fields.iter().any(|(known, _)| known == name) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "\r\n" + self.body
    }

    /// For people: its first line and what it has beside the fields of every request, each on a line, without anything that a
    /// terminal obeys.
    pub(super) fn shown(&self) -> Vec<String> {
        let first = format!("{} {} HTTP/1.1", self.method, self.target);
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}"));
        let body = self.body.split_terminator("\r\n").map(str::to_owned);
        std::iter::once(first).chain(fields).chain(body).map(|line| line.escape_debug().to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_probe_says_takes_the_place_of_what_all_say() {
        let plain = Request::get("/a").text("a.example");
        assert!(plain.starts_with("GET /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: sidegate-doctor/"), "{plain}");
        assert!(plain.ends_with("Connection: close\r\n\r\n"), "{plain}");
        let odd = Request::new("POST", "/\t").with("Host", "a").with("Host", "b").with_body("0\r\n\r\n");
        assert_eq!(odd.text("c").matches("Host: ").count(), 2);
        assert!(odd.text("c").ends_with("Host: a\r\nHost: b\r\n\r\n0\r\n\r\n"));
        assert_eq!(odd.shown(), ["POST /\\t HTTP/1.1", "Host: a", "Host: b", "0", ""]);
    }
}
