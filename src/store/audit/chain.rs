//! What the audit trail's chain is made of: digests of entries, links, and heads.
//!
//! `digest = SHA-256(salt, content)`, `link = SHA-256(link before, number, digest)`, and the head of a tenant's chain is
//! an HMAC over the number of its last entry and the last link. Whoever may write into the database but does
//! not have the key can change nothing without it showing, unless all of it is taken away or set back to another time; an erased
//! entry loses content and salt, and keeps its digest.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::model::{TenantId, hex};

/// The key of the heads. It does not stand in the database.
#[derive(Clone)]
pub struct AuditKey(Arc<Hmac<Sha256>>);

impl AuditKey {
    /// A key of any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        Self(Arc::new(Hmac::new_from_slice(key).expect("a key of any length")))
    }

    /// What vouches for a head.
    pub(super) fn vouch(&self, tenant: &TenantId, last: i64, link: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::clone(&self.0);
        mac.update(b"sidegate audit head 2\0");
        mac.update(tenant.as_str().as_bytes());
        mac.update(b"\0");
        mac.update(&last.to_be_bytes());
        mac.update(link);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

/// The salt of an entry, out of what is random for its transaction and thrown away with it.
pub(super) fn salt(random: &str, seq: i64) -> String {
    hex(&Sha256::new().chain_update(random).chain_update(seq.to_be_bytes()).finalize()[..16])
}

/// A value that is not to be read, as the entry holds it: the JSON of a text.
pub(super) fn masked(salt: &str, value: &str) -> String {
    format!("\"sha256:{}\"", hex(&Sha256::new().chain_update(salt).chain_update(value).finalize()))
}

/// What an entry says: all that its digest is over. Written and checked from here alone, so that both mean the same.
pub(super) struct Content<'c> {
    pub(super) at: &'c str,
    pub(super) source: &'c str,
    pub(super) actor: &'c str,
    pub(super) credential: &'c str,
    pub(super) action: &'c str,
    pub(super) user: Option<&'c str>,
    pub(super) target: &'c str,
    pub(super) before: Option<&'c str>,
    pub(super) after: Option<&'c str>,
    pub(super) request_id: Option<&'c str>,
    pub(super) address: Option<&'c str>,
    pub(super) sensitive: bool,
}

impl Content<'_> {
    /// The digest. Each part is told apart from its neighbours by its length.
    pub(super) fn digest(&self, salt: &str) -> [u8; 32] {
        let mut hash = Sha256::new().chain_update(salt);
        for part in [
            Some(self.at),
            Some(self.source),
            Some(self.actor),
            Some(self.credential),
            Some(self.action),
            self.user,
            Some(self.target),
            self.before,
            self.after,
            self.request_id,
            self.address,
            Some(if self.sensitive { "1" } else { "0" }),
        ] {
            match part {
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text);
                }
                None => hash.update([0]),
            }
        }
        hash.finalize().into()
    }
}

/// The link of an entry.
pub(super) fn link(before: &[u8], seq: i64, digest: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(seq.to_be_bytes()).chain_update(digest).finalize().into()
}
