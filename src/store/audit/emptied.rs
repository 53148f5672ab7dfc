//! Entries of users who were erased: what they held is gone, and with it what their digests were made of. The entry of the
//! erasure vouches for what stays of them.

use sha2::{Digest, Sha256};

use crate::model::{TenantId, UserId, hex};

use super::super::Result;
use super::super::sql::{Tx, sql};

/// The action of an erasure.
pub(in super::super) const ERASED: &str = "user.erase";

/// What stays of a user's entries, in their order.
#[derive(Clone, Default)]
pub(super) struct Emptied {
    hash: Sha256,
    entries: u64,
}

impl Emptied {
    /// The next entry: its number, its time, source, actor, credential and action, and whether it is sensitive. Each part is told apart from its neighbours by its length.
    pub(super) fn add(&mut self, seq: i64, parts: [&str; 5], sensitive: i64) {
        self.hash.update(seq.to_be_bytes());
        for part in parts {
            self.hash.update((part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
        self.hash.update(sensitive.to_be_bytes());
        self.entries += 1;
    }

    /// As the entry of the erasure holds it: JSON.
    pub(super) fn to_json(&self) -> String {
        format!("{{\"entries\":{},\"sha256\":\"{}\"}}", self.entries, hex(&self.hash.clone().finalize()))
    }
}

/// Takes out of a user's entries what they held; what the entry of the erasure says of the others.
pub(in super::super) async fn empty(tx: &mut Tx, tenant: &TenantId, user: &UserId) -> Result<String> {
    type Remains = (i64, String, String, String, String, String, i64);
    let entries: Vec<Remains> = sql("SELECT seq, at, source, actor, credential, action, sensitive FROM audit
         WHERE tenant = $1 AND user_id = $2 ORDER BY seq")
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(&mut *tx)
    .await?;
    let mut emptied = Emptied::default();
    for (seq, at, source, actor, credential, action, sensitive) in &entries {
        emptied.add(*seq, [at, source, actor, credential, action], *sensitive);
    }
    // The target of an identity or a consent is somebody's account elsewhere, or what they agreed to. Without its salt,
    // nobody can try out what an entry's digest was made of.
    sql("UPDATE audit SET before = NULL, after = NULL, target = '', request_id = NULL, address = NULL, salt = NULL
         WHERE tenant = $1 AND user_id = $2")
    .bind(tenant.as_str())
    .bind(user.as_str())
    .execute(tx)
    .await?;
    Ok(emptied.to_json())
}
