//! Tenants and the policies in force for each: one map, replaced as a whole, read with one atomic load.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::engine::{Compiled, Program};
use crate::lang::Rendered;
use crate::model::{Definitions, Limits, ProfilingSettings, TenantId, TenantSettings};
use crate::profiling::RuleSet;
use crate::store::TenantRow;

use super::limits::Limiters;
use super::{Result, ServiceError};

/// A tenant as of one moment. Its policies never change; a reload makes another.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// What decides for it.
    pub policies: Policies,
    /// What its traits and profile fields are.
    pub definitions: Arc<Definitions>,
    /// What it asks its users; `None` while there has been no good set of rules: then nobody knows whether a profile
    /// is complete.
    pub rules: Option<Arc<RuleSet>>,
    /// Whether and how much it asks.
    pub profiling: ProfilingSettings,
    /// Its settings.
    pub settings: Arc<TenantSettings>,
    /// Why nothing is decided and nothing answered for it, if it is suspended.
    pub suspended: Option<String>,
    /// What is wrong with its rules; then the last good ones are asked.
    pub rules_problem: Option<String>,
    progress: Arc<Progress>,
    pub(super) limiters: Arc<Limiters>,
}

/// How far this process knows the tenant's data.
#[derive(Debug, Default)]
struct Progress {
    /// The revision up to which nothing stale is in memory, definitions, rules and settings apart.
    revision: AtomicI64,
    /// That of the last known change of these.
    documents_due: AtomicI64,
    /// That up to which they are in force.
    documents: AtomicI64,
}

impl Tenant {
    /// The revision of its data, as far as this process knows.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.progress.revision.load(Ordering::Acquire)
    }

    /// The rules in force, or why there are none.
    ///
    /// # Errors
    /// [`ServiceError::NoRules`]
    pub fn rules(&self) -> Result<&Arc<RuleSet>> {
        let why = || self.rules_problem.clone().unwrap_or_else(|| "the rules were not read yet".to_owned());
        self.rules.as_ref().ok_or_else(|| ServiceError::NoRules(why()))
    }

    fn set_settings(&mut self, settings: TenantSettings) {
        // Those that are there have counted; others begin anew.
        if self.limiters.limits != settings.limits {
            self.limiters = Arc::new(Limiters::new(settings.limits));
        }
        self.settings = Arc::new(settings);
    }

    /// Whether everything of a revision is known and in force here.
    #[must_use]
    pub fn has_reached(&self, revision: i64) -> bool {
        let Progress { documents_due, documents, .. } = &*self.progress;
        // Asked first: whoever raises the revision has said before what documents are due.
        self.revision() >= revision
            && documents.load(Ordering::Acquire) >= documents_due.load(Ordering::Acquire).min(revision)
    }

    pub(super) fn raise_revision(&self, revision: i64) {
        self.progress.revision.fetch_max(revision, Ordering::AcqRel);
    }

    /// Notes that definitions, rules or settings have changed.
    pub(super) fn documents_changed(&self, revision: i64) {
        self.progress.documents_due.fetch_max(revision, Ordering::AcqRel);
    }

    /// The last change of these that is known.
    pub(super) fn documents_due(&self) -> i64 {
        self.progress.documents_due.load(Ordering::Acquire)
    }

    /// Notes that these are in force as of a revision.
    pub(super) fn documents_in_force(&self, revision: i64) {
        self.progress.documents.fetch_max(revision, Ordering::AcqRel);
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

/// No decision takes so long that it still holds what was replaced so long ago.
const GRACE: Duration = Duration::from_secs(2);

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

/// What was read of one tenant.
pub(super) struct Loaded {
    /// Why nothing is answered for it, if it is suspended.
    pub(super) suspended: Option<String>,
    /// Its files, compiled; `None` without a folder.
    pub(super) compiled: Option<Compiled>,
    /// Its definitions, of file or store.
    pub(super) definitions: Arc<Definitions>,
    /// Its settings, of file or store.
    pub(super) settings: TenantSettings,
    /// Its rules, or what is wrong with them.
    pub(super) rules: std::result::Result<RuleSet, String>,
    pub(super) profiling: ProfilingSettings,
    /// The last change of what the store has of it that was known before it was read.
    pub(super) documents: i64,
}

/// What a reload made of one tenant.
pub(super) struct Reloaded {
    pub(super) tenant: Arc<Tenant>,
    /// Whether other policies are in force than before, or nothing is wrong with these any more.
    pub(super) changed: bool,
    /// Whether the tokens of other issuers are taken than before.
    pub(super) other_issuers: bool,
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
    pub(super) fn add_stored(&self, stored: &[TenantRow]) {
        self.replace(|map| stored.iter().for_each(|row| self.note(map, row)));
    }

    /// Takes in what is stored of a tenant itself.
    pub(super) fn note_row(&self, row: &TenantRow) {
        self.replace(|map| self.note(map, row));
    }

    fn note(&self, map: &mut Map, row: &TenantRow) {
        let known = self.entry(map, &row.id);
        known.raise_revision(row.revision);
        let suspended = suspended(row);
        if known.suspended != suspended {
            map.insert(row.id.clone(), Arc::new(Tenant { suspended, ..Tenant::clone(&known) }));
        }
    }

    /// Takes one out that is gone.
    pub(super) fn remove(&self, tenant: &str) {
        self.replace(|map| drop(map.remove(tenant)));
    }

    /// Notes that a tenant's data changed; the first change of a tenant makes it known.
    pub(super) fn changed(&self, tenant: &str, revision: i64) {
        match self.find(tenant) {
            Some(known) => known.raise_revision(revision),
            None => {
                if let Ok(id) = TenantId::parse(tenant) {
                    self.replace(|map| self.entry(map, &id).raise_revision(revision));
                }
            }
        }
    }

    /// Puts in force what was read. A set that does not compile never replaces the last good one; a tenant without a
    /// folder is left without policies.
    pub(super) fn put_in_force(&self, loaded: Vec<(TenantId, Loaded)>) -> Vec<Reloaded> {
        // A tenant that is added to a running server and does not compile is no reason to take the others out.
        let first = !self.read.swap(true, Ordering::AcqRel);
        let (mut reloaded, mut in_force) = (Vec::new(), Vec::new());
        self.replace(|map| {
            for (id, loaded) in loaded {
                let old = self.entry(map, &id);
                let documents = loaded.documents;
                let (next, changed) = self.next(&old, loaded, first);
                let tenant = Arc::new(next);
                map.insert(id, tenant.clone());
                in_force.push((tenant.clone(), documents));
                let vouched_by = |tenant: &Tenant| (tenant.settings.issuers.clone(), tenant.settings.sign_in.clone());
                let other_issuers = vouched_by(&old) != vouched_by(&tenant);
                reloaded.push(Reloaded { tenant, changed, other_issuers });
            }
        });
        in_force.into_iter().for_each(|(tenant, documents)| tenant.documents_in_force(documents));
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

    /// A tenant after a reading. Policies, definitions and settings are one set, checked against each other: what is
    /// refused changes none of them.
    fn next(&self, old: &Tenant, loaded: Loaded, first: bool) -> (Tenant, bool) {
        let Loaded { suspended, compiled, definitions, settings, rules, profiling, documents: _ } = loaded;
        let mut next = Tenant { profiling, suspended, ..old.clone() };
        let in_force = matches!(old.policies, Policies::InForce { .. });
        let changed = match compiled {
            Some(compiled) => {
                let (refused, good) = (compiled.program.is_none(), compiled.settings_are_good);
                let (policies, changed) = next_policies(&old.policies, &compiled, first);
                next.policies = policies;
                if refused && in_force {
                    // Whom the tenant trusts, and how much may be asked, does not wait for a policy to be mended.
                    if good {
                        next.set_settings(settings.beside_policies_of(&old.settings));
                    }
                    return (next, changed);
                }
                changed
            }
            None => {
                next.policies = Policies::None { why: Self::without_folder(&old.id), awaited: false };
                in_force
            }
        };
        next.set_settings(settings);
        next.definitions = definitions;
        match rules {
            Ok(rules) => (next.rules, next.rules_problem) = (Some(Arc::new(rules)), None),
            Err(problem) => next.rules_problem = Some(problem),
        }
        (next, changed)
    }

    fn without_folder(id: &TenantId) -> String {
        format!("the tenant {id} has no folder of policies, so everything is denied")
    }

    fn entry(&self, map: &mut Map, id: &TenantId) -> Arc<Tenant> {
        let fresh = || {
            let policies = Policies::None { why: Self::without_folder(id), awaited: false };
            Arc::new(Tenant {
                id: id.clone(),
                policies,
                definitions: Arc::default(),
                rules: None,
                profiling: ProfilingSettings::default(),
                settings: Arc::default(),
                suspended: None,
                rules_problem: None,
                progress: Arc::default(),
                limiters: Arc::new(Limiters::new(Limits::default())),
            })
        };
        map.entry(id.clone()).or_insert_with(fresh).clone()
    }

    fn replace(&self, change: impl FnOnce(&mut Map)) {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut map = Map::clone(&self.map.load());
        change(&mut map);
        retire(self.map.swap(Arc::new(map)));
    }
}

/// Why nothing is answered for a tenant, if it is suspended.
pub(super) fn suspended(row: &TenantRow) -> Option<String> {
    row.suspended_at.map(|_| format!("the tenant {} is suspended", row.id))
}

/// Drops what decisions may still be reading, once they no longer do: taking a large program apart must not fall to the
/// last of them. (With that, reading 10,000 policies anew leaves the p99 of decisions as it is.)
fn retire(old: Arc<Map>) {
    let drop_later = move || {
        std::thread::sleep(GRACE);
        drop(old);
    };
    // Without a thread, it is dropped here and now.
    let _ = std::thread::Builder::new().name("retire".to_owned()).spawn(drop_later);
}

/// What is in force after a compilation, and whether that is something else than before, or is mended.
fn next_policies(before: &Policies, compiled: &Compiled, first: bool) -> (Policies, bool) {
    match (compiled.program.clone(), before) {
        (Some(program), Policies::InForce { program: old, problem }) => {
            let changed = program.revision() != old.revision() || problem.is_some();
            (Policies::InForce { program, problem: None }, changed)
        }
        (Some(program), Policies::None { .. }) => (Policies::InForce { program, problem: None }, true),
        (None, Policies::InForce { program, .. }) => {
            (Policies::InForce { program: program.clone(), problem: Some(first_error(compiled)) }, false)
        }
        (None, Policies::None { awaited, .. }) => {
            let why = format!("the policies do not compile, so everything is denied: {}", first_error(compiled));
            (Policies::None { why, awaited: *awaited || first }, false)
        }
    }
}

pub(super) fn first_error(compiled: &Compiled) -> String {
    let errors = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let Some(first) = errors.clone().next().map(|error| Rendered::new(&compiled.sources, error)) else {
        return "an error without a place".to_owned();
    };
    let place = match (&first.file, first.line, first.column) {
        // Apps are told, too: where files lie is none of their business.
        (Some(file), Some(line), Some(column)) => {
            let file = Path::new(file).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            format!("{file}:{line}:{column}: ")
        }
        _ => String::new(),
    };
    let more = match errors.count() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!("{place}{}{more}", first.message)
}
