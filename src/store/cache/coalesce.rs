//! One reading for all who miss the same user at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::super::Result;
use super::{Key, Known};

/// The number of the last change that a reading saw, and what it found.
pub(super) type Shared<V> = (i64, Known<V>);

pub(super) struct Coalesce<V> {
    /// Held only to find or forget a cell, never while a reading is under way.
    under_way: Mutex<HashMap<Key, Arc<OnceCell<Shared<V>>>>>,
    joined: AtomicU64,
}

impl<V> Default for Coalesce<V> {
    fn default() -> Self {
        Self { under_way: Mutex::default(), joined: AtomicU64::new(0) }
    }
}

impl<V> Coalesce<V> {
    /// Reads, or waits for the reading that is under way. If its reader is dropped or fails, another takes over. A
    /// reading puts what it found in memory before it is over, so whoever missed it there and finds no reading under
    /// way looks once more: `found_meanwhile`.
    pub(super) async fn load<F>(
        &self,
        key: &Key,
        found_meanwhile: impl FnOnce() -> Option<Known<V>>,
        read: impl FnOnce() -> F,
    ) -> Result<Shared<V>>
    where
        F: Future<Output = Result<Shared<V>>>,
    {
        let cell = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let cell = under_way.entry(key.clone()).or_default();
            if Arc::strong_count(cell) > 1 {
                self.joined.fetch_add(1, Ordering::Relaxed);
            }
            cell.clone()
        };
        let _forget = Forget { of: self, key, cell: &cell };
        // What is in memory is as of now; it is not shared, since it may change before another comes for the cell.
        if let Some(known) = found_meanwhile() {
            return Ok((i64::MAX, known));
        }
        Ok(cell.get_or_try_init(read).await?.clone())
    }

    /// How many waited for the reading of another.
    pub(super) fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }
}

/// Takes the cell out of the map when its first user is done with it or is dropped: later misses read anew.
struct Forget<'c, V> {
    of: &'c Coalesce<V>,
    key: &'c Key,
    cell: &'c Arc<OnceCell<Shared<V>>>,
}

impl<V> Drop for Forget<'_, V> {
    fn drop(&mut self) {
        let mut under_way = self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // A cell that is still being filled stays for those who wait for it; the last of them takes it out.
        let last = Arc::strong_count(self.cell) <= 2;
        if under_way.get(self.key).is_some_and(|known| Arc::ptr_eq(known, self.cell))
            && (self.cell.initialized() || last)
        {
            under_way.remove(self.key);
        }
    }
}
