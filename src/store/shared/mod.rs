//! Facts that sidecars share in Redis: after memory, and before SQL.
//!
//! Redis is never trusted. A value is sealed with a key of the instance and bound to its name, and it says as of which
//! change of the feed it was read. Whoever finds it knows the last changes themselves ([`super::cache`]), and takes it
//! only if none of them came after it. So a message that gets lost, a Redis that was away, or a value that somebody put
//! back costs a reading of SQL, and never a wrong decision.

mod at;
mod circuit;
mod link;
mod seal;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Script, cmd};
use serde::Serialize;
use tokio::sync::Semaphore;

use self::circuit::Circuit;
use self::link::Link;
use self::seal::Sealer;

pub use self::at::RedisAt;
pub use self::seal::{SealKey, Sealed};

/// How long a value stays that nobody changes; only for the sake of Redis's memory.
const LIFE: Duration = Duration::from_secs(3600);

/// The same of the word that nobody stored something.
const ABSENT_LIFE: Duration = Duration::from_secs(30);

/// While it is not asked, it is tried so often.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// And while it answers, every so many times.
const LOOK_EVERY: u64 = 10;

/// So many values are on their way to Redis at most; further ones are not sent.
const SENDING: usize = 256;

/// Sets a value unless one is there that is as new: both begin with format and number.
const SET_IF_NEWER: &str = "
local there = redis.call('GETRANGE', KEYS[1], 0, 19)
if #there == 20 and there >= string.sub(ARGV[1], 1, 20) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// What became of looking into Redis, since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct SharedStats {
    /// Found, and new enough.
    pub hits: u64,
    /// Not there, or not to be read.
    pub misses: u64,
    /// There, and too old, or newer than the feed.
    pub refused: u64,
    /// Redis did not answer in time, or broke the connection.
    pub failures: u64,
    /// Not asked, because it had not answered before.
    pub skipped: u64,
    /// Whether it is not asked now.
    pub open: bool,
}

/// How old something is that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remembered {
    /// The number of the last change of the feed that the reading of it saw.
    pub as_of: i64,
    /// Whether it is there; else nobody stored it.
    pub present: bool,
}

/// The Redis that sidecars share.
pub struct Shared {
    link: Link,
    sealer: Sealer,
    circuit: Circuit,
    patience: Duration,
    set_if_newer: Script,
    sending: Arc<Semaphore>,
    /// Before every name: the format, and which database it is about.
    prefix: String,
    hits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
    failures: AtomicU64,
    skipped: AtomicU64,
}

impl Shared {
    /// Takes up the connection when it is first needed: a Redis that is away is no reason not to start.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(at: &RedisAt, key: &SealKey, instance: &str, patience: Duration) -> redis::RedisResult<Self> {
        Ok(Self {
            link: Link::new(at)?,
            sealer: Sealer::new(key),
            circuit: Circuit::default(),
            patience,
            set_if_newer: Script::new(SET_IF_NEWER),
            sending: Arc::new(Semaphore::new(SENDING)),
            prefix: format!("sidegate:{}:{instance}", seal::FORMAT),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        })
    }

    /// What is there under a name, if Redis answers in time, and if `is_new_enough` for its number.
    pub(super) async fn get(&self, name: &str, is_new_enough: impl Fn(i64) -> bool) -> Option<Sealed> {
        let key = self.key(name);
        let value: Option<Vec<u8>> = self.ask(async |link| cmd("GET").arg(&key).query_async(link).await).await?;
        let Some(found) = value.and_then(|value| self.sealer.open(&key, value)) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        // Asked once: the answer may be another one a moment later.
        let counts = is_new_enough(found.as_of);
        let counter = if counts { &self.hits } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        counts.then_some(found)
    }

    /// What is there under a name, however old.
    pub(super) async fn look(&self, name: &str) -> Option<Sealed> {
        let key = self.key(name);
        let value: Option<Vec<u8>> = self.ask(async |link| cmd("GET").arg(&key).query_async(link).await).await?;
        self.sealer.open(&key, value?)
    }

    /// Puts a value there for others, as of a change, unless there is a newer one. Nobody waits for it.
    pub(super) fn put(self: &Arc<Self>, name: &str, as_of: i64, content: Option<Vec<u8>>) {
        let Ok(permit) = self.sending.clone().try_acquire_owned() else { return };
        let life = if content.is_some() { LIFE } else { ABSENT_LIFE };
        let (shared, key) = (self.clone(), self.key(name));
        tokio::spawn(async move {
            let _sending = permit;
            let Some(value) = shared.sealer.seal(&key, &Sealed { as_of, content }) else { return };
            let mut setting = shared.set_if_newer.key(&key);
            setting.arg(value).arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
            let _: Option<i64> = shared.ask(async |link| setting.invoke_async(link).await).await;
        });
    }

    /// Tells the other sidecars that there is something new in the feed. Nobody waits for it.
    pub fn tell(self: &Arc<Self>) {
        let shared = self.clone();
        tokio::spawn(async move {
            let channel = shared.channel();
            let _: Option<i64> =
                shared.ask(async |link| cmd("PUBLISH").arg(&channel).arg("").query_async(link).await).await;
        });
    }

    /// Passes on what the other sidecars tell, and looks after a Redis that does not answer, until it is dropped.
    pub async fn listen(&self, told: impl Fn() + Send + Sync + 'static) {
        let channel = self.channel();
        tokio::join!(self.link.listen(&channel, told), self.look_after());
    }

    /// Somebody must look although nobody asks, so that whoever watches hears of it.
    async fn look_after(&self) {
        for turn in 0_u64.. {
            if self.circuit.is_in_doubt() || turn.is_multiple_of(LOOK_EVERY) {
                let _: Option<String> = self.ask_now(async |link| cmd("PING").query_async(link).await).await;
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }

    /// Counters for `/metrics`.
    #[must_use]
    pub fn stats(&self) -> SharedStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SharedStats {
            hits: load(&self.hits),
            misses: load(&self.misses),
            refused: load(&self.refused),
            failures: load(&self.failures),
            skipped: load(&self.skipped),
            open: self.circuit.is_open(),
        }
    }

    /// Asks Redis, if it has answered lately, and gives up soon.
    async fn ask<T>(&self, ask: impl AsyncFnOnce(&mut Link) -> redis::RedisResult<T>) -> Option<T> {
        if self.circuit.is_open() {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.ask_now(ask).await
    }

    async fn ask_now<T>(&self, ask: impl AsyncFnOnce(&mut Link) -> redis::RedisResult<T>) -> Option<T> {
        let mut link = self.link.clone();
        match tokio::time::timeout(self.patience, ask(&mut link)).await {
            Ok(Ok(answer)) => {
                self.answered();
                return Some(answer);
            }
            // A full memory, say: it speaks.
            Ok(Err(error)) if error.code().is_some() => {
                self.answered();
                tracing::debug!(%error, "Redis refuses");
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.failed(&"no answer in time"),
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn answered(&self) {
        if self.circuit.answered() {
            tracing::info!("Redis answers again");
        }
    }

    fn failed(&self, why: &dyn Display) {
        if self.circuit.failed() {
            tracing::warn!(%why, "Redis does not answer; the database is asked instead");
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    fn channel(&self) -> String {
        format!("{}:changes", self.prefix)
    }
}
