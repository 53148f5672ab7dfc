//! What `serve` runs, for commands that work beside a server or without one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::service::{DataFolder, Parts, Redis, Service};
use crate::store::Store;

use super::config::Config;

/// For so long a command waits for Redis.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens the data of a server, running or not, with definitions and settings read as the server reads them.
///
/// # Errors
/// What keeps it from being opened.
pub async fn open(config: &Config) -> Result<Arc<Service>> {
    let folder = DataFolder::open(&config.data)?;
    folder.check_database(&config.database)?;
    let store = Store::open(&config.database, folder.audit_key()?)
        .await
        .with_context(|| format!("cannot open {}", config.database))?;
    let parts = parts(config, &folder, store)?;
    // Nothing is decided, so nothing is logged (a server has that file open), and whoever looks into Redis can wait for it.
    let redis = parts.redis.map(|redis| Redis { patience: PATIENCE, ..redis });
    let parts = Parts { decision_log: None, warm_up: 0, redis, ..parts };
    let service = Service::new(parts).await?;
    service.reload(None).await?;
    Ok(service)
}

/// The parts of a service as they are configured.
pub(super) fn parts(config: &Config, folder: &DataFolder, store: Store) -> Result<Parts> {
    let admin_token = match config.admin_token.given() {
        Some(token) => token,
        None => folder.admin_token()?,
    };
    Ok(Parts {
        store,
        folder: folder.clone(),
        admin_token,
        policies: config.policies.clone(),
        default_tenant: config.default_tenant.clone(),
        dev_tokens: config.dev_tokens,
        decision_log: config.decision_log.clone(),
        redis: config.redis.clone().map(|at| Redis {
            at,
            seal_key: config.redis_seal_key.clone(),
            patience: config.redis_timeout,
        }),
        cache_bytes: config.cache_bytes,
        stale_grace: config.stale_grace,
        warm_up: config.warm_up,
        failures: config.failures,
        issuer_networks: config.issuer_networks.clone(),
    })
}
