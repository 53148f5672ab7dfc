//! Policy files from the disk, and putting them in force.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use codespan_reporting::term::termcolor::NoColor;

use crate::engine::{Compiled, RawFile, compile};
use crate::lang::{self, MAX_FILE};
use crate::model::TenantId;

use super::tenants::{Policies, Tenant};
use super::{Result, Service};

/// The files of a set hold at most this many bytes together.
const MAX_SET: u64 = 64 << 20;

impl Service {
    /// Reads and compiles the policies of all tenants aside, and puts in force what compiles. A tenant that has a
    /// folder is known from then on, whatever becomes of the folder.
    ///
    /// # Errors
    /// The store's, if it cannot note a new tenant.
    pub async fn reload_policies(self: &Arc<Self>) -> Result<Vec<Arc<Tenant>>> {
        let this = self.clone();
        let reload = move || this.read_and_compile();
        let tenants = tokio::task::spawn_blocking(reload).await.unwrap_or_default();
        let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id.clone()).collect();
        self.store.add_tenants(&ids, self.clock.now()).await?;
        Ok(tenants)
    }

    fn read_and_compile(&self) -> Vec<Arc<Tenant>> {
        let started = Instant::now();
        let folder = self.tenants.folder();
        let compiled: Vec<(TenantId, Compiled)> = tenant_folders(folder)
            .into_iter()
            .map(|id| {
                let files = read_policies(&folder.join(id.as_str()));
                (id, compile(files))
            })
            .collect();
        for (id, compiled) in &compiled {
            log_diagnostics(id, compiled);
        }
        let reloaded = self.tenants.put_in_force(compiled);
        self.metrics.reloaded(started.elapsed());
        for outcome in &reloaded {
            let id = &outcome.tenant.id;
            match &outcome.tenant.policies {
                Policies::InForce { program, problem: None } if outcome.changed => {
                    tracing::info!(tenant = %id, policies = program.policy_count(), revision = program.revision(), "policies in force");
                }
                Policies::InForce { program, problem: Some(problem) } => {
                    tracing::error!(tenant = %id, revision = program.revision(), problem, "the last good policies stay in force");
                }
                Policies::None { why, .. } => tracing::error!(tenant = %id, why, "no policies in force"),
                Policies::InForce { .. } => {}
            }
        }
        reloaded.into_iter().map(|outcome| outcome.tenant).collect()
    }

    /// The folder with a folder of policies for each tenant.
    #[must_use]
    pub fn policies_folder(&self) -> &Path {
        self.tenants.folder()
    }
}

fn tenant_folders(folder: &Path) -> Vec<TenantId> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "the folder of policies cannot be read");
            return Vec::new();
        }
    };
    let mut tenants = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // `is_dir` follows links.
        if name.starts_with('.') || !entry.path().is_dir() {
            continue;
        }
        match TenantId::parse(&name) {
            Ok(id) => tenants.push(id),
            Err(rule) => tracing::warn!(folder = %entry.path().display(), %rule, "this folder is left out"),
        }
    }
    tenants.sort();
    tenants
}

/// Reads the files of one tenant's folder that declare something; tests and hidden files are left out.
#[must_use]
pub fn read_policies(folder: &Path) -> Vec<RawFile> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![RawFile { name: folder.display().to_string(), content: Err(error.to_string()) }],
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .filter(|name| name == "tenant.json" || (name.ends_with(".policy") && !name.ends_with("_test.policy")))
        .collect();
    names.sort();
    let mut room = MAX_SET;
    let read = |name: String| {
        let path = folder.join(name);
        RawFile { name: path.display().to_string(), content: read_file(&path, &mut room) }
    };
    names.into_iter().map(read).collect()
}

fn read_file(path: &Path, room: &mut u64) -> std::result::Result<Vec<u8>, String> {
    // The size is asked for first: a file that is too large is not worth its memory.
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE as u64 {
        return Err(format!("it holds {size} bytes, and {MAX_FILE} is the most"));
    }
    *room =
        room.checked_sub(size).ok_or_else(|| format!("the files of a set hold at most {MAX_SET} bytes together"))?;
    fs::read(path).map_err(|error| error.to_string())
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
