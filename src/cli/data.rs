//! The data of a server, as commands open it: running or not.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::model::TenantId;
use crate::service::DataFolder;
use crate::store::Store;

use super::{Usage, config};

/// The data folder of a server.
#[derive(Args)]
pub(super) struct Data {
    /// Data folder of the server [default: ./data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// URL of the server's PostgreSQL database, if it uses one
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "SIDEGATE_CONFIG")]
    config: Option<PathBuf>,
}

impl Data {
    /// The folder and the database of the server.
    pub(super) async fn open(self) -> Result<(DataFolder, Store)> {
        let flags = [("data", self.data), ("database", self.database)];
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let layers = config::layers(flags, self.config)?;
        let (folder, database) = (DataFolder::open(&layers.data())?, layers.database()?);
        folder.check_database(&database)?;
        let store =
            Store::open(&database, folder.audit_key()?).await.with_context(|| format!("cannot open {database}"))?;
        Ok((folder, store))
    }
}

/// Refuses a tenant that the server does not know: a token for a misspelt one would never be good for anything.
pub(super) async fn known(store: &Store, tenant: &TenantId) -> Result<()> {
    let all = store.tenants().await?;
    if all.iter().any(|(id, _)| id == tenant) {
        return Ok(());
    }
    let names: Vec<&str> = all.iter().map(|(id, _)| id.as_str()).collect();
    Err(Usage(format!("there is no tenant {tenant} here; there are: {}", names.join(", "))).into())
}
