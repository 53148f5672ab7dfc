//! The other sidecars over the same database: policies and keys come from files, and files may differ.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::store::Sidecar;

use super::tenants::Policies;
use super::{Service, entropy};

/// How often sidecars say what they have in force.
const EVERY: Duration = Duration::from_secs(5);

impl Service {
    /// Says what is in force here, and learns what is elsewhere, until it is dropped.
    pub(super) async fn meet_peers(&self) {
        let id = entropy::id(self.clock.now()).to_string();
        loop {
            // They are what was read at the start.
            let own =
                Sidecar { id: id.clone(), url: self.url_of(""), keys: self.keys.clone(), policies: self.in_force() };
            match self.store.meet(&own).await {
                Ok(Some(others)) => self.peers.store(others.into()),
                Ok(None) => return,
                Err(error) => tracing::debug!(%error, "the other sidecars are not heard of"),
            }
            // What has just been put in force is said at once.
            let _ = tokio::time::timeout(EVERY, self.reloaded.notified()).await;
        }
    }

    fn in_force(&self) -> BTreeMap<String, String> {
        let revision = |policies: &Policies| match policies {
            Policies::InForce { program, .. } => program.revision().to_owned(),
            Policies::None { .. } => String::new(),
        };
        self.tenants().iter().map(|tenant| (tenant.id.to_string(), revision(&tenant.policies))).collect()
    }

    /// A sentence if others have other keys, and for each tenant of which they have other policies in force.
    pub(super) fn disagreements(&self) -> Vec<String> {
        let others = self.peers.load();
        let other_keys = others
            .iter()
            .find(|other| !other.keys.is_empty() && other.keys != self.keys && other.url != self.url_of(""));
        let other_keys = other_keys.map(|other| {
            format!("the keys here are not those of the sidecar at {}: give both the same *.key files", other.url)
        });
        let about = |(tenant, own): (String, String)| {
            let differs = |other: &&Sidecar| other.policies.get(&tenant).is_some_and(|theirs| *theirs != own);
            let different: Vec<&Sidecar> = others.iter().filter(differs).collect();
            let first = different.first()?;
            let theirs = first.policies.get(&tenant).map_or("", String::as_str);
            let more = if different.len() > 1 { format!(" and {} more", different.len() - 1) } else { String::new() };
            Some(format!(
                "{tenant}: the policies here ({}) are not those of the sidecar at {} ({}){more}",
                named(&own),
                first.url,
                named(theirs)
            ))
        };
        other_keys.into_iter().chain(self.in_force().into_iter().filter_map(about)).collect()
    }
}

fn named(revision: &str) -> &str {
    if revision.is_empty() { "none" } else { revision }
}
