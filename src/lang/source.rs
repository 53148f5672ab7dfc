//! The files of a policy set, as text.

use super::Site;

/// A file of a policy set holds at most this many bytes.
pub const MAX_FILE: usize = 1 << 20;

/// One file: its name as diagnostics show it, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user knows it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// One of the sources of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub(super) u32);

/// Line and column as editors count them: from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// All sources of a set, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    sources: Vec<Source>,
    /// Where the lines of each start.
    lines: Vec<Vec<usize>>,
}

impl Sources {
    /// Takes the files in; their order is that of their names, wherever they came from.
    #[must_use]
    pub fn new(mut files: Vec<Source>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let starts = |source: &Source| {
            let after_breaks = source.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after_breaks).collect()
        };
        Self { lines: files.iter().map(starts).collect(), sources: files }
    }

    /// A set of one text.
    #[must_use]
    pub fn single(name: &str, text: &str) -> Self {
        Self::new(vec![Source { name: name.to_owned(), text: text.to_owned() }])
    }

    /// Every source with its id.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.sources)
    }

    /// The source of an id that this set gave out.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// The text under a site; empty for a site of another set.
    #[must_use]
    pub fn text(&self, site: Site) -> &str {
        self.get(site.source).and_then(|source| source.text.get(site.span.range())).unwrap_or("")
    }

    /// Line and column of the start of a site.
    #[must_use]
    pub fn position(&self, site: Site) -> Position {
        let start = site.span.start as usize;
        let Some(lines) = self.lines.get(site.source.0 as usize) else { return Position { line: 1, column: 1 } };
        let line = lines.partition_point(|line_start| *line_start <= start).max(1);
        let line_start = lines.get(line - 1).copied().unwrap_or(0);
        let before = self.get(site.source).and_then(|source| source.text.get(line_start..start)).unwrap_or("");
        Position { line, column: before.chars().count() + 1 }
    }

    /// `file:line:column`, as terminals and editors take it.
    #[must_use]
    pub fn place(&self, site: Site) -> String {
        let Position { line, column } = self.position(site);
        format!("{}:{line}:{column}", self.get(site.source).map_or("", |source| source.name.as_str()))
    }

    /// The whole line that a site starts on.
    #[must_use]
    pub fn line(&self, site: Site) -> &str {
        let line = self.position(site).line;
        let text = self.get(site.source).map_or("", |source| source.text.as_str());
        let lines = self.lines.get(site.source.0 as usize).map_or(&[][..], Vec::as_slice);
        let start = lines.get(line - 1).copied().unwrap_or(0);
        text.get(start..lines.get(line).copied().unwrap_or(text.len())).unwrap_or("")
    }
}
