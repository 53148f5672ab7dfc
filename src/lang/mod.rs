//! Text to syntax tree: the lexer, the parser over `grammar/policy.lalrpop`, diagnostics that show their place; and back
//! to text: the formatter.
//!
//! This room knows what a policy looks like and nothing of what it means: names are not resolved here, types are
//! not known, nothing is evaluated. It is pure: text in, tree, diagnostics or text out.

pub mod ast;
mod codes;
mod diagnostic;
mod format;
pub mod json;
mod lexer;
mod nesting;
mod parser;
mod render;
mod source;
mod span;
mod suggest;
mod words;

pub use codes::{Code, split_example};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use format::format;
pub use lexer::Token;
pub use nesting::MAX_NESTING;
pub use parser::{parse, parse_condition};
pub use render::{Rendered, render};
pub use source::{MAX_FILE, Position, Source, SourceId, Sources};
pub use span::{Site, Span};
pub use suggest::suggest;
pub use words::in_words;
