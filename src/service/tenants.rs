//! Tenants and the policies in force for each: one map, replaced as a whole, read with one atomic load.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::engine::{Compiled, Program};
use crate::lang::Rendered;
use crate::model::TenantId;

/// A tenant as of one moment. Its policies never change; a reload makes another.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// What decides for it.
    pub policies: Policies,
    /// The revision of its data, as far as this process knows.
    revision: Arc<AtomicI64>,
}

impl Tenant {
    /// The revision of its data, as far as this process knows.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(super) fn raise_revision(&self, revision: i64) {
        self.revision.fetch_max(revision, Ordering::AcqRel);
    }

    /// Whether all changes before `revision` are known here.
    pub(super) fn is_next(&self, revision: i64) -> bool {
        self.revision() >= revision.saturating_sub(1)
    }
}

/// The policies of a tenant.
#[derive(Debug, Clone)]
pub enum Policies {
    /// There is a program. With a problem, it is the last good one: what is in the files now does not compile.
    InForce {
        /// The program.
        program: Arc<Program>,
        /// What is wrong with the files.
        problem: Option<String>,
    },
    /// There is none, and every decision is a deny.
    None {
        /// The reason, as decisions give it.
        why: String,
        /// Whether the tenant's first good set is still waited for.
        awaited: bool,
    },
}

type Map = HashMap<TenantId, Arc<Tenant>>;

pub(super) struct Tenants {
    map: ArcSwap<Map>,
    /// Held by whoever replaces the map.
    replacing: Mutex<()>,
    /// Whether the folder of policies has been read once.
    read: AtomicBool,
    policies: PathBuf,
    default: Option<TenantId>,
}

/// What a reload made of one tenant.
pub(super) struct Reloaded {
    pub(super) tenant: Arc<Tenant>,
    /// Whether other policies are in force than before.
    pub(super) changed: bool,
}

impl Tenants {
    pub(super) fn new(policies: PathBuf, default: Option<TenantId>) -> Self {
        Self { map: ArcSwap::default(), replacing: Mutex::new(()), read: AtomicBool::new(false), policies, default }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Tenant>> {
        self.map.load().get(id).cloned()
    }

    pub(super) fn default(&self) -> Option<Arc<Tenant>> {
        let map = self.map.load();
        match &self.default {
            Some(id) => map.get(id).cloned(),
            None if map.len() == 1 => map.values().next().cloned(),
            None => None,
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Tenant>> {
        let mut all: Vec<_> = self.map.load().values().cloned().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    pub(super) fn folder(&self) -> &Path {
        &self.policies
    }

    /// Takes in tenants that have data, whether or not they have policies.
    pub(super) fn add_stored(&self, stored: &[(TenantId, i64)]) {
        self.replace(|map| {
            for (id, revision) in stored {
                self.entry(map, id).raise_revision(*revision);
            }
        });
    }

    /// Notes that a tenant's data changed; the first change of a tenant makes it known.
    pub(super) fn changed(&self, tenant: &str, revision: i64) {
        match self.find(tenant) {
            Some(known) => known.raise_revision(revision),
            None => {
                if let Ok(id) = TenantId::parse(tenant) {
                    self.add_stored(&[(id, revision)]);
                }
            }
        }
    }

    /// Puts freshly compiled sets in force. A set that does not compile never replaces the last good one; a tenant
    /// whose folder is gone is left without policies.
    pub(super) fn put_in_force(&self, compiled: Vec<(TenantId, Compiled)>) -> Vec<Reloaded> {
        let mut reloaded = Vec::new();
        // A tenant that is added to a running server and does not compile is no reason to take the others out.
        let first = !self.read.swap(true, Ordering::AcqRel);
        self.replace(|map| {
            let gone: Vec<TenantId> =
                map.keys().filter(|id| compiled.iter().all(|(with_folder, _)| with_folder != *id)).cloned().collect();
            for id in gone {
                let why = self.without_folder(&id);
                let tenant = self.entry(map, &id);
                let changed = matches!(tenant.policies, Policies::InForce { .. });
                reloaded.push(set(map, tenant, Policies::None { why, awaited: false }, changed));
            }
            for (id, compiled) in compiled {
                let tenant = self.entry(map, &id);
                let (policies, changed) = next(&tenant.policies, compiled, first);
                reloaded.push(set(map, tenant, policies, changed));
            }
        });
        reloaded
    }

    /// Notes that nothing could be read; what is in force stays.
    pub(super) fn unreadable(&self, problem: &str) {
        self.replace(|map| {
            for tenant in map.values_mut() {
                if let Policies::InForce { program, .. } = &tenant.policies {
                    let policies = Policies::InForce { program: program.clone(), problem: Some(problem.to_owned()) };
                    *tenant = Arc::new(Tenant { policies, ..Tenant::clone(tenant) });
                }
            }
        });
    }

    fn without_folder(&self, id: &TenantId) -> String {
        format!("the tenant {id} has no folder {}, so everything is denied", self.policies.join(id.as_str()).display())
    }

    fn entry(&self, map: &mut Map, id: &TenantId) -> Arc<Tenant> {
        let fresh = || {
            let policies = Policies::None { why: self.without_folder(id), awaited: false };
            Arc::new(Tenant { id: id.clone(), policies, revision: Arc::default() })
        };
        map.entry(id.clone()).or_insert_with(fresh).clone()
    }

    fn replace(&self, change: impl FnOnce(&mut Map)) {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut map = Map::clone(&self.map.load());
        change(&mut map);
        self.map.store(Arc::new(map));
    }
}

fn set(map: &mut Map, old: Arc<Tenant>, policies: Policies, changed: bool) -> Reloaded {
    let tenant = Arc::new(Tenant { policies, ..Tenant::clone(&old) });
    map.insert(tenant.id.clone(), tenant.clone());
    Reloaded { tenant, changed }
}

/// What is in force after a compilation, and whether that is something else than before.
fn next(before: &Policies, compiled: Compiled, first: bool) -> (Policies, bool) {
    match (compiled.program.clone(), before) {
        (Some(program), Policies::InForce { program: old, .. }) => {
            let changed = program.revision() != old.revision();
            (Policies::InForce { program, problem: None }, changed)
        }
        (Some(program), Policies::None { .. }) => (Policies::InForce { program, problem: None }, true),
        (None, Policies::InForce { program, .. }) => {
            (Policies::InForce { program: program.clone(), problem: Some(first_error(&compiled)) }, false)
        }
        (None, Policies::None { awaited, .. }) => {
            let why = format!("the policies do not compile, so everything is denied: {}", first_error(&compiled));
            (Policies::None { why, awaited: *awaited || first }, false)
        }
    }
}

fn first_error(compiled: &Compiled) -> String {
    let errors = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let Some(first) = errors.clone().next().map(|error| Rendered::new(&compiled.sources, error)) else {
        return "an error without a place".to_owned();
    };
    let place = match (&first.file, first.line, first.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        _ => String::new(),
    };
    let more = match errors.count() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!("{place}{}{more}", first.message)
}
