//! `sidegate token` and `sidegate service-token`: they write into the data folder of a server, running or not.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use crate::model::{Scope, TenantId, TenantScope, UserId};
use crate::service::{Clock, issue_token, make_link};
use crate::store::{Store, TokenRow};

use super::data::Data;
use super::{Usage, show};

/// Make a development access token for a user. The server trusts it only while it trusts development tokens.
#[derive(Args)]
pub(super) struct Token {
    #[command(flatten)]
    data: Data,
    /// The user's tenant
    #[arg(long)]
    tenant: TenantId,
    /// The user
    #[arg(long)]
    user: UserId,
    /// How long it is good for, such as 15m or 8h
    #[arg(long, default_value = "1h", value_parser = lifetime)]
    lifetime: SignedDuration,
}

impl Token {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (folder, store) = self.data.open().await?;
        known(&store, &self.tenant).await?;
        let token = folder.dev_tokens()?.mint(&self.tenant, &self.user, Clock::system().now(), self.lifetime);
        show::line(format_args!("{}", token.context("the token could not be signed")?))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Make a one-time link into the portal; whoever opens it is an admin of the tenant.
#[derive(Args)]
pub(super) struct PortalLink {
    #[command(flatten)]
    data: Data,
    /// The tenant
    #[arg(long)]
    tenant: TenantId,
}

impl PortalLink {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (folder, store) = self.data.open().await?;
        known(&store, &self.tenant).await?;
        let now = Clock::system().now();
        let link = make_link(&store, &folder.token_hasher()?, &folder.url()?, &self.tenant, now).await?;
        show::line(format_args!("{link}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Make a service token and print it, once; only a hash of it is kept.
#[derive(Args)]
pub(super) struct ServiceToken {
    #[command(flatten)]
    data: Data,
    /// The tenant that it is for
    #[arg(long, required_unless_present_any = ["instance", "list", "revoke"])]
    tenant: Option<TenantId>,
    /// For all tenants instead of one
    #[arg(long, conflicts_with = "tenant")]
    instance: bool,
    /// What it may do; more than one with commas: decide, profiling,
    /// traits:read, traits:write, rules:write, admin
    #[arg(long, value_delimiter = ',', required_unless_present_any = ["list", "revoke"])]
    scope: Vec<Scope>,
    /// How long it is good for, such as 90d; without it, until it is revoked
    #[arg(long, value_parser = lifetime)]
    lifetime: Option<SignedDuration>,
    /// List the tokens there are instead (never the tokens themselves)
    #[arg(long, conflicts_with_all = ["scope", "lifetime", "revoke"])]
    list: bool,
    /// Revoke the token of this id instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["scope", "lifetime"])]
    revoke: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl ServiceToken {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let now = Clock::system().now();
        let (folder, store) = self.data.open().await?;
        if let Some(tenant) = &self.tenant {
            known(&store, tenant).await?;
        }
        if let Some(id) = &self.revoke {
            if !store.revoke_token(self.tenant.as_ref(), id, now).await? {
                let message = "there is no token of this id that still counts; --list shows the ids";
                return Err(Usage(message.to_owned()).into());
            }
            eprintln!("revoked {id}");
            return Ok(ExitCode::SUCCESS);
        }
        if self.list {
            list(&store.list_tokens(self.tenant.as_ref()).await?, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let tenant = self.tenant.map_or(TenantScope::Instance, TenantScope::One);
        let expires_at = self.lifetime.map(|lifetime| now.checked_add(lifetime)).transpose()?;
        let scopes = self.scope.into_iter().collect();
        let issued = issue_token(&store, &folder.token_hasher()?, tenant, scopes, expires_at, now).await?;
        if self.json {
            let credential = &issued.credential;
            show::line(format_args!(
                "{}",
                json!({ "token": issued.token, "id": credential.id, "scopes": credential.scopes.to_string(), "expiresAt": expires_at })
            ))?;
        } else {
            show::line(format_args!("{}", issued.token))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(tokens: &[TokenRow], as_json: bool) -> Result<()> {
    let tenant = |token: &TokenRow| match &token.credential.tenant {
        TenantScope::Instance => None,
        TenantScope::One(tenant) => Some(tenant.to_string()),
    };
    if as_json {
        let rows = tokens.iter().map(|token| {
            let credential = &token.credential;
            json!({
                "id": credential.id, "tenant": tenant(token), "scopes": credential.scopes.to_string(),
                "createdAt": token.created_at, "expiresAt": credential.expires_at, "revokedAt": token.revoked_at,
            })
        });
        show::line(format_args!("{}", serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?))?;
        return Ok(());
    }
    for token in tokens {
        let state = match (token.revoked_at, token.credential.expires_at) {
            (Some(at), _) => format!("revoked {at:.0}"),
            (None, Some(at)) => format!("until {at:.0}"),
            (None, None) => String::new(),
        };
        let tenant = tenant(token).unwrap_or_else(|| "(instance)".to_owned());
        show::line(format_args!("{}  {tenant:<16} {:<24} {state}", token.credential.id, token.credential.scopes))?;
    }
    Ok(())
}

/// Refuses a tenant that the server does not know: a token for a misspelt one would never be good for anything.
async fn known(store: &Store, tenant: &TenantId) -> Result<()> {
    let all = store.tenants().await?;
    if all.iter().any(|(id, _)| id == tenant) {
        return Ok(());
    }
    let names: Vec<&str> = all.iter().map(|(id, _)| id.as_str()).collect();
    Err(Usage(format!("there is no tenant {tenant} here; there are: {}", names.join(", "))).into())
}

/// Ten years.
const LONGEST_DAYS: i64 = 3653;

fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let right = "write a number and a unit, such as 15m, 8h or 90d";
    let duration = match text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok()) {
        // Clamped to what is refused below: hours are multiplied without a check.
        Some(days) => Some(SignedDuration::from_hours(24 * days.clamp(-1, LONGEST_DAYS + 1))),
        None => text.parse().ok(),
    };
    match duration {
        Some(duration)
            if duration > SignedDuration::ZERO && duration <= SignedDuration::from_hours(24 * LONGEST_DAYS) =>
        {
            Ok(duration)
        }
        Some(_) => Err(format!("it must be more than nothing and at most {LONGEST_DAYS} days; {right}")),
        None => Err(right.to_owned()),
    }
}
