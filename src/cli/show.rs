//! Diagnostics on a terminal or as JSON.

use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Result;
use codespan_reporting::term::termcolor::{ColorChoice, StandardStream};

use crate::engine::Compiled;
use crate::lang::{Diagnostic, Rendered, Sources, render};

/// Prints them on standard error, with colours only on a terminal that wants them.
pub(super) fn on_stderr(sources: &Sources, diagnostics: &[Diagnostic]) -> Result<()> {
    let plain = !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let choice = if plain { ColorChoice::Never } else { ColorChoice::Auto };
    render(&mut StandardStream::stderr(choice), sources, diagnostics)?;
    Ok(())
}

/// Shows why a set is of no use: as JSON on standard output, or for people on standard error.
pub(super) fn refused(compiled: &Compiled, json: bool) -> Result<()> {
    if json {
        line(format_args!(
            "{}",
            serde_json::json!({ "diagnostics": as_json(&compiled.sources, &compiled.diagnostics) })
        ))
    } else {
        on_stderr(&compiled.sources, &compiled.diagnostics)
    }
}

/// A number of things.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
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
