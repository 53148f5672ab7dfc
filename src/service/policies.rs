//! Policy files from the disk, and putting them in force.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use codespan_reporting::term::termcolor::NoColor;

use crate::engine::{Compiled, RawFile, compile};
use crate::lang::{self, MAX_FILE, Source};
use crate::model::TenantId;
use crate::profiling::{RuleError, RuleSet};
use crate::store::TenantRow;

use super::documents::StoredDocuments;
use super::rules_file::{RULES_FILE, RulesFile, read_rules};
use super::tenants::{Loaded, Policies, Reloaded, suspended};
use super::{Result, Service};

/// The files of a set hold at most this many bytes together.
const MAX_SET: u64 = 64 << 20;

impl Service {
    /// Reads and compiles aside what belongs to all tenants, or to one, and puts in force what is good. If the folder
    /// of policies cannot be read, everything stays as it is. A tenant that has a folder is known from then on,
    /// whatever becomes of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn reload(self: &Arc<Self>, only: Option<&TenantId>) -> Result<()> {
        let _one_after_the_other = self.reloading.lock().await;
        let started = Instant::now();
        let folder = self.tenants.folder().to_owned();
        let wanted = only.cloned();
        let read = move || read_folders(&folder, wanted.as_ref());
        let folders = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(folders)) => folders,
            Ok(Err(error)) => {
                let folder = self.tenants.folder().display();
                let problem = format!("the folder of policies {folder} cannot be read: {error}");
                tracing::error!(problem, "the last good policies stay in force");
                self.tenants.unreadable(&problem);
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        let with_folder: Vec<TenantId> = folders.keys().cloned().collect();
        self.store.add_tenants(&with_folder, self.clock.now()).await?;
        let rows = match only {
            Some(id) => self.store.tenant(id).await?.into_iter().collect(),
            None => self.store.tenants().await?,
        };
        let mut read = Vec::with_capacity(rows.len());
        let mut failed = None;
        let mut folders = folders;
        for row in rows {
            let id = row.id.clone();
            let files = folders.remove(&id);
            let due = self.tenant(id.as_str()).map_or(0, |tenant| tenant.documents_due());
            let stored = match self.stored_documents(&id).await {
                Ok(stored) => stored,
                Err(error) => {
                    // What is in force stays; the others need not wait for it.
                    tracing::error!(tenant = %id, %error, "what is stored of a tenant could not be read");
                    failed = Some(error);
                    continue;
                }
            };
            read.push((row, files, stored, due));
        }
        let service = self.clone();
        let compile = move || {
            let loaded: Vec<_> = read
                .into_iter()
                .map(|(row, files, stored, due)| (row.id.clone(), load(&row, files, stored, due)))
                .collect();
            for (id, loaded) in &loaded {
                loaded.compiled.iter().for_each(|compiled| log_diagnostics(id, compiled));
            }
            let reloaded = service.tenants.put_in_force(loaded);
            if reloaded.iter().any(|one| one.other_issuers) {
                service.credentials.changed();
            }
            reloaded.iter().for_each(log_outcome);
        };
        if tokio::task::spawn_blocking(compile).await.is_ok() {
            self.metrics.reloaded(started.elapsed());
            self.reloaded.notify_one();
        }
        failed.map_or(Ok(()), Err)
    }

    /// Something that changes when a policy file does: a net under the file system's own news, which end when a
    /// folder is replaced or lies behind a link. Blocking: it asks for every file.
    #[must_use]
    pub fn policies_fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        let folder = self.tenants.folder();
        for id in tenant_folders(folder, |_, _| ()).unwrap_or_default() {
            let folder = folder.join(id.as_str());
            let rules = [RULES_FILE.to_owned()];
            for name in policy_files(&folder).unwrap_or_default().into_iter().chain(rules) {
                let facts = fs::metadata(folder.join(&name)).ok();
                let facts = facts.map(|facts| (facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()));
                (id.as_str(), name, facts).hash(&mut hash);
            }
        }
        hash.finish()
    }

    /// The folder with a folder of policies for each tenant.
    #[must_use]
    pub fn policies_folder(&self) -> &Path {
        self.tenants.folder()
    }
}

/// The files of every tenant's folder, or of one's.
fn read_folders(folder: &Path, only: Option<&TenantId>) -> io::Result<BTreeMap<TenantId, Files>> {
    let left_out = |folder: &Path, rule: &dyn Display| tracing::warn!(folder = %folder.display(), %rule, "this folder is left out");
    let ids = tenant_folders(folder, left_out)?;
    let wanted = ids.into_iter().filter(|id| only.is_none_or(|only| only == id));
    let read = |id: TenantId| {
        let folder = folder.join(id.as_str());
        (id, Files { policies: read_policies(&folder), rules: read_rules(&folder) })
    };
    Ok(wanted.map(read).collect())
}

/// What is in a tenant's folder.
struct Files {
    policies: Vec<RawFile>,
    rules: Option<RawFile>,
}

/// Compiles what was read of a tenant.
fn load(row: &TenantRow, files: Option<Files>, stored: StoredDocuments, documents: i64) -> Loaded {
    let suspended = suspended(row);
    let StoredDocuments { stored, rules, profiling } = stored;
    let (policies, rules_file) = files.map_or((None, None), |files| (Some(files.policies), files.rules));
    let compiled = policies.map(|files| compile(files, &stored));
    let of_files = compiled.as_ref().map(|compiled| (compiled.definitions.clone(), compiled.settings.clone()));
    let (definitions, settings) = of_files.unwrap_or_else(|| (stored.definitions.clone(), stored.settings.clone()));
    let rules = match rules_file {
        Some(file) => RulesFile::read(file, &definitions, &settings).into_rules(),
        None => RuleSet::compile(rules, &definitions, &settings, None).map_err(|errors| in_words(&errors)),
    };
    Loaded { suspended, compiled, definitions, settings, rules, profiling, documents }
}

fn in_words(errors: &[RuleError]) -> String {
    let errors: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
    format!("the stored rules: {}", errors.join("; "))
}

fn log_outcome(outcome: &Reloaded) {
    let (tenant, changed) = (&outcome.tenant, outcome.changed);
    let id = &tenant.id;
    if let Some(problem) = &tenant.rules_problem {
        tracing::error!(tenant = %id, problem, "these profiling rules are not in force");
    }
    match &tenant.policies {
        Policies::InForce { program, problem: None } if changed => {
            let (policies, revision) = (program.policy_count(), program.revision());
            tracing::info!(tenant = %id, policies, revision, "policies in force");
        }
        Policies::InForce { program, problem: Some(problem) } => {
            let revision = program.revision();
            tracing::error!(tenant = %id, revision, problem, "the last good policies stay in force");
        }
        Policies::None { why, .. } => tracing::error!(tenant = %id, why, "no policies in force"),
        Policies::InForce { .. } => {}
    }
}

/// The tenants that have a folder; others are told with what keeps their name from being a tenant's.
fn tenant_folders(folder: &Path, left_out: impl Fn(&Path, &dyn Display)) -> io::Result<Vec<TenantId>> {
    let mut tenants = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        // Links are followed; one that leads nowhere is no folder.
        match fs::metadata(entry.path()) {
            Ok(facts) if facts.is_dir() => {}
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        match TenantId::parse(&name) {
            Ok(id) => tenants.push(id),
            Err(rule) => left_out(&entry.path(), &rule),
        }
    }
    tenants.sort();
    Ok(tenants)
}

/// Names of the files in a tenant's folder that declare something; tests and hidden files are left out.
fn policy_files(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let declares = ["tenant.json", "traits.json"].contains(&name.as_str())
            || (name.ends_with(".policy") && !name.ends_with("_test.policy"));
        if declares && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads the files of one tenant's folder that declare something. One that cannot be read is an error of the set.
#[must_use]
pub fn read_policies(folder: &Path) -> Vec<RawFile> {
    let names = match policy_files(folder) {
        Ok(names) => names,
        Err(error) => return vec![RawFile { name: folder.display().to_string(), content: Err(error.to_string()) }],
    };
    let mut room = MAX_SET;
    names.into_iter().map(|name| read_into(&folder.join(name), &mut room)).collect()
}

/// Reads one file.
#[must_use]
pub fn read_policy(path: &Path) -> RawFile {
    read_into(path, &mut { MAX_SET })
}

fn read_into(path: &Path, room: &mut u64) -> RawFile {
    RawFile { name: path.display().to_string(), content: read_file(path, room) }
}

/// Reads the tests in a tenant's folder.
///
/// # Errors
/// The system's, for a file that cannot be read.
pub fn read_tests(folder: &Path) -> io::Result<Vec<Source>> {
    let mut tests = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with("_test.policy") && !name.starts_with('.') {
            let text =
                fs::read_to_string(&path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            tests.push(Source { name: path.display().to_string(), text });
        }
    }
    Ok(tests)
}

fn read_file(path: &Path, room: &mut u64) -> std::result::Result<Vec<u8>, String> {
    // Asked for first: a pipe would never end.
    let facts = fs::metadata(path).map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("it is no regular file".to_owned());
    }
    // One that is too large is read no further than shows it.
    let most = MAX_FILE as u64 + 1;
    *room = room
        .checked_sub(facts.len().min(most))
        .ok_or_else(|| format!("the files of a set hold at most {MAX_SET} bytes together"))?;
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn log_diagnostics(tenant: &TenantId, compiled: &Compiled) {
    if compiled.diagnostics.is_empty() {
        return;
    }
    let mut text = NoColor::new(Vec::new());
    if lang::render(&mut text, &compiled.sources, &compiled.diagnostics).is_ok() {
        let text = String::from_utf8_lossy(text.get_ref()).into_owned();
        tracing::warn!(%tenant, "policies have findings\n{text}");
    }
}
