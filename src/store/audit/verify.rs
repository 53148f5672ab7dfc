//! Whether the audit trail is as it was written.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::model::{TenantId, hex};

use super::super::sql::sql;
use super::super::{Result, Store};
use super::emptied::Emptied;
use super::{ERASED, Row, UNVOUCHED, chain, select};

/// Entries are read in pages of so many.
const PAGE: i64 = 1_000;

/// So many faults are told; a trail with more has no single one that matters.
const FAULTS: usize = 100;

/// The head of a tenant's chain. Kept elsewhere, it shows later that the trail up to it is still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditHead {
    /// The tenant.
    pub tenant: String,
    /// The number of the chain's last entry; the first is 1.
    pub last: i64,
    /// The link of the last entry, in hexadecimal digits.
    pub link: String,
    /// The HMAC-SHA-256 over all of this, in hexadecimal digits.
    pub mac: String,
}

/// What is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum AuditFault {
    /// An entry does not say what it said.
    Changed {
        /// Its number.
        entry: i64,
    },
    /// An entry was emptied, and no erasure of its user afterwards vouches for what stays of it.
    Emptied {
        /// Its number.
        entry: i64,
    },
    /// Entries are gone.
    Removed {
        /// The number of the first.
        from: i64,
        /// The number of the last.
        to: i64,
    },
    /// An entry does not follow from the one before: it, or that one, was put in or exchanged.
    OutOfChain {
        /// Its number.
        entry: i64,
    },
    /// An entry that the head does not know was put in before the first or behind the last.
    Added {
        /// Its number.
        entry: i64,
    },
    /// The head was not written with the key, or is that of another chain.
    HeadForged,
    /// When this entry was written, the head was not as we had left it: somebody changed the trail before it, or the key
    /// was replaced.
    Unvouched {
        /// Its number.
        entry: i64,
    },
    /// There are entries, and no head.
    HeadMissing,
    /// The head that was kept elsewhere is not of this chain.
    NotTheKeptChain,
}

/// What the check of a trail came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdict {
    /// Whether nothing is wrong.
    pub valid: bool,
    /// How many entries were checked.
    pub entries: i64,
    /// The head, if there is one.
    pub head: Option<AuditHead>,
    /// Everything that is wrong, up to a hundred.
    pub faults: Vec<AuditFault>,
}

impl Store {
    /// The head of a tenant's chain, if it has one.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_head(&self, tenant: &TenantId) -> Result<Option<AuditHead>> {
        let row: Option<(i64, Vec<u8>, Vec<u8>)> = sql("SELECT last, link, mac FROM audit_heads WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.reader)
            .await?;
        let head = |(last, link, mac): (i64, Vec<u8>, Vec<u8>)| AuditHead {
            tenant: tenant.to_string(),
            last,
            link: hex(&link),
            mac: hex(&mac),
        };
        Ok(row.map(head))
    }

    /// Checks every entry of a tenant's trail against its digest, its link, and the head; and that the trail goes through
    /// a head that was kept elsewhere. Entries that come in meanwhile are left for the next time.
    ///
    /// # Errors
    /// The database's.
    pub async fn verify_audit(&self, tenant: &TenantId, kept: Option<&AuditHead>) -> Result<AuditVerdict> {
        // Entries go on coming in. Those behind this head are held against the head as it is at the end.
        let head = self.audit_head(tenant).await?;
        let mut check = Check::new(head.as_ref(), kept);
        // From before the first number that there is: somebody may have put others there.
        let mut next = Some(i64::MIN);
        while let Some(from) = next {
            let rows = self.rows_from(tenant, from).await?;
            next = rows.last().and_then(|row| row.seq.checked_add(1));
            rows.iter().for_each(|row| check.entry(row));
        }
        for user in std::mem::take(&mut check.emptied) {
            check.entries_of_erased(&self.rows_of(tenant, &user).await?);
        }
        let latest = self.audit_head(tenant).await?;
        check.end(latest.as_ref(), |head, link| self.audit_key.vouch(tenant, head.last, link));
        Ok(check.verdict())
    }

    async fn rows_from(&self, tenant: &TenantId, from: i64) -> Result<Vec<Row>> {
        select("seq >= $2 ORDER BY seq LIMIT $3")
            .bind(tenant.as_str())
            .bind(from)
            .bind(PAGE)
            .fetch_all(&self.reader)
            .await
    }

    async fn rows_of(&self, tenant: &TenantId, user: &str) -> Result<Vec<Row>> {
        select("user_id = $2 ORDER BY seq").bind(tenant.as_str()).bind(user).fetch_all(&self.reader).await
    }
}

/// A check under way.
struct Check<'h> {
    head: Option<&'h AuditHead>,
    kept: Option<&'h AuditHead>,
    /// Users of whom entries were emptied.
    emptied: BTreeSet<String>,
    /// The number that comes next.
    expected: i64,
    /// The link of the entry before; `None` after a gap, where nothing is known of it.
    before: Option<Vec<u8>>,
    entries: i64,
    /// Links of the entries at which the two heads are.
    link_at_head: Option<Vec<u8>>,
    link_at_kept: Option<Vec<u8>>,
    faults: Vec<AuditFault>,
    /// Entries behind the head.
    behind: Vec<i64>,
}

impl<'h> Check<'h> {
    fn new(head: Option<&'h AuditHead>, kept: Option<&'h AuditHead>) -> Self {
        Self {
            head,
            kept,
            emptied: BTreeSet::new(),
            expected: 1,
            before: Some(Vec::new()),
            entries: 0,
            link_at_head: None,
            link_at_kept: None,
            faults: Vec::new(),
            behind: Vec::new(),
        }
    }

    fn entry(&mut self, row: &Row) {
        if row.seq < 1 {
            self.fault(AuditFault::Added { entry: row.seq });
            return;
        }
        if self.head.is_some_and(|head| row.seq > head.last) {
            self.behind.push(row.seq);
            return;
        }
        self.entries += 1;
        if row.seq > self.expected {
            self.fault(AuditFault::Removed { from: self.expected, to: row.seq - 1 });
            self.before = None;
        }
        let digest = row.digest.as_deref().unwrap_or_default();
        let link = row.link.as_deref().unwrap_or_default();
        match (&row.salt, &row.user_id) {
            (Some(_), _) if row.is_unchanged() => {}
            (None, Some(user)) if row.is_empty() => drop(self.emptied.insert(user.clone())),
            (None, None) if row.is_empty() => self.fault(AuditFault::Emptied { entry: row.seq }),
            _ => self.fault(AuditFault::Changed { entry: row.seq }),
        }
        if row.action == UNVOUCHED {
            self.fault(AuditFault::Unvouched { entry: row.seq });
        }
        if self.before.as_ref().is_some_and(|before| chain::link(before, row.seq, digest) != link) {
            self.fault(AuditFault::OutOfChain { entry: row.seq });
        }
        if self.head.is_some_and(|head| head.last == row.seq) {
            self.link_at_head = Some(link.to_vec());
        }
        if self.kept.is_some_and(|kept| kept.last == row.seq) {
            self.link_at_kept = Some(link.to_vec());
        }
        (self.expected, self.before) = (row.seq + 1, Some(link.to_vec()));
    }

    /// Holds all entries of a user, some of which were emptied, against what the last erasure says of those before it.
    fn entries_of_erased(&mut self, rows: &[Row]) {
        let (mut before, mut emptied) = (Emptied::default(), Vec::new());
        for row in rows {
            if row.is_empty() {
                emptied.push(row.seq);
            } else if row.action == ERASED && row.is_unchanged() && row.after.as_ref() == Some(&before.to_json()) {
                emptied.clear();
            }
            let parts = [&row.at, &row.source, &row.actor, &row.credential, &row.action];
            before.add(row.seq, parts.map(String::as_str), row.sensitive);
        }
        emptied.into_iter().for_each(|entry| self.fault(AuditFault::Emptied { entry }));
    }

    fn end(&mut self, latest: Option<&AuditHead>, vouch: impl Fn(&AuditHead, &[u8]) -> [u8; 32]) {
        match self.head {
            Some(head) => {
                if self.expected <= head.last {
                    self.fault(AuditFault::Removed { from: self.expected, to: head.last });
                }
                // Without its last entry, there is nothing to hold the head against.
                let vouched = self.link_at_head.as_ref().map(|link| hex(&vouch(head, link)));
                if vouched.is_some_and(|mac| !bool::from(mac.as_bytes().ct_eq(head.mac.as_bytes()))) {
                    self.fault(AuditFault::HeadForged);
                }
            }
            None if self.entries > 0 => self.fault(AuditFault::HeadMissing),
            None => {}
        }
        let added: Vec<i64> =
            self.behind.iter().copied().filter(|seq| latest.is_none_or(|head| *seq > head.last)).collect();
        added.into_iter().for_each(|entry| self.fault(AuditFault::Added { entry }));
        if let Some(kept) = self.kept
            && self.link_at_kept.as_deref().map(hex).as_ref() != Some(&kept.link)
        {
            self.fault(AuditFault::NotTheKeptChain);
        }
    }

    fn fault(&mut self, fault: AuditFault) {
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }

    fn verdict(self) -> AuditVerdict {
        let (entries, faults) = (self.entries, self.faults);
        AuditVerdict { valid: faults.is_empty(), entries, head: self.head.cloned(), faults }
    }
}
