//! Entries on their way in: noted while a transaction goes on, and sealed into the chain when it concludes.

use subtle::ConstantTimeEq;

use crate::model::{Author, Origin, Source, TenantId, UserId};

use super::super::rows::{self, Into};
use super::super::sql::{Argument, Tx, either, sql};
use super::super::{Result, stamp};
use super::UNVOUCHED;
use super::chain::{self, AuditKey, Content};

const INTO: Into<'_> = Into {
    table: "audit",
    columns: "tenant, seq, at, source, actor, credential, action, user_id, target, before, after, request_id, address,
              sensitive, salt, digest, link",
    then: "",
};

/// An entry on its way in; who and when come from the author.
#[derive(Default)]
pub(in super::super) struct Entry<'a> {
    pub(in super::super) user: Option<&'a UserId>,
    pub(in super::super) action: &'a str,
    pub(in super::super) target: &'a str,
    /// JSON
    pub(in super::super) before: Option<String>,
    /// JSON
    pub(in super::super) after: Option<String>,
    /// Whether only digests of the values may be kept.
    pub(in super::super) sensitive: bool,
}

/// What a transaction has noted so far.
pub(in super::super) struct Trail {
    key: AuditKey,
    notes: Vec<Note>,
}

struct Note {
    tenant: TenantId,
    author: Author,
    user: Option<String>,
    action: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
    sensitive: bool,
}

impl Trail {
    pub(in super::super) fn new(key: AuditKey) -> Self {
        Self { key, notes: Vec::new() }
    }
}

/// Notes an entry for the tenant's trail; a transaction writes into the trail of one tenant.
pub(in super::super) fn note(tx: &mut Tx, tenant: &TenantId, author: &Author, entry: Entry<'_>) {
    tx.trail.notes.push(Note {
        tenant: tenant.clone(),
        author: author.clone(),
        user: entry.user.map(|user| user.as_str().to_owned()),
        action: entry.action.to_owned(),
        target: entry.target.to_owned(),
        before: entry.before,
        after: entry.after,
        sensitive: entry.sensitive,
    });
}

/// Puts what was noted into the chain. The transaction holds the tenant's lock, so numbers have no gaps.
///
/// What is sealed is vouched for, and so is all before it. Where the head is not as this program left it, an entry says so,
/// and nobody gets rid of that without leaving another head that is not. (But for a head that was good at another time, or
/// none and nothing else: only one that was kept elsewhere shows these.)
pub(in super::super) async fn seal(tx: &mut Tx) -> Result<()> {
    let mut notes = std::mem::take(&mut tx.trail.notes);
    let Some(tenant) = notes.first().map(|note| note.tenant.clone()) else { return Ok(()) };
    type Head = (String, i64, i64, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>);
    let (random, first, entries, last, link, mac): Head = either(
        "SELECT random, (SELECT COALESCE(MIN(seq), 1) FROM audit WHERE tenant = $1),
                (SELECT COALESCE(MAX(seq), 0) FROM audit WHERE tenant = $1), last, link, mac
         FROM (SELECT HEX(RANDOMBLOB(16)) AS random) AS chance LEFT JOIN audit_heads ON tenant = $1",
        "SELECT random, (SELECT COALESCE(MIN(seq), 1) FROM audit WHERE tenant = $1),
                (SELECT COALESCE(MAX(seq), 0) FROM audit WHERE tenant = $1), last, link, mac
         FROM (SELECT gen_random_uuid()::text AS random) AS chance LEFT JOIN audit_heads ON tenant = $1",
    )
    .bind(tenant.as_str())
    .fetch_one(&mut *tx)
    .await?;
    let vouched = match (last, &link, mac) {
        (None, None, None) => entries == 0 && first == 1,
        (Some(last), Some(link), Some(mac)) => {
            entries == last && bool::from(tx.trail.key.vouch(&tenant, last, link).ct_eq(&mac))
        }
        _ => false,
    };
    let (last, mut link) = (last.unwrap_or(0), link.unwrap_or_default());
    if !vouched {
        tracing::error!(%tenant, entries, head = last, "the audit trail is not as it was left, or audit.key is another");
        let note = notes.first().map(|note| note.unvouched(entries, last));
        notes.splice(..0, note);
    }
    let mut seq = last.max(entries);
    let mut rows = Vec::with_capacity(notes.len());
    for note in &notes {
        seq += 1;
        let row;
        (row, link) = note.row(&random, seq, &link);
        rows.push(row);
    }
    rows::insert(tx, &INTO, rows).await?;
    let mac = tx.trail.key.vouch(&tenant, seq, &link);
    sql("INSERT INTO audit_heads (tenant, last, link, mac) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant) DO UPDATE SET last = excluded.last, link = excluded.link, mac = excluded.mac")
    .bind(tenant.as_str())
    .bind(seq)
    .bind(&link[..])
    .bind(&mac[..])
    .execute(tx)
    .await?;
    Ok(())
}

impl Note {
    /// The entry before this one, which says that the head was not as this program left it.
    fn unvouched(&self, entries: i64, head: i64) -> Self {
        Self {
            tenant: self.tenant.clone(),
            // Whoever happens to write next has nothing to do with it.
            author: Author {
                source: Source::Admin,
                actor: "sidegate".to_owned(),
                at: self.author.at,
                origin: Origin::default(),
            },
            user: None,
            action: UNVOUCHED.to_owned(),
            target: String::new(),
            before: Some(format!("{{\"entries\":{entries},\"head\":{head}}}")),
            after: None,
            sensitive: false,
        }
    }

    /// The row of an entry, and its link.
    fn row(&self, random: &str, seq: i64, before: &[u8]) -> (Vec<Argument<'_>>, Vec<u8>) {
        let salt = chain::salt(random, seq);
        let shown = |value: &Option<String>| match value {
            Some(value) if self.sensitive => Some(chain::masked(&salt, value)),
            value => value.clone(),
        };
        let (at, value_before, value_after) = (stamp(self.author.at), shown(&self.before), shown(&self.after));
        let Author { source, actor, origin, .. } = &self.author;
        let content = Content {
            at: &at,
            source: source.as_str(),
            actor,
            credential: &origin.credential,
            action: &self.action,
            user: self.user.as_deref(),
            target: &self.target,
            before: value_before.as_deref(),
            after: value_after.as_deref(),
            request_id: origin.request_id.as_deref(),
            address: origin.address.as_deref(),
            sensitive: self.sensitive,
        };
        let digest = content.digest(&salt);
        let link = chain::link(before, seq, &digest).to_vec();
        let row = vec![
            self.tenant.as_str().into(),
            seq.into(),
            at.into(),
            source.as_str().into(),
            actor.into(),
            (&origin.credential).into(),
            (&self.action).into(),
            self.user.as_deref().into(),
            (&self.target).into(),
            value_before.into(),
            value_after.into(),
            origin.request_id.as_deref().into(),
            origin.address.as_deref().into(),
            i64::from(self.sensitive).into(),
            salt.into(),
            digest.to_vec().into(),
            link.clone().into(),
        ];
        (row, link)
    }
}
