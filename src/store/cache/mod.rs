//! Users and resources in memory: what a decision reads without waiting. What is not there is looked for in the Redis that
//! sidecars share, if there is one, and then in the database.
//!
//! Three things keep it right. A write puts all facts in, with the number of its change. A reading that is
//! older than the last change of them never gets in (the [`Fence`]). And every change of another process
//! arrives by the feed and drops what it made stale.

mod coalesce;
mod fence;
mod portable;

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use moka::Equivalent;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::model::TenantId;

use self::coalesce::Coalesce;
use self::fence::Fence;

pub use self::portable::Portable;
use super::{Counter, Remembered, Result, Shared};

/// What a key and the caches' own books take beside the facts; measured.
const ENTRY_BYTES: usize = 400;

/// How long something stays known to be unknown; a write ends it at once.
const ABSENT_FOR: Duration = Duration::from_secs(30);

/// How many unknown ones are remembered: enough for honest traffic, too few to fill the memory with made-up names.
const ABSENT_ENTRIES: u64 = 10_000;

/// What is known: `None` for what nobody stored.
pub type Known<V> = Option<Arc<V>>;

/// Names what facts are about, within a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name<'n> {
    kind: &'n str,
    id: &'n str,
}

impl<'n> Name<'n> {
    /// A user.
    #[must_use]
    pub fn user(id: &'n str) -> Self {
        Self { kind: "", id }
    }

    /// A resource.
    #[must_use]
    pub fn resource(kind: &'n str, id: &'n str) -> Self {
        Self { kind, id }
    }
}

/// Tenant, type and id in one text: as small as can be, since there are millions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(Box<str>);

/// What stands between the parts of a key. No part of a key holds control characters, so each is told from the others;
/// a question may, and then asks for what is not there.
const BETWEEN: char = '\u{1f}';

impl Key {
    fn new(tenant: &TenantId, name: Name<'_>) -> Self {
        Self(format!("{tenant}{BETWEEN}{}{BETWEEN}{}", name.kind, name.id).into())
    }

    fn parts(&self) -> Option<(TenantId, String)> {
        let mut parts = self.0.splitn(3, BETWEEN);
        let (tenant, _, id) = (parts.next()?, parts.next()?, parts.next()?);
        Some((TenantId::parse(tenant).ok()?, id.to_owned()))
    }

    /// What it is called where all look.
    fn shared<V: Portable>(&self) -> String {
        format!("{}:{}", V::KIND, self.0)
    }
}

/// It hashes as [`KeyRef`] does.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.splitn(3, BETWEEN).for_each(|part| part.hash(state));
    }
}

/// A key that is only looked up.
#[derive(Hash)]
struct KeyRef<'k> {
    tenant: &'k str,
    kind: &'k str,
    id: &'k str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let rest = key.0.strip_prefix(self.tenant);
        let rest = rest.and_then(|rest| rest.strip_prefix(BETWEEN)?.strip_prefix(self.kind)?.strip_prefix(BETWEEN));
        rest == Some(self.id)
    }
}

struct Entry<V> {
    facts: Arc<V>,
    as_of: i64,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { facts: self.facts.clone(), as_of: self.as_of }
    }
}

/// Hits and misses since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct CacheStats {
    /// Found in memory, absent ones included.
    pub hits: u64,
    /// Had to be read.
    pub misses: u64,
    /// Misses that waited for the reading of another.
    pub coalesced: u64,
    /// In memory, roughly.
    pub entries: u64,
    /// Bytes that they take, roughly.
    pub bytes: u64,
}

/// A cache of facts about users, or about resources.
pub struct FactCache<V: Portable> {
    present: Cache<Key, Entry<V>>,
    absent: Cache<Key, ()>,
    fence: Fence,
    hasher: RandomState,
    loads: Coalesce<V>,
    shared: Option<Arc<Shared>>,
    /// The last change of the feed that this process has seen.
    seen: Arc<AtomicI64>,
    hits: Counter,
    misses: AtomicU64,
}

impl<V: Portable> FactCache<V> {
    /// A cache of at most about `bytes` bytes, which is told how far the feed was `seen`, and what else there is to ask
    /// before the database.
    #[must_use]
    pub fn new(bytes: u64, seen: Arc<AtomicI64>, shared: Option<Arc<Shared>>) -> Self {
        let weigh = move |key: &Key, entry: &Entry<V>| {
            let content = entry.facts.heap_bytes() + key.0.len();
            u32::try_from(ENTRY_BYTES + content).unwrap_or(u32::MAX)
        };
        Self {
            present: Cache::builder().max_capacity(bytes).weigher(weigh).build(),
            absent: Cache::builder().max_capacity(ABSENT_ENTRIES).time_to_live(ABSENT_FOR).build(),
            fence: Fence::new(seen.load(Ordering::Acquire)),
            hasher: RandomState::new(),
            loads: Coalesce::default(),
            shared,
            seen,
            hits: Counter::default(),
            misses: AtomicU64::new(0),
        }
    }

    /// What is known of it without asking anybody.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, name: Name<'_>) -> Option<Known<V>> {
        let known = self.find(&KeyRef { tenant: tenant.as_str(), kind: name.kind, id: name.id });
        if known.is_some() {
            self.hits.add(1);
        }
        known
    }

    /// Reads it from the store, once for all who ask at the same time, and remembers it. A reading comes with the number
    /// of the last change that it saw.
    ///
    /// # Errors
    /// The store's.
    pub async fn load<F>(&self, tenant: &TenantId, name: Name<'_>, read: impl Fn() -> F) -> Result<Known<V>>
    where
        F: Future<Output = Result<(i64, Option<V>)>>,
    {
        self.misses.fetch_add(1, Ordering::Relaxed);
        let key = Key::new(tenant, name);
        let stripe = self.hasher.hash_one(&key);
        let found_meanwhile = || self.find(&KeyRef { tenant: tenant.as_str(), kind: name.kind, id: name.id });
        let read = || async {
            let (as_of, facts) = match self.find_shared(&key, stripe).await {
                Some(found) => found,
                None => {
                    let (as_of, facts) = read().await?;
                    self.put_shared(&key, as_of, facts.as_ref());
                    (as_of, facts)
                }
            };
            let facts = facts.map(Arc::new);
            match &facts {
                Some(facts) => self.insert(key.clone(), stripe, Entry { facts: facts.clone(), as_of }),
                None => self.insert_absent(key.clone(), stripe, as_of),
            }
            Ok((as_of, facts))
        };
        loop {
            let (as_of, facts) = self.loads.load(&key, found_meanwhile, read).await?;
            // A reading that began before a change that is already known would take the change back.
            if as_of >= self.fence.last(stripe) {
                return Ok(facts);
            }
        }
    }

    /// What others have put where all look, if no change is known that came after it, and none that comes before it is
    /// still to be seen: whoever says that they know more than the feed are not believed.
    async fn find_shared(&self, key: &Key, hash: u64) -> Option<(i64, Option<V>)> {
        let seen = self.seen.load(Ordering::Acquire);
        let is_new_enough = |as_of| as_of >= self.fence.last(hash) && as_of <= seen;
        let found = self.shared.as_ref()?.get(&key.shared::<V>(), is_new_enough).await?;
        match found.content {
            None => Some((found.as_of, None)),
            Some(content) => Some((found.as_of, Some(V::from_bytes(&content)?))),
        }
    }

    fn put_shared(&self, key: &Key, as_of: i64, facts: Option<&V>) {
        if let Some(shared) = &self.shared {
            shared.put(&key.shared::<V>(), as_of, facts.map(Portable::to_bytes));
        }
    }

    /// Notes earlier changes than this process has seen, newest first and down to `floor`, so that what others have put
    /// where all look counts although it is older. Whether there is room for more.
    pub fn remember<'n>(&self, earlier: impl IntoIterator<Item = (&'n TenantId, Name<'n>, i64)>, floor: i64) -> bool {
        let hashed = earlier.into_iter().map(|(of, name, seq)| (self.hasher.hash_one(Key::new(of, name)), seq));
        self.fence.lower(hashed, floor)
    }

    /// How old what others would find where all look is.
    pub async fn remembered(&self, tenant: &TenantId, name: Name<'_>) -> Option<Remembered> {
        let found = self.shared.as_ref()?.look(&Key::new(tenant, name).shared::<V>()).await?;
        Some(Remembered { as_of: found.as_of, present: found.content.is_some() })
    }

    /// Puts in what a write of this process made of it.
    pub fn written(&self, tenant: &TenantId, name: Name<'_>, seq: i64, facts: V) {
        let key = Key::new(tenant, name);
        self.put_shared(&key, seq, Some(&facts));
        let stripe = self.hasher.hash_one(&key);
        self.fence.raise(stripe, seq);
        self.no_longer_absent(&key);
        self.insert(key, stripe, Entry { facts: Arc::new(facts), as_of: seq });
    }

    /// Drops what a change in the feed made stale.
    pub fn changed(&self, tenant: &TenantId, name: Name<'_>, seq: i64) {
        let key = Key::new(tenant, name);
        self.fence.raise(self.hasher.hash_one(&key), seq);
        self.no_longer_absent(&key);
        self.present.entry(key).and_compute_with(|old| match old {
            Some(old) if old.value().as_of < seq => Op::Remove,
            _ => Op::Nop,
        });
    }

    /// Whether it may have changed after a change of the feed.
    pub fn changed_after(&self, tenant: &TenantId, name: Name<'_>, seq: i64) -> bool {
        self.fence.last(self.hasher.hash_one(Key::new(tenant, name))) > seq
    }

    /// Drops what a write of this process took away, and leaves nothing of it where all look.
    pub fn gone(&self, tenant: &TenantId, name: Name<'_>, seq: i64) {
        self.put_shared(&Key::new(tenant, name), seq, None);
        self.changed(tenant, name, seq);
    }

    /// Drops everything: a change may have concerned anybody.
    pub fn clear(&self, seq: i64) {
        self.fence.raise_all(seq);
        self.present.invalidate_all();
        self.absent.invalidate_all();
    }

    /// What is in memory, by tenant and id.
    #[must_use]
    pub fn names(&self) -> Vec<(TenantId, String)> {
        self.present.iter().filter_map(|(key, _)| key.parts()).collect()
    }

    /// Counters for `/metrics`.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.get(),
            misses: self.misses.load(Ordering::Relaxed),
            coalesced: self.loads.joined(),
            entries: self.present.entry_count(),
            bytes: self.present.weighted_size(),
        }
    }

    fn find(&self, key: &KeyRef<'_>) -> Option<Known<V>> {
        match self.present.get(key) {
            Some(entry) => Some(Some(entry.facts)),
            None => self.absent.get(key).map(|()| None),
        }
    }

    fn insert_absent(&self, key: Key, stripe: u64, as_of: i64) {
        self.absent.entry(key).and_compute_with(|_| match as_of < self.fence.last(stripe) {
            true => Op::Nop,
            false => Op::Put(()),
        });
    }

    fn insert(&self, key: Key, stripe: u64, entry: Entry<V>) {
        self.present.entry(key).and_compute_with(|old| match old {
            Some(old) if old.value().as_of >= entry.as_of => Op::Nop,
            // Too old to go in for certain; but what is there is older still.
            Some(_) if entry.as_of < self.fence.last(stripe) => Op::Remove,
            None if entry.as_of < self.fence.last(stripe) => Op::Nop,
            _ => Op::Put(entry),
        });
    }

    /// Done under the lock of the key, which `invalidate` does not take: a reading that is just going in would come
    /// after it.
    fn no_longer_absent(&self, key: &Key) {
        self.absent.entry(key.clone()).and_compute_with(|_| Op::Remove);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::model::{Object, UserRecord, Value, ValueRef};

    fn record(plan: &'static str) -> UserRecord {
        let traits: Object<'static> = [("plan", Value::Str(plan.into()))].into_iter().collect();
        UserRecord::new("alice", traits)
    }

    fn plan(cache: &FactCache<UserRecord>, tenant: &TenantId) -> Option<String> {
        let known = cache.get(tenant, Name::user("alice"))??;
        match known.traits().get("plan") {
            Some(ValueRef::Str(plan)) => Some(plan.to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_key_is_found_by_its_parts_and_by_no_others() {
        let names = [("", "a"), ("", "a|"), ("a", "a"), ("a|", ""), ("", "a\u{e9}"), ("aa", "a"), ("a", "aa")];
        let all: Vec<_> = ["t", "ta", "t-"].iter().flat_map(|tenant| names.map(|name| (*tenant, name))).collect();
        let keys: HashSet<Key> = all
            .iter()
            .map(|(tenant, (kind, id))| Key::new(&TenantId::parse(tenant).unwrap(), Name { kind, id }))
            .collect();
        assert_eq!(keys.len(), all.len());
        let hasher = RandomState::new();
        for (tenant, (kind, id)) in &all {
            let asked = KeyRef { tenant, kind, id };
            let key = Key::new(&TenantId::parse(tenant).unwrap(), Name { kind, id });
            assert_eq!(hasher.hash_one(&asked), hasher.hash_one(&key));
            assert_eq!(keys.iter().filter(|key| asked.equivalent(key)).count(), 1, "{tenant} {kind} {id}");
        }
        // Nothing is stored under a name that holds control characters, and it leads to nothing else.
        for (kind, id) in [("a\u{1f}a", ""), ("", "\u{1f}a"), ("\u{1f}", "a")] {
            assert!(!keys.iter().any(|key| KeyRef { tenant: "t", kind, id }.equivalent(key)));
        }
    }

    #[test]
    fn a_write_never_leaves_an_older_value_behind() {
        let cache = FactCache::new(1 << 30, Arc::default(), None);
        let (tenant, alice) = (TenantId::parse("acme").unwrap(), Name::user("alice"));
        cache.written(&tenant, alice, 5, record("old"));
        assert_eq!(plan(&cache, &tenant).as_deref(), Some("old"));
        // Others raise every stripe past the number of the write that comes next.
        for number in 0..20_000 {
            cache.written(&tenant, Name::user(&format!("u{number}")), 7, record("other"));
        }
        cache.written(&tenant, alice, 6, record("new"));
        assert_ne!(plan(&cache, &tenant).as_deref(), Some("old"));
        cache.written(&tenant, alice, 8, record("newer"));
        cache.changed(&tenant, alice, 8);
        assert_eq!(plan(&cache, &tenant).as_deref(), Some("newer"), "our own change comes back by the feed");
        cache.changed(&tenant, alice, 9);
        assert!(cache.get(&tenant, alice).is_none());
    }
}
