//! Diagnostics on a terminal or as JSON.

use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use codespan_reporting::term::termcolor::{ColorChoice, StandardStream, WriteColor};

use crate::lang::{Diagnostic, Rendered, Sources, render};

/// Prints them on standard error, with colours only on a terminal that wants them.
pub(super) fn on_stderr(sources: &Sources, diagnostics: &[Diagnostic]) -> Result<()> {
    render(&mut StandardStream::stderr(choice(&std::io::stderr())), sources, diagnostics)?;
    Ok(())
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

/// Writes to standard output, with colours only on a terminal that wants them. A reader that has seen enough is no
/// error.
pub(super) fn coloured(write: impl FnOnce(&mut dyn WriteColor) -> std::io::Result<()>) -> Result<()> {
    match write(&mut StandardStream::stdout(choice(&std::io::stdout()))) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
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

/// Prints on standard output. A reader that has seen enough, such as `head`, is no error.
pub(super) fn text(text: Arguments<'_>) -> Result<()> {
    match std::io::stdout().write_fmt(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
