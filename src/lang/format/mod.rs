//! The one way to write a file down: `sidegate fmt`.
//!
//! The tree is printed in the order of the source, as a document that breaks lines by width; comments are put in
//! on the way, between the things that they stood between. Knows the look of the language, and nothing of files.

mod comments;
mod declarations;
mod expr;
mod layout;
mod routes;
mod testing;

use std::borrow::Cow;

use pretty::{Arena, DocAllocator, DocBuilder};

use super::{Diagnostic, MAX_FILE, Source, SourceId, Span, parse};
use comments::Comments;

/// Columns of a line.
const WIDTH: usize = 100;

/// Formats a source: what comes out means the same, has the same comments, and stays as it is when formatted again.
///
/// # Errors
/// The diagnostics of a source that cannot be parsed, or would be too large.
pub fn format(id: SourceId, source: &Source) -> Result<String, Vec<Diagnostic>> {
    let (file, diagnostics) = parse(id, source);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let text = source.text.as_str();
    let arena = Arena::new();
    let mut printer = Printer { arena: &arena, text, comments: Comments::new(text) };
    let printed = printer.file(&file).1.pretty(WIDTH).to_string();
    // A line break comes before everything, the first thing too; and blank lines come indented.
    let formatted: String = printed.trim_start().lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    if formatted.len() > MAX_FILE {
        let message = format!("formatted, the file would hold {} bytes, and {MAX_FILE} is the most", formatted.len());
        return Err(vec![Diagnostic::too_large(id, message)]);
    }
    Ok(formatted)
}

/// In an arena, because a chain of thousands is as many documents within each other, which nothing may drop one by one.
type Doc<'a> = DocBuilder<'a, Arena<'a>>;

/// Turns the parts of a tree into documents, each once and in the order of the source.
struct Printer<'a> {
    arena: &'a Arena<'a>,
    text: &'a str,
    /// Those that have not been printed.
    comments: Comments<'a>,
}

impl<'a> Printer<'a> {
    fn word(&self, text: impl Into<Cow<'a, str>>) -> Doc<'a> {
        self.arena.text(text)
    }

    /// What the author wrote there.
    fn written(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }
}
