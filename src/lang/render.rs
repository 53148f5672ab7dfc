//! Diagnostics for people in a terminal, and for programs.

use codespan_reporting::diagnostic as shown;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, termcolor::WriteColor};
use serde::Serialize;

use super::{Diagnostic, Severity, Sources};

/// Bytes of a line that is still shown.
const LONGEST_LINE: usize = 500;

/// Writes diagnostics with the lines that they speak of, the span underlined, and a help line.
///
/// # Errors
/// Those of the writer.
pub fn render(out: &mut dyn WriteColor, sources: &Sources, diagnostics: &[Diagnostic]) -> std::io::Result<()> {
    let mut files = SimpleFiles::new();
    let ids: Vec<usize> =
        sources.iter().map(|(_, source)| files.add(source.name.as_str(), source.text.as_str())).collect();
    let config = term::Config::default();
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            Severity::Warning => shown::Severity::Warning,
            Severity::Error => shown::Severity::Error,
        };
        let labels = diagnostic.labels.iter().enumerate().filter_map(|(place, label)| {
            let style = if place == 0 { shown::LabelStyle::Primary } else { shown::LabelStyle::Secondary };
            let file = *ids.get(label.site.source.0 as usize)?;
            Some(shown::Label::new(style, file, label.site.span.range()).with_message(&label.text))
        });
        // A line that nobody could read is not shown; its place is.
        let labels: Vec<_> = labels.collect();
        let unreadable = diagnostic.labels.iter().any(|label| sources.line(label.site).len() > LONGEST_LINE);
        let place = unreadable.then(|| diagnostic.labels.first()).flatten().and_then(|label| {
            let position = sources.position(label.site);
            let name = &sources.get(label.site.source)?.name;
            Some(format!("at {name}:{}:{}", position.line, position.column))
        });
        let labels = if unreadable { Vec::new() } else { labels };
        let shown = shown::Diagnostic::new(severity)
            .with_code(diagnostic.code.as_str())
            .with_message(&diagnostic.message)
            .with_labels(labels)
            .with_notes(place.into_iter().chain(diagnostic.help.iter().map(|help| format!("help: {help}"))).collect());
        term::emit_to_write_style(out, &config, &files, &shown).map_err(std::io::Error::other)?;
    }
    Ok(())
}

/// A diagnostic as JSON: the same parts, its place as file, line and column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// Its stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The file, if it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The text that is underlined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Rendered {
    /// Takes a diagnostic apart.
    #[must_use]
    pub fn new(sources: &Sources, diagnostic: &Diagnostic) -> Self {
        let site = diagnostic.labels.first().map(|label| label.site);
        let position = site.map(|site| sources.position(site));
        Self {
            severity: diagnostic.severity.as_str(),
            code: diagnostic.code.as_str(),
            message: diagnostic.message.clone(),
            file: site.and_then(|site| sources.get(site.source)).map(|source| source.name.clone()),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            source: site.map(|site| sources.text(site).chars().take(LONGEST_LINE).collect()),
            help: diagnostic.help.clone(),
        }
    }
}
