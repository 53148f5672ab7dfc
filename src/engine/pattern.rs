//! `LIKE`: a literal pattern in which only `*` is special, matched against the whole string.

use super::steps::step;

/// A pattern, cut at its stars.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    /// The shortest text that is as the pattern says.
    pub(super) fn shortest(&self) -> String {
        self.0.concat()
    }

    /// Whether the whole of `text` is as the pattern says. Each part is looked for once, from where the last one ended:
    /// taking the earliest place leaves the most for the others.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_none_or(|whole| whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        for part in middle {
            step();
            match rest.split_once(part.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}
