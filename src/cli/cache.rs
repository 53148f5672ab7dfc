//! `sidegate cache`: what is remembered of facts, and making everybody forget it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::model::{TenantId, UserId};
use crate::service::{Clock, DataFolder};
use crate::store::Remembered;

use super::local::fetch;
use super::{data, show};

/// Show what is remembered of facts, or make all sidecars forget it.
#[derive(Args)]
pub(super) struct Cache {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show hits and misses of the running server, of memory and of Redis
    Stats(Stats),
    /// Show how old what Redis and the database have of a user is
    Get(Get),
    /// Make all sidecars forget a user, or everybody
    Drop(Drop),
}

#[derive(Args)]
struct Stats {
    #[command(flatten)]
    data: data::Data,
}

#[derive(Args)]
struct Get {
    #[command(flatten)]
    of: data::DataOfTenant,
    /// The user
    user: UserId,
}

#[derive(Args)]
struct Drop {
    #[command(flatten)]
    data: data::Data,
    /// The tenant
    #[arg(long, required_unless_present = "all")]
    tenant: Option<TenantId>,
    /// The user
    #[arg(required_unless_present = "all", requires = "tenant")]
    user: Option<UserId>,
    /// Everybody, of all tenants
    #[arg(long, conflicts_with_all = ["tenant", "user"])]
    all: bool,
}

/// What there is of a user outside of memory.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// In Redis, if one is configured and has it.
    redis: Option<Remembered>,
    /// In the database.
    database: Remembered,
}

impl Cache {
    pub(super) async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Stats(stats) => stats.run().await?,
            Command::Get(get) => get.run().await?,
            Command::Drop(drop) => drop.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Stats {
    async fn run(self) -> Result<()> {
        let (path, _) = self.data.places()?;
        let url = DataFolder::open(&path)?.url().context("no server has run on this data folder")?;
        let metrics = fetch(&url::Url::parse(&url)?.join("/metrics")?).await?;
        let ours = ["sidegate_user_", "sidegate_resource_", "sidegate_cached_", "sidegate_redis_", "sidegate_feed_"];
        for line in metrics.lines().filter(|line| ours.iter().any(|name| line.starts_with(name))) {
            show::line(format_args!("{line}"))?;
        }
        Ok(())
    }
}

impl Get {
    async fn run(self) -> Result<()> {
        let (service, tenant) = self.of.open().await?;
        let (redis, database) = service.remembered(&tenant, &self.user).await?;
        show::line(format_args!("{}", serde_json::to_string_pretty(&Found { redis, database })?))
    }
}

impl Drop {
    async fn run(self) -> Result<()> {
        let (_, store) = self.data.open().await?;
        if let Some(tenant) = &self.tenant {
            data::known(&store, tenant).await?;
        }
        store.forget(self.tenant.as_ref().zip(self.user.as_ref()), Clock::system().now()).await?;
        let whom = self.user.map_or("everybody".to_owned(), |user| user.to_string());
        show::line(format_args!("all sidecars forget {whom} within a second, and read anew"))
    }
}
