//! A single condition, as a profiling rule has one: the same language, without policies around it.

use std::sync::Arc;

use crate::lang::{self, Rendered, Sources};
use crate::model::{Definitions, Facts, Query};

use super::Program;
use super::eval::Evaluation;
use super::resolve::{Set, resolve};

/// A compiled condition.
#[derive(Debug, Clone)]
pub struct Condition(Arc<Program>);

impl Condition {
    /// Compiles the text of a condition.
    ///
    /// # Errors
    /// What is wrong with it and where, in a sentence.
    pub fn compile(text: &str, definitions: &Definitions) -> Result<Self, String> {
        let sources = Arc::new(Sources::single("condition", text));
        let mut diagnostics = Vec::new();
        let mut files = Vec::new();
        for (id, source) in sources.iter() {
            let (file, findings) = lang::parse_condition(id, source);
            diagnostics.extend(findings);
            files.push((id, file));
        }
        let set = Set {
            files: &files,
            sources: &sources,
            zone: jiff::tz::TimeZone::UTC,
            revision: String::new(),
            definitions,
        };
        let program = if diagnostics.is_empty() { resolve(set, &mut diagnostics) } else { None };
        program.map(|program| Self(Arc::new(program))).ok_or_else(|| {
            let shown = diagnostics.first().map(|first| Rendered::new(&sources, first));
            shown.map_or_else(String::new, |shown| {
                let column = shown.column.map_or_else(String::new, |column| format!(" at column {column}"));
                let help = shown.help.map_or_else(String::new, |help| format!("; {help}"));
                format!("{}{column}{help}", shown.message)
            })
        })
    }

    /// Its truth; `None` where it is unknown.
    #[must_use]
    pub fn truth(&self, query: &Query<'_>, facts: &Facts<'_>) -> Option<bool> {
        let policy = self.0.policies.first()?;
        Evaluation::new(&self.0, query, facts).truth(policy.condition)
    }
}
