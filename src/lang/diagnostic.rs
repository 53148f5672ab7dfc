//! What is wrong, where, and how to mend it.

use super::{Code, Site, SourceId, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The set compiles, but somebody should look.
    Warning,
    /// The set does not compile.
    Error,
}

impl Severity {
    /// As JSON and terminals name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Its stable code.
    pub code: Code,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where, most important first; empty only for what concerns a whole set.
    pub labels: Vec<Label>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A place, and what is to be seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub site: Site,
    /// What stands under the line; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// A finding at a place.
    #[must_use]
    pub fn at(severity: Severity, code: Code, site: Site, message: impl Into<String>) -> Self {
        let labels = vec![Label { site, text: String::new() }];
        Self { severity, code, message: message.into(), labels, help: None }
    }

    /// An error at a place.
    #[must_use]
    pub fn error(code: Code, site: Site, message: impl Into<String>) -> Self {
        Self::at(Severity::Error, code, site, message)
    }

    /// A file beyond its size.
    #[must_use]
    pub fn too_large(source: SourceId, message: impl Into<String>) -> Self {
        let start = Site { source, span: Span::new(0, 0) };
        Self::error(Code::TooLarge, start, message).help("split it: all files of a tenant are one set")
    }

    /// A warning about the set as a whole.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, code, message: message.into(), labels: Vec::new(), help: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says something under the main place.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// Shows another place.
    #[must_use]
    pub fn also(mut self, site: Site, text: impl Into<String>) -> Self {
        self.labels.push(Label { site, text: text.into() });
        self
    }

    /// Whether the set cannot be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
