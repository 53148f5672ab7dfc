//! Users who were in memory when the last run ended, read again at the start of the next: the ones that decisions ask about
//! most, since the others had to make room for them.

use super::Service;

impl Service {
    /// Reads them, one after the other: whoever decides meanwhile comes first.
    pub(super) async fn warm_up(&self) {
        if self.warm_up == 0 {
            return;
        }
        let Ok(text) = self.folder.warm_users() else { return };
        let mut warm = 0;
        for line in text.lines().take(self.warm_up) {
            let Ok((tenant, user)) = serde_json::from_str::<(String, String)>(line) else { continue };
            let Some(tenant) = self.tenant(&tenant) else { continue };
            match self.user(&tenant, &user).await {
                Ok(found) => warm += usize::from(found.is_some()),
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
        let names = self.users.names().into_iter().take(self.warm_up);
        let lines: Vec<String> = names.map(|name| serde_json::to_string(&name).unwrap_or_default()).collect();
        if let Err(error) = self.folder.note_warm_users(&lines.join("\n")) {
            tracing::warn!(%error, "the next start will be cold");
        }
    }
}
