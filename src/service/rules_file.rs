//! Profiling rules in a file, `profiling.json`.

use std::path::Path;

use crate::engine::{Compiled, RawFile};
use crate::lang::json::{JsonError, locate, read_each};
use crate::lang::{Code, Diagnostic, Severity, Site, Sources};
use crate::model::{Definitions, Rule, TenantSettings};
use crate::profiling::{RuleError, RuleSet};

use super::policies::read_policy;

/// The file of profiling rules.
pub(super) const RULES_FILE: &str = "profiling.json";

/// A file of rules and what became of it.
pub struct RulesFile {
    /// The file, for showing diagnostics.
    pub sources: Sources,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    rules: Option<RuleSet>,
}

/// The file of profiling rules in a tenant's folder, if there is one.
pub(super) fn read_rules(folder: &Path) -> Option<RawFile> {
    let path = folder.join(RULES_FILE);
    let there = std::fs::symlink_metadata(&path).is_ok();
    there.then(|| read_policy(&path))
}

/// Checks the file of profiling rules in a tenant's folder, if there is one, as far as warnings go.
#[must_use]
pub fn check_rules_file(folder: &Path, compiled: &Compiled) -> Option<RulesFile> {
    let Compiled { definitions, settings, .. } = compiled;
    let mut file = RulesFile::read(read_rules(folder)?, definitions, settings);
    let warnings = file.rules.as_ref().map_or_else(Vec::new, |rules| rules.warnings(definitions, settings));
    file.note(Severity::Warning, Code::OddRule, warnings);
    Some(file)
}

impl RulesFile {
    pub(super) fn read(file: RawFile, definitions: &Definitions, settings: &TenantSettings) -> Self {
        let (source, unreadable) = file.decode();
        let (name, text) = (source.name.clone(), source.text.clone());
        let mut read = Self { sources: Sources::new(vec![source]), diagnostics: Vec::new(), rules: None };
        if let (Some(problem), Some(site)) = (unreadable, read.site()) {
            read.diagnostics.push(problem.diagnostic(site.source));
            return read;
        }
        match read_each::<Rule>(&text) {
            Ok(rules) => match RuleSet::compile(rules, definitions, settings, Some(name)) {
                Ok(rules) => read.rules = Some(rules),
                Err(errors) => read.note(Severity::Error, Code::BadRule, errors),
            },
            Err(errors) => {
                for JsonError { span, message } in errors {
                    let help = "profiling.json is [{\"fields\": [\"company\"], \"condition\": \"missing\"}, ...]";
                    let site = read.site().map(|site| Site { span, ..site });
                    let finding = site.map(|site| Diagnostic::error(Code::BadRule, site, message).help(help));
                    read.diagnostics.extend(finding);
                }
            }
        }
        read
    }

    /// The rules.
    pub(super) fn into_rules(self) -> Result<RuleSet, String> {
        let Self { sources, diagnostics, rules } = self;
        let said = diagnostics.iter().filter_map(|finding| {
            let place = finding.labels.first().map(|label| sources.place(label.site))?;
            Some(format!("{place}: {}", finding.message))
        });
        rules.ok_or_else(|| said.collect::<Vec<_>>().join("; "))
    }

    fn site(&self) -> Option<Site> {
        self.sources.iter().next().map(|(source, _)| Site { source, ..Site::default() })
    }

    fn note(&mut self, severity: Severity, code: Code, found: Vec<RuleError>) {
        for RuleError { pointer, detail, .. } in found {
            let Some(site) = self.site() else { continue };
            let span = self.sources.get(site.source).map_or(site.span, |source| locate(&source.text, &pointer));
            self.diagnostics.push(Diagnostic::at(severity, code, Site { span, ..site }, detail));
        }
    }
}
