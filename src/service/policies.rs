//! Policy files from the disk, and putting them in force.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use codespan_reporting::term::termcolor::NoColor;

use crate::engine::{Compiled, RawFile, compile};
use crate::lang::{self, MAX_FILE};
use crate::model::TenantId;

use super::tenants::Policies;
use super::{Result, Service};

/// The files of a set hold at most this many bytes together.
const MAX_SET: u64 = 64 << 20;

impl Service {
    /// Reads and compiles the policies of all tenants aside, and puts in force what compiles. If the folder cannot be
    /// read, everything stays as it is. A tenant that has a folder is known from then on, whatever becomes of it.
    ///
    /// # Errors
    /// The store's, if it cannot note a new tenant.
    pub async fn reload_policies(self: &Arc<Self>) -> Result<()> {
        let this = self.clone();
        let reload = move || this.read_and_compile();
        let tenants = tokio::task::spawn_blocking(reload).await.unwrap_or_default();
        Ok(self.store.add_tenants(&tenants, self.clock.now()).await?)
    }

    fn read_and_compile(&self) -> Vec<TenantId> {
        let started = Instant::now();
        let folder = self.tenants.folder();
        let ids = match tenant_folders(folder) {
            Ok(ids) => ids,
            Err(error) => {
                let problem = format!("the folder of policies {} cannot be read: {error}", folder.display());
                tracing::error!(problem, "the last good policies stay in force");
                self.tenants.unreadable(&problem);
                return Vec::new();
            }
        };
        let compile = |id: &TenantId| (id.clone(), compile(read_policies(&folder.join(id.as_str()))));
        let compiled: Vec<(TenantId, Compiled)> = ids.iter().map(compile).collect();
        for (id, compiled) in &compiled {
            log_diagnostics(id, compiled);
        }
        for outcome in self.tenants.put_in_force(compiled) {
            let id = &outcome.tenant.id;
            match &outcome.tenant.policies {
                Policies::InForce { program, problem: None } if outcome.changed => {
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
        self.metrics.reloaded(started.elapsed());
        ids
    }

    /// Something that changes when a policy file does: a net under the file system's own news, which end when a
    /// folder is replaced or lies behind a link. Blocking: it asks for every file.
    #[must_use]
    pub fn policies_fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        let folder = self.tenants.folder();
        for id in tenant_folders(folder).unwrap_or_default() {
            let folder = folder.join(id.as_str());
            for name in policy_files(&folder).unwrap_or_default() {
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

fn tenant_folders(folder: &Path) -> io::Result<Vec<TenantId>> {
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
            Err(rule) => tracing::warn!(folder = %entry.path().display(), %rule, "this folder is left out"),
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
        let declares = name == "tenant.json" || (name.ends_with(".policy") && !name.ends_with("_test.policy"));
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
    let read = |name: String| {
        let path = folder.join(name);
        RawFile { name: path.display().to_string(), content: read_file(&path, &mut room) }
    };
    names.into_iter().map(read).collect()
}

fn read_file(path: &Path, room: &mut u64) -> std::result::Result<Vec<u8>, String> {
    // Asked for first: a pipe would never end, and a file that is too large is not worth its memory.
    let facts = fs::metadata(path).map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let size = facts.len();
    if size > MAX_FILE as u64 {
        return Err(format!("it holds {size} bytes, and {MAX_FILE} is the most"));
    }
    *room =
        room.checked_sub(size).ok_or_else(|| format!("the files of a set hold at most {MAX_SET} bytes together"))?;
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
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
