//! Users in memory: what a decision reads without waiting.
//!
//! Three things keep it right. A write puts the whole user in, with the number of its change. A reading that is
//! older than the last change of its user never gets in (the [`Fence`]). And every change of another process
//! arrives by the feed and drops what it made stale.

mod coalesce;
mod fence;

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::Equivalent;
use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::model::{TenantId, UserId, UserRecord};

use self::coalesce::Coalesce;
use self::fence::Fence;
use super::{Counter, Result, Store};

/// What a key and the caches' own books take beside a user's facts; measured.
const ENTRY_BYTES: usize = 400;

/// How long a user stays known to be unknown; a write ends it at once.
const ABSENT_FOR: Duration = Duration::from_secs(30);

/// How many unknown users are remembered: enough for honest traffic, too few to fill the memory with made-up names.
const ABSENT_ENTRIES: u64 = 10_000;

/// What is known of a user: `None` for one that nobody stored.
pub type Known = Option<Arc<UserRecord>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    user: UserId,
}

/// A key that is only looked up; it hashes as [`Key`] does, since ids hash as their text.
#[derive(Hash)]
struct KeyRef<'k> {
    tenant: &'k str,
    user: &'k str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.tenant == key.tenant.as_str() && self.user == key.user.as_str()
    }
}

#[derive(Clone)]
struct Entry {
    record: Arc<UserRecord>,
    as_of: i64,
}

/// Hits and misses since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct CacheStats {
    /// Users found in memory, absent ones included.
    pub hits: u64,
    /// Users that had to be read.
    pub misses: u64,
    /// Misses that waited for the reading of another.
    pub coalesced: u64,
    /// Users in memory, roughly.
    pub entries: u64,
    /// Bytes that they take, roughly.
    pub bytes: u64,
}

/// The cache of users.
pub struct UserCache {
    present: Cache<Key, Entry>,
    absent: Cache<Key, ()>,
    fence: Fence,
    hasher: RandomState,
    loads: Coalesce,
    hits: Counter,
    misses: AtomicU64,
}

impl UserCache {
    /// A cache of at most about `bytes` bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let weigh = |key: &Key, entry: &Entry| {
            let content = entry.record.facts.heap_bytes() + key.user.as_str().len();
            u32::try_from(ENTRY_BYTES + content).unwrap_or(u32::MAX)
        };
        Self {
            present: Cache::builder().max_capacity(bytes).weigher(weigh).build(),
            absent: Cache::builder().max_capacity(ABSENT_ENTRIES).time_to_live(ABSENT_FOR).build(),
            fence: Fence::default(),
            hasher: RandomState::new(),
            loads: Coalesce::default(),
            hits: Counter::default(),
            misses: AtomicU64::new(0),
        }
    }

    /// What is known of a user without asking anybody.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, user: &str) -> Option<Known> {
        let key = KeyRef { tenant: tenant.as_str(), user };
        let known = match self.present.get(&key) {
            Some(entry) => Some(Some(entry.record)),
            None => self.absent.get(&key).map(|_| None),
        };
        if known.is_some() {
            self.hits.add(1);
        }
        known
    }

    /// Reads a user from the store, once for all who ask at the same time, and remembers it.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(&self, store: &Store, tenant: &TenantId, user: &UserId) -> Result<Known> {
        self.misses.fetch_add(1, Ordering::Relaxed);
        let key = Key { tenant: tenant.clone(), user: user.clone() };
        let stripe = self.hasher.hash_one(&key);
        loop {
            let (as_of, record) = self.loads.load(&key, || store.load_user(tenant, user)).await?;
            // A reading that began before a change that is already known to its user would take the change back.
            if as_of < self.fence.last(stripe) {
                continue;
            }
            return Ok(match record {
                Some(record) => {
                    self.insert(key, stripe, Entry { record: record.clone(), as_of });
                    Some(record)
                }
                None => {
                    self.absent.entry(key).and_compute_with(|_| match as_of < self.fence.last(stripe) {
                        true => Op::Nop,
                        false => Op::Put(()),
                    });
                    None
                }
            });
        }
    }

    /// Puts in what a write of this process made of a user.
    pub fn written(&self, tenant: &TenantId, user: &UserId, seq: i64, record: UserRecord) {
        let key = Key { tenant: tenant.clone(), user: user.clone() };
        let stripe = self.hasher.hash_one(&key);
        self.fence.raise(stripe, seq);
        self.no_longer_absent(&key);
        self.insert(key, stripe, Entry { record: Arc::new(record), as_of: seq });
    }

    /// Drops what a change in the feed made stale.
    pub fn changed(&self, tenant: &str, user: &str, seq: i64) {
        let (Ok(tenant), Ok(user)) = (TenantId::parse(tenant), UserId::parse(user)) else { return };
        let key = Key { tenant, user };
        self.fence.raise(self.hasher.hash_one(&key), seq);
        self.no_longer_absent(&key);
        self.present.entry(key).and_compute_with(|old| match old {
            Some(old) if old.value().as_of < seq => Op::Remove,
            _ => Op::Nop,
        });
    }

    /// Drops everything: a change may have concerned anybody.
    pub fn clear(&self, seq: i64) {
        self.fence.raise_all(seq);
        self.present.invalidate_all();
        self.absent.invalidate_all();
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

    fn insert(&self, key: Key, stripe: u64, entry: Entry) {
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
    use super::*;
    use crate::model::{Object, Value};

    fn record(plan: &'static str) -> UserRecord {
        let traits: Object<'static> = [("plan", Value::Str(plan.into()))].into_iter().collect();
        UserRecord::new("alice", traits)
    }

    fn plan(cache: &UserCache, tenant: &TenantId) -> Option<String> {
        let known = cache.get(tenant, "alice")??;
        match known.traits().get("plan") {
            Some(Value::Str(plan)) => Some(plan.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_write_never_leaves_an_older_value_behind() {
        let cache = UserCache::new(1 << 30);
        let (tenant, alice) = (TenantId::parse("acme").unwrap(), UserId::parse("alice").unwrap());
        cache.written(&tenant, &alice, 5, record("old"));
        assert_eq!(plan(&cache, &tenant).as_deref(), Some("old"));
        // Others raise every stripe past the number of the write that comes next.
        for number in 0..20_000 {
            cache.written(&tenant, &UserId::parse(&format!("u{number}")).unwrap(), 7, record("other"));
        }
        cache.written(&tenant, &alice, 6, record("new"));
        assert_ne!(plan(&cache, &tenant).as_deref(), Some("old"));
        cache.written(&tenant, &alice, 8, record("newer"));
        cache.changed("acme", "alice", 8);
        assert_eq!(plan(&cache, &tenant).as_deref(), Some("newer"), "our own change comes back by the feed");
        cache.changed("acme", "alice", 9);
        assert!(cache.get(&tenant, "alice").is_none());
    }
}
