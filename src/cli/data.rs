//! The data of a server, running or not.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::app::{self, Config};
use crate::model::{Author, Origin, Source, TenantId};
use crate::service::{Clock, DataFolder, Policies, Service, Tenant};
use crate::store::{DatabaseAt, Store};

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
    /// Opens the folder, and the database.
    pub(super) async fn open(self) -> Result<(DataFolder, Store)> {
        let (path, database) = self.places()?;
        let folder = DataFolder::open(&path)?;
        folder.check_database(&database)?;
        let store =
            Store::open(&database, folder.audit_key()?).await.with_context(|| format!("cannot open {database}"))?;
        Ok((folder, store))
    }

    /// Where folder and database are.
    pub(super) fn places(self) -> Result<(PathBuf, DatabaseAt)> {
        let layers = self.layers(None)?;
        Ok((layers.data(), layers.database()?))
    }

    fn layers(self, policies: Option<String>) -> Result<app::Layers> {
        let flags = [("data", self.data), ("database", self.database), ("policies", policies)];
        config::layers(flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(), self.config)
    }
}

/// A tenant, with the definitions that the server has of it.
#[derive(Args)]
pub(super) struct DataOfTenant {
    #[command(flatten)]
    data: Data,
    /// Folder of the server's policies, which may define traits [default: ./policies]
    #[arg(long, value_name = "FOLDER")]
    policies: Option<String>,
    /// The tenant
    #[arg(long)]
    tenant: TenantId,
}

impl DataOfTenant {
    /// Opens what the server runs, and finds the tenant.
    pub(super) async fn open(self) -> Result<(Arc<Service>, Arc<Tenant>)> {
        let Self { data, policies, tenant } = self;
        let service = app::open(&Config::check(&data.layers(policies)?)?).await?;
        let Some(found) = service.tenant(tenant.as_str()) else {
            return Err(no_such_tenant(&tenant, service.tenants().iter().map(|known| known.id.as_str())));
        };
        // What traits there are stands in the same files.
        if let Policies::None { why, awaited: true } = &found.policies {
            bail!("without its files, nobody knows what the traits of {tenant} are: {why}");
        }
        Ok((service, found))
    }
}

/// Whoever runs commands, as audit entries name them.
pub(super) fn author() -> Author {
    let (actor, at) = ("command line".to_owned(), Clock::system().now());
    Author { source: Source::Admin, actor, at, origin: Origin::default() }
}

/// Refuses a tenant that the server does not know: a token for a misspelt one would never be good for anything.
pub(super) async fn known(store: &Store, tenant: &TenantId) -> Result<()> {
    let all = store.tenants().await?;
    if all.iter().any(|known| known.id == *tenant) {
        return Ok(());
    }
    Err(no_such_tenant(tenant, all.iter().map(|known| known.id.as_str())))
}

fn no_such_tenant<'a>(tenant: &TenantId, known: impl Iterator<Item = &'a str>) -> anyhow::Error {
    let names: Vec<&str> = known.collect();
    Usage(format!("there is no tenant {tenant} here; there are: {}", names.join(", "))).into()
}
