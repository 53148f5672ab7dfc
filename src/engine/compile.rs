//! Files to program: everything that can be wrong with a set is found in one go.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::lang::ast::{File, ItemKind};
use crate::lang::{self, Code, Diagnostic, MAX_FILE, Site, Source, SourceId, Sources, Span};
use crate::model::{Definitions, TenantSettings, hex};

use super::resolve::{Set, resolve};
use super::{Program, check, files};

/// As many diagnostics are kept of one compilation.
const MAX_DIAGNOSTICS: usize = 100;

/// A file of a policy set, as it came from the disk.
#[derive(Debug, Clone)]
pub struct RawFile {
    /// Path as diagnostics show it; `tenant.json` holds settings, all others declarations.
    pub name: String,
    /// Its bytes, or why they cannot be had.
    pub content: Result<Vec<u8>, String>,
}

impl RawFile {
    /// The file as text, and why it is none.
    #[must_use]
    pub fn decode(self) -> (Source, Option<Unreadable>) {
        let unreadable = |code, at, message| Some(Unreadable { code, at, message });
        let too_large = |bytes: &Vec<u8>| bytes.len() > MAX_FILE;
        if self.content.as_ref().is_ok_and(too_large) {
            let problem = unreadable(Code::TooLarge, 0, format!("the file holds more than {MAX_FILE} bytes"));
            return (Source { name: self.name, text: String::new() }, problem);
        }
        let (text, problem) = match self.content.map(String::from_utf8) {
            // A byte order mark stands for nothing, and would move every column of the first line.
            Ok(Ok(text)) => (text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned), None),
            Ok(Err(error)) => {
                let at = error.utf8_error().valid_up_to() as u32;
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                (text, unreadable(Code::NotUtf8, at, "the file is not UTF-8 from here on".to_owned()))
            }
            Err(why) => (String::new(), unreadable(Code::Unreadable, 0, format!("the file cannot be read: {why}"))),
        };
        (Source { name: self.name, text }, problem)
    }
}

/// Why a file is no text.
#[derive(Debug, Clone)]
pub struct Unreadable {
    code: Code,
    at: u32,
    message: String,
}

impl Unreadable {
    /// As a diagnostic of the source that it is about.
    #[must_use]
    pub fn diagnostic(&self, source: SourceId) -> Diagnostic {
        if self.code == Code::TooLarge {
            return Diagnostic::too_large(source, &self.message);
        }
        let site = Site { source, span: Span::new(self.at, self.at) };
        Diagnostic::error(self.code, site, &self.message)
    }
}

/// What the store has of a tenant, which counts unless there is a file of it.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Its definitions; a set has those of `traits.json`, if that is there.
    pub definitions: Arc<Definitions>,
    /// Its settings; a set has those of `tenant.json`, if that is there.
    pub settings: TenantSettings,
}

/// What became of a set.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The files, for showing diagnostics.
    pub sources: Arc<Sources>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// How many policies could be read.
    pub policies: usize,
    /// The program, unless there are errors.
    pub program: Option<Arc<Program>>,
    /// The definitions that it was checked against: those of `traits.json`, else the ones that were handed in.
    pub definitions: Arc<Definitions>,
    /// The tenant's settings.
    pub settings: TenantSettings,
    /// Whether they could be read; else they are as good as none.
    pub settings_are_good: bool,
}

/// Compiles the files of a tenant, in whatever order they come, with what the store has.
#[must_use]
pub fn compile(files: Vec<RawFile>, stored: &Arc<Stored>) -> Compiled {
    let mut unreadable = Vec::new();
    let decoded = files.into_iter().map(|file| {
        let (source, problem) = file.decode();
        unreadable.extend(problem.map(|problem| (source.name.clone(), problem)));
        source
    });
    let sources = Arc::new(Sources::new(decoded.collect()));

    let mut diagnostics = Vec::new();
    let mut settings = stored.settings.clone();
    // It was looked up before it was stored.
    let mut zone = jiff::tz::db().get(&settings.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let mut definitions = stored.definitions.clone();
    let mut settings_are_good = true;
    let mut trees = Vec::new();
    for (id, source) in sources.iter() {
        if let Some((_, problem)) = unreadable.iter().find(|(name, _)| *name == source.name) {
            diagnostics.push(problem.diagnostic(id));
            trees.push((id, File { items: Vec::new(), lost: true }));
        } else if is_file(source, "traits.json") {
            match files::definitions(id, source) {
                Ok(read) => definitions = Arc::new(read),
                Err(findings) => diagnostics.extend(findings),
            }
        } else if is_file(source, "tenant.json") {
            match files::settings(id, source) {
                Ok(read) => (settings, zone) = read,
                Err(findings) => {
                    settings_are_good = false;
                    diagnostics.extend(findings);
                }
            }
        } else {
            let (tree, findings) = lang::parse(id, source);
            diagnostics.extend(findings);
            trees.push((id, tree));
        }
    }
    // What could be read is checked even if something could not: one run finds all mistakes.
    let revision = revision(&sources, &settings, &definitions);
    let set = Set { files: &trees, sources: &sources, zone, revision, definitions: &definitions };
    let program = resolve(set, &mut diagnostics);
    if let Some(program) = &program {
        diagnostics.extend(check::errors(program, &definitions, &settings));
    }
    let program = program.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)).map(Arc::new);
    cap(&mut diagnostics);
    let policies = trees.iter().flat_map(|(_, tree)| &tree.items);
    let policies = policies.filter(|item| matches!(item.kind, ItemKind::Policy(_))).count();
    Compiled { sources, diagnostics, policies, program, definitions, settings, settings_are_good }
}

/// What somebody should look at in a set that compiles: it costs more than compiling, so it is found when asked for.
/// They come beside those that the compilation found, in the order of their places.
pub fn warnings(compiled: &mut Compiled) {
    let Some(program) = &compiled.program else { return };
    let found = check::warnings(program, &compiled.definitions, &compiled.settings);
    compiled.diagnostics.extend(found);
    cap(&mut compiled.diagnostics);
}

/// Puts findings in the order of their places, and leaves out what nobody would read: a file that is no policy at all has a mistake in every line.
fn cap(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| label.site);
        (place.is_none(), place.map(|site| (site.source, site.span.start)))
    });
    let more = diagnostics.len().saturating_sub(MAX_DIAGNOSTICS);
    if more > 0 {
        let site = diagnostics.get(MAX_DIAGNOSTICS).and_then(|next| next.labels.first()).map(|label| label.site);
        diagnostics.truncate(MAX_DIAGNOSTICS);
        let message = format!("and {more} more like these");
        diagnostics.extend(site.map(|site| Diagnostic::error(Code::More, site, message)));
    }
}

fn is_file(source: &Source, name: &str) -> bool {
    source.name.rsplit(['/', '\\']).next() == Some(name)
}

/// A hash of all that decides. Names of files and folders do not: they differ from machine to machine.
fn revision(sources: &Sources, settings: &TenantSettings, definitions: &Definitions) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(&settings.time_zone);
    add(&serde_json::to_string(&definitions.iter().collect::<Vec<_>>()).unwrap_or_default());
    sources.iter().filter(|(_, source)| source.name.ends_with(".policy")).for_each(|(_, source)| add(&source.text));
    hex(hash.finalize().iter().take(8))
}
