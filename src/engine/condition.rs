//! A single condition, as a profiling rule has one: the same language, without policies around it.

use std::sync::Arc;

use crate::lang::{self, Diagnostic, Rendered, Sources};
use crate::model::{Bag, Definitions, Facts, Query, TenantSettings};

use super::eval::Evaluation;
use super::resolve::{Set, resolve};
use super::{Program, check};

/// A compiled condition.
#[derive(Debug, Clone)]
pub struct Condition(Arc<Program>);

impl Condition {
    /// Compiles the text of a condition.
    ///
    /// # Errors
    /// What is wrong with it and where, in a sentence.
    pub fn compile(text: &str, definitions: &Definitions, settings: &TenantSettings) -> Result<Self, String> {
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
            zone: jiff::tz::db().get(&settings.time_zone).unwrap_or(jiff::tz::TimeZone::UTC),
            revision: String::new(),
            definitions,
        };
        let program = if diagnostics.is_empty() { resolve(set, &mut diagnostics) } else { None };
        if let Some(program) = &program
            && settings.defined_traits_only
        {
            diagnostics.extend(check::undefined_traits(program, definitions));
        }
        match program {
            Some(program) if diagnostics.is_empty() => Ok(Self(Arc::new(program))),
            _ => Err(diagnostics.first().map_or_else(String::new, |first| in_words(&sources, first))),
        }
    }

    /// What somebody should look at in it, each in a sentence.
    #[must_use]
    pub fn warnings(&self, definitions: &Definitions, settings: &TenantSettings) -> Vec<String> {
        let found = check::warnings(&self.0, definitions, settings);
        found.iter().map(|finding| in_words(&self.0.sources, finding)).collect()
    }

    /// Whether it reads a field of a user.
    #[must_use]
    pub fn reads(&self, bag: Bag, slug: &str) -> bool {
        !self.0.readers_of(bag, slug).is_empty()
    }

    /// Its truth; `None` where it is unknown.
    #[must_use]
    pub fn truth(&self, query: &Query<'_>, facts: &Facts<'_>) -> Option<bool> {
        let policy = self.0.policies.first()?;
        Evaluation::new(&self.0, query, facts).truth(policy.condition)
    }
}

fn in_words(sources: &Sources, finding: &Diagnostic) -> String {
    let shown = Rendered::new(sources, finding);
    let column = shown.column.map_or_else(String::new, |column| format!(" at column {column}"));
    let help = shown.help.map_or_else(String::new, |help| format!("; {help}"));
    format!("{}{column}{help}", shown.message)
}
