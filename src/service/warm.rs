//! Users who were in memory when the last run ended, read again at the start of the next: the ones that decisions ask about
//! most, since the others had to make room for them.

use std::fs;
use std::path::PathBuf;

use crate::model::{TenantId, UserId};
use crate::store::Name;

use super::Service;

/// Where their ids are kept, in the data folder: a JSON array of tenant and user on each line.
const FILE: &str = "warm-users";

impl Service {
    /// Reads them, one after the other: whoever decides meanwhile comes first.
    pub(super) async fn warm_up(&self) {
        if self.warm_up == 0 {
            return;
        }
        let Ok(text) = fs::read_to_string(self.warm_file()) else { return };
        let mut warm = 0;
        for line in text.lines().take(self.warm_up) {
            let Ok((tenant, user)) = serde_json::from_str::<(String, String)>(line) else { continue };
            let (Some(tenant), Ok(id)) = (self.tenant(&tenant), UserId::parse(&user)) else { continue };
            if self.users.get(&tenant.id, Name::user(&user)).is_some() {
                continue;
            }
            let read = || self.store.load_user(&tenant.id, &id);
            match self.users.load(&tenant.id, Name::user(&user), read).await {
                Ok(_) => warm += 1,
                Err(error) => {
                    tracing::warn!(%error, warm, "warming up ends early");
                    return;
                }
            }
        }
        tracing::info!(users = warm, "warmed up");
    }

    /// Keeps the ids of users in memory for the next start, if somebody wants that.
    pub(super) fn keep_warm(&self) {
        if self.warm_up == 0 {
            return;
        }
        let line =
            |(tenant, user): (TenantId, String)| serde_json::to_string(&(tenant, user)).unwrap_or_default() + "\n";
        let text: String = self.users.names().into_iter().take(self.warm_up).map(line).collect();
        let fresh = self.warm_file().with_extension("fresh");
        let kept = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, self.warm_file()));
        if let Err(error) = kept {
            tracing::warn!(%error, "the next start will be cold");
        }
    }

    fn warm_file(&self) -> PathBuf {
        self.data.join(FILE)
    }
}
