//! Diagnostics on a terminal or as JSON.

use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use codespan_reporting::term::termcolor::{ColorChoice, StandardStream, WriteColor};

use crate::lang::{Diagnostic, Rendered, Sources, render};

use super::hint;

/// Prints them on standard error, with colours only on a terminal that wants them.
pub(super) fn on_stderr(sources: &Sources, diagnostics: &[Diagnostic]) -> Result<()> {
    seen_enough(render(&mut StandardStream::stderr(choice(&std::io::stderr())), sources, diagnostics))
}

/// Says on standard error why a command could not do what it should, and what would mend it.
pub(super) fn error(error: &anyhow::Error) {
    let help = hint::of(error).map_or_else(String::new, |hint| format!("help: {hint}\n"));
    // Whoever does not listen cannot be told.
    let _ = write!(std::io::stderr(), "error: {error:#}\n{help}");
}

/// A reader that has seen enough, such as `head`, is no error.
fn seen_enough(written: std::io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Shows why a set is of no use: as JSON on standard output, or for people on standard error.
pub(super) fn refused(sources: &Sources, diagnostics: &[Diagnostic], json: bool) -> Result<()> {
    if !json {
        return on_stderr(sources, diagnostics);
    }
    line(format_args!("{}", serde_json::json!({ "diagnostics": as_json(sources, diagnostics) })))
}

/// A number of things.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Writes to standard output, with colours only on a terminal that wants them.
pub(super) fn coloured(write: impl FnOnce(&mut dyn WriteColor) -> std::io::Result<()>) -> Result<()> {
    seen_enough(write(&mut StandardStream::stdout(choice(&std::io::stdout()))))
}

fn choice(stream: &impl IsTerminal) -> ColorChoice {
    let plain = !stream.is_terminal() || std::env::var_os("NO_COLOR").is_some();
    if plain { ColorChoice::Never } else { ColorChoice::Auto }
}

/// As JSON values.
pub(super) fn as_json(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<Rendered> {
    diagnostics.iter().map(|diagnostic| Rendered::new(sources, diagnostic)).collect()
}

/// Prints a line on standard output.
pub(super) fn line(text: Arguments<'_>) -> Result<()> {
    self::text(format_args!("{text}\n"))
}

/// Prints on standard output.
pub(super) fn text(text: Arguments<'_>) -> Result<()> {
    seen_enough(std::io::stdout().write_fmt(text))
}
