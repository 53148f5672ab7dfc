//! Entries on their way in: noted while a transaction goes on, and sealed into the chain when it concludes.

use crate::model::{Author, TenantId, UserId};

use super::super::sql::{Tx, either, sql};
use super::super::{Result, stamp};
use super::chain::{self, AuditKey};

/// This many entries go in by one statement: SQLite takes 32,766 arguments.
const AT_ONCE: usize = 1_000;

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
    at: String,
    source: &'static str,
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
        at: stamp(author.at),
        source: author.source.as_str(),
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
pub(in super::super) async fn seal(tx: &mut Tx) -> Result<()> {
    let notes = std::mem::take(&mut tx.trail.notes);
    let Some(tenant) = notes.first().map(|note| note.tenant.clone()) else { return Ok(()) };
    // Entries of before there was a chain keep their numbers, outside of it.
    type Head = (String, i64, Option<i64>, Option<i64>, Option<Vec<u8>>);
    let (random, unchained, first, last, link): Head = either(
        "SELECT random, (SELECT COALESCE(MAX(seq), 0) FROM audit WHERE tenant = $1), first, last, link
         FROM (SELECT HEX(RANDOMBLOB(16)) AS random) AS chance LEFT JOIN audit_heads ON tenant = $1",
        "SELECT random, (SELECT COALESCE(MAX(seq), 0) FROM audit WHERE tenant = $1), first, last, link
         FROM (SELECT gen_random_uuid()::text AS random) AS chance LEFT JOIN audit_heads ON tenant = $1",
    )
    .bind(tenant.as_str())
    .fetch_one(&mut *tx)
    .await?;
    let first = first.unwrap_or(unchained + 1);
    let (mut seq, mut link) = (last.unwrap_or(unchained), link.unwrap_or_default());
    for some in notes.chunks(AT_ONCE) {
        (seq, link) = insert(tx, &tenant, some, &random, seq, link).await?;
    }
    let mac = tx.trail.key.vouch(&tenant, first, seq, &link);
    sql("INSERT INTO audit_heads (tenant, first, last, link, mac) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant) DO UPDATE SET last = excluded.last, link = excluded.link, mac = excluded.mac")
    .bind(tenant.as_str())
    .bind(first)
    .bind(seq)
    .bind(&link[..])
    .bind(&mac[..])
    .execute(tx)
    .await?;
    Ok(())
}

/// Inserts entries after number `seq` and its link; the number and link of the last.
async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    notes: &[Note],
    random: &str,
    mut seq: i64,
    mut link: Vec<u8>,
) -> Result<(i64, Vec<u8>)> {
    const COLUMNS: usize = 17;
    let row = |row: usize| {
        let places: Vec<String> = (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..notes.len()).map(row).collect();
    let mut statement = sql(sqlx::AssertSqlSafe(format!(
        "INSERT INTO audit (tenant, seq, at, source, actor, credential, action, user_id, target, before, after,
                            request_id, address, sensitive, salt, digest, link)
         VALUES {}",
        rows.join(", ")
    )));
    for note in notes {
        seq += 1;
        let salt = chain::salt(random, seq);
        let shown = |value: &Option<String>| match value {
            Some(value) if note.sensitive => Some(chain::masked(&salt, value)),
            value => value.clone(),
        };
        let (before, after) = (shown(&note.before), shown(&note.after));
        let origin = &note.author.origin;
        let digest = chain::digest(
            &salt,
            [
                Some(&*note.at),
                Some(note.source),
                Some(&note.author.actor),
                Some(&origin.credential),
                Some(&note.action),
                note.user.as_deref(),
                Some(&note.target),
                before.as_deref(),
                after.as_deref(),
                origin.request_id.as_deref(),
                origin.address.as_deref(),
                Some(if note.sensitive { "1" } else { "0" }),
            ],
        );
        link = chain::link(&link, seq, &digest).to_vec();
        statement = statement
            .bind(tenant.as_str())
            .bind(seq)
            .bind(&note.at)
            .bind(note.source)
            .bind(&note.author.actor)
            .bind(&origin.credential)
            .bind(&note.action)
            .bind(note.user.as_deref())
            .bind(&note.target)
            .bind(before)
            .bind(after)
            .bind(origin.request_id.as_deref())
            .bind(origin.address.as_deref())
            .bind(i64::from(note.sensitive))
            .bind(salt)
            .bind(digest.to_vec())
            .bind(link.clone());
    }
    statement.execute(tx).await?;
    Ok((seq, link))
}
