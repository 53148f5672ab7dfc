//! However many miss the same user or resource at the same time, the database is asked once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sidegate::model::UserRecord;
use sidegate::store::{FactCache, Known, Name};

use crate::support::{Database, count};

use super::{add_tenants, change, edit, tenant, text, user};

const READERS: usize = 10_000;

#[test]
fn ten_thousand_cold_reads_are_one() {
    let database = Database::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, acme) = (database.open().await, tenant("acme"));
        add_tenants(&store, &["acme"]).await;
        for round in 0..count(3, 100) {
            let stored = format!("stored-{round}");
            edit(&store, &acme, &user(&stored), &[change("plan", Some(text("pro")))]).await;
            for id in [stored, format!("nobody-{round}")] {
                let cache = Arc::new(FactCache::<UserRecord>::new(1 << 30, Arc::default(), None));
                let (reads, whose) = (Arc::new(AtomicUsize::new(0)), user(&id));
                let reader = || {
                    let (store, acme, cache) = (store.clone(), acme.clone(), cache.clone());
                    let (reads, whose) = (reads.clone(), whose.clone());
                    tokio::spawn(async move {
                        let name = Name::user(whose.as_str());
                        let read = || {
                            reads.fetch_add(1, Ordering::SeqCst);
                            store.load_user(&acme, &whose)
                        };
                        match cache.get(&acme, name) {
                            Some(known) => known,
                            None => cache.load(&acme, name, read).await.unwrap(),
                        }
                    })
                };
                let readers: Vec<_> = (0..READERS).map(|_| reader()).collect();
                let mut found: Vec<Known<UserRecord>> = Vec::new();
                for reader in readers {
                    found.push(reader.await.unwrap());
                }
                assert_eq!(reads.load(Ordering::SeqCst), 1, "{id}");
                assert!(found.iter().all(|one| one.is_some() == id.starts_with("stored")), "{id}");
                let stats = cache.stats();
                assert_eq!(stats.hits + stats.misses, READERS as u64);
                assert!(stats.coalesced < stats.misses.max(1), "{stats:?}");
            }
        }
        store.close().await;
    });
}
