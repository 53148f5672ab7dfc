//! Keys of requests that clients may send again, with the answers that they get then.
//!
//! A key is taken in the transaction of the change that the request makes, and its answer is noted afterwards: whatever
//! happens in between, the change is not made twice.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Author, Earlier, IdempotencyKey, TenantId};

use super::sql::{Tx, sql};
use super::{Result, Store, StoreError, stamp};

/// How long a key counts.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// What became of an earlier request with this key, of the same caller in the same tenant.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn earlier(&self, tenant: &TenantId, author: &Author, key: &IdempotencyKey) -> Result<Option<Earlier>> {
        let row: Option<(Vec<u8>, Option<String>)> = sql("SELECT fingerprint, answer FROM idempotency_keys
             WHERE tenant = $1 AND actor = $2 AND key = $3 AND at > $4")
        .bind(tenant.as_str())
        .bind(&author.actor)
        .bind(&key.key)
        .bind(forgotten(author.at))
        .fetch_optional(&self.reader)
        .await?;
        let earlier = |(fingerprint, answer): (Vec<u8>, Option<String>)| {
            let row = || format!("{tenant}/{}/{}", author.actor, key.key);
            let fingerprint = fingerprint
                .try_into()
                .map_err(|_| StoreError::corrupt("idempotency_keys", "fingerprint", row(), "it is not 32 bytes"))?;
            Ok(Earlier { fingerprint, answer })
        };
        row.map(earlier).transpose()
    }

    /// Notes the answer to a request with a key, whether or not the request changed anything.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_answer(
        &self,
        tenant: &TenantId,
        author: &Author,
        key: &IdempotencyKey,
        answer: &str,
    ) -> Result<()> {
        let noted = sql("UPDATE idempotency_keys SET answer = $4 WHERE tenant = $1 AND actor = $2 AND key = $3")
            .bind(tenant.as_str())
            .bind(&author.actor)
            .bind(&key.key)
            .bind(answer)
            .execute(&self.writer)
            .await?;
        if noted == 1 {
            return Ok(());
        }
        // It changed nothing, or its user was erased in the meantime: then nothing of them stays.
        sql("INSERT INTO idempotency_keys (tenant, actor, key, fingerprint, user_id, at, answer)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE EXISTS (SELECT 1 FROM tenants WHERE id = $1)
                 AND ($5 = '' OR EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND user_id = $5))
             ON CONFLICT DO NOTHING")
        .bind(tenant.as_str())
        .bind(&author.actor)
        .bind(&key.key)
        .bind(&key.fingerprint[..])
        .bind(key.user.as_deref().unwrap_or_default())
        .bind(stamp(author.at))
        .bind(answer)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

/// Takes the key of the author's request, if it has one, or refuses because it is taken.
pub(super) async fn take(tx: &mut Tx, tenant: &TenantId, author: &Author) -> Result<()> {
    let Some(IdempotencyKey { key, fingerprint, user }) = &author.origin.idempotency else { return Ok(()) };
    sql("DELETE FROM idempotency_keys WHERE tenant = $1 AND at <= $2")
        .bind(tenant.as_str())
        .bind(forgotten(author.at))
        .execute(&mut *tx)
        .await?;
    let taken = sql("INSERT INTO idempotency_keys (tenant, actor, key, fingerprint, user_id, at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
    .bind(tenant.as_str())
    .bind(&author.actor)
    .bind(key)
    .bind(&fingerprint[..])
    .bind(user.as_deref().unwrap_or_default())
    .bind(stamp(author.at))
    .execute(tx)
    .await?;
    if taken == 1 { Ok(()) } else { Err(StoreError::KeyTaken) }
}

/// Keys from then on back count no more.
fn forgotten(now: Timestamp) -> String {
    stamp(now.saturating_sub(LIFE).unwrap_or(Timestamp::MIN))
}
