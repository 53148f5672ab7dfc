//! `sidegate token` and `sidegate service-token`: they write into the data folder of a server, running or not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use crate::app;
use crate::model::{Scope, TenantId, TenantScope, UserId};
use crate::service::{Clock, NewToken, ServiceError, TokenRow, issue_token, make_link, rotate_token};

use super::{Usage, data, show};

/// Make a development access token for a user. The server trusts it only while it trusts development tokens.
#[derive(Args)]
pub(super) struct Token {
    #[command(flatten)]
    data: data::Data,
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
        data::known(&store, &self.tenant).await?;
        let token = folder.dev_tokens()?.mint(&self.tenant, &self.user, Clock::system().now(), self.lifetime);
        show::line(format_args!("{}", token.context("the token could not be signed")?))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Make a one-time link into the portal; whoever opens it is an admin of the tenant.
#[derive(Args)]
pub(super) struct PortalLink {
    #[command(flatten)]
    data: data::Data,
    /// The tenant
    #[arg(long)]
    tenant: TenantId,
}

impl PortalLink {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (folder, store) = self.data.open().await?;
        data::known(&store, &self.tenant).await?;
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
    data: data::Data,
    /// The tenant that it is for
    #[arg(long, required_unless_present_any = ["instance", "list", "rotate", "revoke"])]
    tenant: Option<TenantId>,
    /// For all tenants instead of one
    #[arg(long, conflicts_with = "tenant")]
    instance: bool,
    /// What it may do; more than one with commas: decide, profiling,
    /// traits:read, traits:write, rules:write, audit:read, admin
    #[arg(long, value_delimiter = ',', required_unless_present_any = ["list", "rotate", "revoke"])]
    scope: Vec<Scope>,
    /// What it is for, in words
    #[arg(long, default_value = "")]
    name: String,
    /// For the holder of the client certificate in this file (PEM), who then needs no token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "rotate", "revoke"])]
    certificate: Option<PathBuf>,
    /// How long it is good for, such as 90d; without it, until it is revoked
    #[arg(long, value_parser = lifetime)]
    lifetime: Option<SignedDuration>,
    /// List the tokens there are instead (never the tokens themselves)
    #[arg(long, conflicts_with_all = ["scope", "lifetime", "rotate", "revoke"])]
    list: bool,
    /// Make one like the token of this id instead, which ends after the overlap
    #[arg(long, value_name = "ID", conflicts_with_all = ["scope", "lifetime", "revoke"])]
    rotate: Option<String>,
    /// How long the token counts on that is rotated
    #[arg(long, default_value = "1h", value_parser = lifetime, requires = "rotate")]
    overlap: SignedDuration,
    /// Revoke the token of this id instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["scope", "lifetime"])]
    revoke: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl ServiceToken {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let author = data::author();
        let (folder, store) = self.data.open().await?;
        let of = self.tenant.as_ref();
        if let Some(tenant) = of {
            data::known(&store, tenant).await?;
        }
        if let Some(id) = &self.revoke {
            if !store.revoke_token(of, id, &author).await? {
                return Err(no_such_token());
            }
            eprintln!("revoked {id}");
            return Ok(ExitCode::SUCCESS);
        }
        if self.list {
            list(&store.list_tokens(of, "", i64::MAX).await?, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let hasher = folder.token_hasher()?;
        let issued = match &self.rotate {
            Some(id) => match rotate_token(&store, &hasher, of, id, self.overlap, &author).await {
                Err(ServiceError::NotFound(_)) => return Err(no_such_token()),
                issued => {
                    let issued = issued?;
                    // The new one is shown whether or not the end of the old one can be read.
                    let old = store.token(of, id).await.ok().flatten();
                    let until = old.and_then(|old| old.credential.expires_at);
                    until.into_iter().for_each(|until| eprintln!("{id} counts until {until:.0}"));
                    issued
                }
            },
            None => {
                let tenant = self.tenant.map_or(TenantScope::Instance, TenantScope::One);
                let expires_at = self.lifetime.map(|lifetime| author.at.checked_add(lifetime)).transpose()?;
                let scopes = self.scope.into_iter().collect();
                let certificate = self.certificate.as_deref().map(app::fingerprint_of).transpose();
                let certificate = certificate.map_err(|error| Usage(error.to_string()))?;
                let new = NewToken { tenant, scopes, name: self.name, expires_at, certificate };
                issue_token(&store, &hasher, new, &author).await?
            }
        };
        if self.json {
            let (credential, name) = (&issued.row.credential, &issued.row.name);
            show::line(format_args!(
                "{}",
                json!({
                    "token": issued.token, "id": credential.id, "name": name,
                    "scopes": credential.scopes.to_string(), "expiresAt": credential.expires_at,
                })
            ))?;
        } else {
            show::line(format_args!("{}", issued.token.as_ref().unwrap_or(&issued.row.credential.id)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn no_such_token() -> anyhow::Error {
    Usage("there is no token of this id that still counts; --list shows the ids".to_owned()).into()
}

fn list(tokens: &[TokenRow], as_json: bool) -> Result<()> {
    let tenant = |token: &TokenRow| token.credential.tenant.one().map(TenantId::to_string);
    if as_json {
        let rows = tokens.iter().map(|token| {
            let TokenRow { credential, name, created_at, revoked_at, last_used_at } = token;
            json!({
                "id": credential.id, "tenant": tenant(token), "name": name, "scopes": credential.scopes.to_string(),
                "createdAt": created_at, "expiresAt": credential.expires_at, "revokedAt": revoked_at,
                "lastUsedAt": last_used_at,
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
        let used = token.last_used_at.map(|at| format!("used {at:.0}")).unwrap_or_default();
        let (tenant, scopes) = (tenant(token).unwrap_or_else(|| "(instance)".to_owned()), token.credential.scopes);
        let (id, name) = (&token.credential.id, &token.name);
        let row = format!("{id:<36}  {tenant:<16}  {scopes:<24}  {name:<16}  {state:<28}  {used}");
        show::line(format_args!("{}", row.trim_end()))?;
    }
    Ok(())
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
