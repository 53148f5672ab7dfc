//! An input of the target `decision`: files in one text, each after a line `-- name --`, as the cases in
//! `tests/language/diagnostics` are written, so that a find can be read.

use sidegate::engine::RawFile;
use sidegate::lang::{Source, split_example};

/// The files of an input, by what they are for.
pub struct Input<'t> {
    /// Policies, `tenant.json`, `traits.json`.
    pub policies: Vec<RawFile>,
    /// `*_test.policy`
    pub tests: Vec<Source>,
    /// `query`: an AuthZEN request.
    pub query: Option<&'t str>,
    /// `facts`: what is known, as `sidegate eval` takes it.
    pub facts: Option<&'t str>,
    /// `requests`: a method, a host and a path in each line.
    pub requests: &'t str,
}

impl<'t> Input<'t> {
    /// Takes bytes apart; those that are no text are one file.
    #[must_use]
    pub fn new(data: &'t [u8]) -> Self {
        let mut input = Self { policies: Vec::new(), tests: Vec::new(), query: None, facts: None, requests: "" };
        let mut policies = |name: &str, content: &[u8]| {
            input.policies.push(RawFile { name: name.to_owned(), content: Ok(content.to_vec()) });
        };
        let Ok(text) = std::str::from_utf8(data) else {
            policies("a.policy", data);
            return input;
        };
        for (name, text) in split_example(text, "a.policy") {
            match name {
                "query" => input.query = Some(text),
                "facts" => input.facts = Some(text),
                "requests" => input.requests = text,
                _ if name.ends_with("_test.policy") => {
                    input.tests.push(Source { name: name.to_owned(), text: text.to_owned() });
                }
                _ => policies(name, text.as_bytes()),
            }
        }
        input
    }
}
