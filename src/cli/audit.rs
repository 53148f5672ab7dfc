//! `sidegate audit`: whether the audit trail of a tenant is as it was written.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::model::TenantId;
use crate::store::{AuditFault, AuditHead, AuditVerdict};

use super::{data, show};

/// Check the audit trail, or take down its head.
#[derive(Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check that no entry was changed, removed or put in; exit status 1 if one was
    Verify(Verify),
    /// Print the head of the chain, to be kept where nobody of this machine can change it
    Head(Head),
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    data: data::Data,
    /// The tenant
    #[arg(long)]
    tenant: TenantId,
    /// File with a head that was kept: the trail must still go through it
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Head {
    #[command(flatten)]
    data: data::Data,
    /// The tenant
    #[arg(long)]
    tenant: TenantId,
}

impl Audit {
    pub(super) async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Verify(verify) => verify.run().await,
            Command::Head(head) => head.run().await,
        }
    }
}

impl Verify {
    async fn run(self) -> Result<ExitCode> {
        let kept = match &self.head {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
                let head: AuditHead = serde_json::from_str(&text)
                    .with_context(|| format!("{} is not what `sidegate audit head` prints", path.display()))?;
                Some(head)
            }
            None => None,
        };
        let (_, store) = self.data.open().await?;
        data::known(&store, &self.tenant).await?;
        let verdict = store.verify_audit(&self.tenant, kept.as_ref()).await?;
        if self.json {
            show::line(format_args!("{}", serde_json::to_string_pretty(&verdict)?))?;
        } else {
            tell(&self.tenant, &verdict)?;
        }
        Ok(if verdict.valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Head {
    async fn run(self) -> Result<ExitCode> {
        let (_, store) = self.data.open().await?;
        data::known(&store, &self.tenant).await?;
        let head = store.audit_head(&self.tenant).await?;
        let head = head.with_context(|| format!("the audit trail of {} has no entries yet", self.tenant))?;
        show::line(format_args!("{}", serde_json::to_string(&head)?))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(tenant: &TenantId, verdict: &AuditVerdict) -> Result<()> {
    let AuditVerdict { entries, faults, .. } = verdict;
    for fault in faults {
        show::line(format_args!("{}", in_words(fault)))?;
    }
    let outcome = if verdict.valid { "all as they were written" } else { "NOT as they were written" };
    show::line(format_args!("{tenant}: {entries} entries: {outcome}"))?;
    Ok(())
}

fn in_words(fault: &AuditFault) -> String {
    match fault {
        AuditFault::Changed { entry } => format!("entry {entry} was changed"),
        AuditFault::Emptied { entry } => {
            format!("entry {entry} was emptied, and no erasure of its user vouches for what stays of it")
        }
        AuditFault::Removed { from, to } if from == to => format!("entry {from} is gone"),
        AuditFault::Removed { from, to } => format!("entries {from} to {to} are gone"),
        AuditFault::OutOfChain { entry } => {
            format!("entry {entry} does not follow from the one before: it, or that one, was put in or exchanged")
        }
        AuditFault::Added { entry } => format!("entry {entry} was put in before the first or behind the last"),
        AuditFault::HeadForged => "the head was not written with the key of this server".to_owned(),
        AuditFault::Unvouched { entry } => {
            format!("before entry {entry}, somebody changed the trail, or audit.key was replaced")
        }
        AuditFault::HeadMissing => "the head of the chain is gone".to_owned(),
        AuditFault::NotTheKeptChain => "the trail does not go through the head that was kept".to_owned(),
    }
}
