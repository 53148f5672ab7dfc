//! Use cases: decide, set traits, issue tokens, authenticate, load policies. One function per thing that a caller
//! can ask for; the rooms above only decode and encode.
//!
//! This room knows no HTTP. It is the one that has a clock and randomness.

mod authenticate;
mod clock;
mod cursors;
mod decide;
mod decision_log;
mod definitions;
mod derivation;
mod dev_tokens;
mod documents;
mod entropy;
mod error;
mod feed;
mod fetch;
mod folder;
mod idempotency;
mod issuers;
mod limits;
mod metrics;
mod networks;
mod on_access;
mod peers;
mod policies;
mod portal;
mod profiling;
mod proxied;
mod readiness;
mod resources;
mod return_to;
mod rules_file;
mod settings;
mod sign_in;
mod staleness;
mod tenancy;
mod tenants;
mod tickets;
mod tokens;
mod traits;
mod transfer;
mod warm;

use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use url::Url;

pub use authenticate::{LastCaller, Of, Secret};
pub use clock::Clock;
pub use decide::{Answer, Wish, Without};
pub use decision_log::LogTarget;
pub use definitions::{Change, Defined, Touched};
pub use derivation::Derivation;
pub use dev_tokens::DevTokens;
pub use documents::check_rules;
pub use error::{Fault, Result, ServiceError, no_room, pointer_of, pointer_to};
pub use folder::{DataFolder, FolderError, MIN_SECRET};
pub use issuers::Unfit;
pub use limits::{Asks, TooMany};
pub use networks::{Networks, networks};
pub use policies::{read_policies, read_policy, read_tests};
pub use portal::{Profile, Session, make_link};
pub use profiling::{Checked, Login};
pub use proxied::{Passage, Proxied, Visitor};
pub use readiness::{Readiness, Status};
pub use resources::ResourceWritten;
pub use rules_file::{RulesFile, check_rules_file};
pub use sign_in::{AppStep, BegunSignIn, CameBack, SignedIn};
pub use tenants::{Policies, Tenant};
pub use tickets::{BadTicket, Completed, OpenTicket, Question};
pub use tokens::{IssuedToken, NewToken, TokenHasher, issue_token, rotate_token};
pub use traits::{Fields, PutTrait, merged};
pub use transfer::{Export, Format, Import, ImportReport, MAX_LINE, OnError, Progress, REFUSALS, Refusal};

pub use crate::engine::Reveal;
pub use crate::lang::{in_words, suggest};
pub use crate::store::{
    AuditVerdict, DocumentKind, Listed as ListedUser, StoreError, StoredField, TenantRow, TokenRow, Trouble,
};

use crate::model::{Object, TenantId, UserRecord};
use crate::store::{FactCache, RedisAt, SealKey, Shared, Sidecar, Store};

use self::authenticate::Credentials;
use self::decision_log::DecisionLog;
use self::fetch::Fetch;
use self::issuers::Issuers;
use self::metrics::Metrics;
use self::on_access::Offers;
use self::resources::Types;
use self::sign_in::Providers;
use self::staleness::Heard;
use self::tenants::Tenants;
use self::tickets::TicketSigner;

/// What a service is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Keys and tokens of this instance.
    pub folder: DataFolder,
    /// The token of the instance's admin.
    pub admin_token: secrecy::SecretString,
    /// Where policies are, one folder per tenant.
    pub policies: PathBuf,
    /// The tenant that answers at the root.
    pub default_tenant: Option<TenantId>,
    /// Whether development tokens are trusted.
    pub dev_tokens: bool,
    /// Where decisions are logged.
    pub decision_log: Option<LogTarget>,
    /// The Redis that sidecars share.
    pub redis: Option<Redis>,
    /// Bytes for users in memory.
    pub cache_bytes: u64,
    /// How long what is in memory counts while the database does not answer.
    pub stale_grace: std::time::Duration,
    /// How many users of the last run are read at the start.
    pub warm_up: usize,
    /// Where issuers may be, besides the internet.
    pub issuer_networks: Networks,
    /// How often within ten seconds one address may show what does not count; zero is no limit.
    pub failures: u32,
}

/// What URLs that go out begin with.
#[derive(Debug, Clone)]
pub struct Urls {
    /// Those of all that apps and users see.
    pub public: Url,
    /// Those of the portal.
    pub admin: Url,
}

fn join(base: Option<&Url>, path: &str) -> String {
    let base = base.map_or("http://localhost", Url::as_str);
    format!("{}{path}", base.trim_end_matches('/'))
}

/// A Redis that sidecars share.
pub struct Redis {
    /// Where it is.
    pub at: RedisAt,
    /// What seals facts there, if not a key of the data folder.
    pub seal_key: Option<SealKey>,
    /// How long a decision waits for it.
    pub patience: std::time::Duration,
}

/// All use cases over one set of parts; shared by every connection.
pub struct Service {
    store: Store,
    folder: DataFolder,
    users: FactCache<UserRecord>,
    tenants: Tenants,
    credentials: Credentials,
    issuers: Issuers,
    resources: FactCache<Object<'static>>,
    /// What all sidecars look into before they ask the database.
    shared: Option<Arc<Shared>>,
    /// How many users of the last run are read at the start.
    warm_up: usize,
    /// The types of which resources are stored: there is no need to look for others.
    resource_types: ArcSwap<Types>,
    metrics: Metrics,
    decision_log: DecisionLog,
    clock: Clock,
    tickets: TicketSigner,
    offers: Offers,
    providers: Providers,
    fetch: Fetch,
    /// What URLs that go out begin with, those of the portal apart; known once it is known where the server listens.
    urls: OnceLock<Urls>,
    /// Held by a reload: an older reading never comes after a newer.
    reloading: tokio::sync::Mutex<()>,
    /// Held over checking and writing definitions, rules and settings.
    changing_documents: tokio::sync::Mutex<()>,
    /// The last change of these by this process, which has put it in force by itself.
    own_documents: AtomicI64,
    /// Told by the feed of definitions, rules and settings.
    documents: tokio::sync::Notify,
    /// Told that the feed may have grown.
    news: tokio::sync::Notify,
    /// Told that it was read.
    caught_up: tokio::sync::Notify,
    /// Told that policies were read.
    reloaded: tokio::sync::Notify,
    /// The other sidecars.
    peers: ArcSwap<Vec<Sidecar>>,
    /// By what others know that they have the same keys.
    keys: String,
    /// The last change of the feed that the caches have seen.
    seen: Arc<AtomicI64>,
    /// When the feed was last read.
    heard: Heard,
}

impl Service {
    /// Puts the parts together and loads what lasts; policies are loaded by [`Service::reload`].
    ///
    /// # Errors
    /// What the database or the folder refuses.
    pub async fn new(parts: Parts) -> Result<Arc<Self>> {
        let clock = Clock::system();
        let seen = Arc::new(AtomicI64::new(parts.store.last_change().await?));
        let mut types = Types::new();
        for (tenant, kind) in parts.store.resource_types().await? {
            types.entry(tenant).or_default().insert(kind);
        }
        let tenants = Tenants::new(parts.policies, parts.default_tenant);
        tenants.add_stored(&parts.store.tenants().await?);
        let dev_tokens = parts.dev_tokens.then(|| parts.folder.dev_tokens()).transpose()?;
        let tickets = parts.folder.ticket_signer()?;
        let credentials =
            Credentials::new(parts.folder.token_hasher()?, &parts.admin_token, dev_tokens, parts.failures);
        let shared = match &parts.redis {
            Some(redis) => {
                let key = redis.seal_key.clone().map_or_else(|| parts.folder.seal_key(), Ok)?;
                let instance = parts.store.instance().await?;
                let shared = Shared::new(&redis.at, &key, &instance, redis.patience);
                Some(Arc::new(shared.map_err(|error| ServiceError::Redis(error.to_string()))?))
            }
            None => None,
        };
        let decision_log = DecisionLog::open(parts.decision_log)?;
        let keys = parts.folder.keys()?;
        Ok(Arc::new(Self {
            store: parts.store,
            folder: parts.folder,
            users: FactCache::new(parts.cache_bytes / 4 * 3, seen.clone(), shared.clone()),
            resources: FactCache::new(parts.cache_bytes / 4, seen.clone(), shared.clone()),
            shared,
            warm_up: parts.warm_up,
            resource_types: ArcSwap::from_pointee(types),
            tenants,
            credentials,
            issuers: Issuers::new(),
            metrics: Metrics::default(),
            decision_log,
            clock,
            tickets,
            offers: on_access::offers(),
            providers: Providers::new(),
            fetch: Fetch::new(parts.issuer_networks),
            urls: OnceLock::new(),
            reloading: tokio::sync::Mutex::default(),
            changing_documents: tokio::sync::Mutex::default(),
            own_documents: AtomicI64::new(0),
            documents: tokio::sync::Notify::new(),
            news: tokio::sync::Notify::new(),
            caught_up: tokio::sync::Notify::new(),
            reloaded: tokio::sync::Notify::new(),
            peers: ArcSwap::default(),
            keys,
            seen,
            heard: Heard::now(parts.stale_grace),
        }))
    }

    /// Says what URLs that go out begin with; the first word counts.
    pub fn set_urls(&self, urls: Urls) {
        let _ = self.urls.set(urls);
    }

    /// The URL of a path of ours.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        join(self.urls.get().map(|urls| &urls.public), path)
    }

    /// The URL of a path of the portal.
    #[must_use]
    pub fn admin_url_of(&self, path: &str) -> String {
        join(self.urls.get().map(|urls| &urls.admin), path)
    }

    /// Whether browsers reach us by https.
    #[must_use]
    pub fn is_reached_by_https(&self) -> bool {
        self.urls.get().is_some_and(|urls| urls.public.scheme() == "https" && urls.admin.scheme() == "https")
    }

    /// Whether it is an origin of ours.
    #[must_use]
    pub fn is_own_origin(&self, origin: &str) -> bool {
        let urls = self.urls.get().into_iter().flat_map(|urls| [&urls.public, &urls.admin]);
        urls.map(|url| url.origin().ascii_serialization()).any(|own| own == origin)
    }

    /// The tenant of that name, if there is one.
    #[must_use]
    pub fn tenant(&self, id: &str) -> Option<Arc<Tenant>> {
        self.tenants.find(id)
    }

    /// The tenant that answers at the root: the one configured, or the only one.
    #[must_use]
    pub fn default_tenant(&self) -> Option<Arc<Tenant>> {
        self.tenants.default()
    }

    /// All tenants, by name.
    #[must_use]
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.all()
    }

    /// The metrics in the text format of OpenMetrics.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.metrics.encode(self)
    }

    /// Ends what runs beside the requests, after the last of them.
    pub async fn close(&self) {
        self.keep_warm();
        self.note_uses().await;
        self.decision_log.close();
        self.store.close().await;
    }
}
