//! Users: all facts of one in one query, and of many by ranges.

use std::collections::HashMap;

use sqlx::sqlite::SqlitePool;

use crate::model::{Bag, Logins, Object, Source, TenantId, UserId, UserRecord, Value};

use super::search::Listed;
use super::sql::{On, Statement, Tx, sql};
use super::{Result, Store, fields, logins};

/// A user as of a change: `None` for one that nobody stored.
pub type AsOf = (i64, Option<UserRecord>);

impl Store {
    /// Reads a user and the number of the last change that the reading saw, in one snapshot.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn load_user(&self, tenant: &TenantId, user: &UserId) -> Result<AsOf> {
        load(&self.reader, tenant, user).await
    }

    /// Whole users after `after` in the order of their ids, at most `limit`, read by ranges.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn records_after(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<(String, UserRecord)>> {
        let listed = self.list_users(tenant, "", after, limit).await?;
        let Some(last) = listed.last().map(|user| user.id.clone()) else { return Ok(Vec::new()) };
        let mut fields: HashMap<String, Vec<FieldRow>> = HashMap::new();
        let rows: Vec<(String, String, String, String, String)> = in_range(
            "SELECT user_id, slug, bag, value, source FROM fields
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, slug",
            tenant,
            after,
            &last,
        )
        .fetch_all(&self.reader)
        .await?;
        for (user, slug, bag, value, source) in rows {
            fields.entry(user).or_default().push((slug, bag, value, source));
        }
        let rows: Vec<(String, i64, String, String)> = in_range(
            "SELECT user_id, COUNT(*), MIN(at), MAX(at) FROM logins
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 GROUP BY user_id",
            tenant,
            after,
            &last,
        )
        .fetch_all(&self.reader)
        .await?;
        let mut logins: HashMap<String, (i64, String, String)> =
            rows.into_iter().map(|(user, count, first, last)| (user, (count, first, last))).collect();
        let rows: Vec<(String, String)> = in_range(
            "SELECT user_id, purpose FROM consents
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 AND withdrawn_at IS NULL ORDER BY user_id, purpose",
            tenant,
            after,
            &last,
        )
        .fetch_all(&self.reader)
        .await?;
        let mut consents: HashMap<String, Vec<String>> = HashMap::new();
        for (user, purpose) in rows {
            consents.entry(user).or_default().push(purpose);
        }
        let record = |user: Listed| -> Result<(String, UserRecord)> {
            let (own, login, given) = (fields.remove(&user.id), logins.remove(&user.id), consents.remove(&user.id));
            let record = assemble(tenant, &user.id, own.unwrap_or_default(), login, given.unwrap_or_default())?;
            Ok((user.id, record))
        };
        listed.into_iter().map(record).collect()
    }
}

/// A statement about the users of a tenant, its `$1`, from after `$2` up to and with `$3`.
pub(super) fn in_range<'q>(text: &'static str, tenant: &'q TenantId, after: &'q str, last: &'q str) -> Statement<'q> {
    sql(text).bind(tenant.as_str()).bind(after).bind(last)
}

/// What names are looked up by.
pub(super) fn folded(text: &str) -> String {
    text.chars().take(64).flat_map(char::to_lowercase).collect()
}

/// Makes the keys anew that a migration made of the names there were, once: SQLite's LOWER knows ASCII only.
pub(super) async fn fold_names(writer: &SqlitePool) -> Result<()> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let (folded_before,): (i64,) = sqlx::query_as("PRAGMA user_version").fetch_one(&mut *tx).await?;
    if folded_before > 0 {
        return Ok(());
    }
    type Row = (String, String, Option<String>, Option<String>);
    let rows: Vec<Row> =
        sqlx::query_as("SELECT tenant, user_id, name, email FROM users WHERE name IS NOT NULL OR email IS NOT NULL")
            .fetch_all(&mut *tx)
            .await?;
    for (tenant, user, name, email) in rows {
        sqlx::query("UPDATE users SET name_key = $3, email_key = $4 WHERE tenant = $1 AND user_id = $2")
            .bind(tenant)
            .bind(user)
            .bind(name.as_deref().map(folded))
            .bind(email.as_deref().map(folded))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("PRAGMA user_version = 1").execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps the name or the e-mail address of a user where lists and searches find it.
pub(super) async fn note_name(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    slug: &str,
    value: Option<&Value<'_>>,
) -> Result<()> {
    let statement = match slug {
        "name" => "UPDATE users SET name = $3, name_key = $4 WHERE tenant = $1 AND user_id = $2",
        "email" => "UPDATE users SET email = $3, email_key = $4 WHERE tenant = $1 AND user_id = $2",
        _ => return Ok(()),
    };
    let text = text_of(value);
    let key = text.as_deref().map(folded);
    let query = sql(statement).bind(tenant.as_str()).bind(user.as_str()).bind(text).bind(key);
    query.execute(tx).await?;
    Ok(())
}

/// What lists show of a value: only a text.
pub(super) fn text_of(value: Option<&Value<'_>>) -> Option<String> {
    match value {
        // A value may hold U+0000, which columns of text do not.
        Some(Value::Str(text)) => Some(text.replace('\0', "\u{fffd}")),
        _ => None,
    }
}

/// A row of `fields`: slug, bag, value, source.
type FieldRow = (String, String, String, String);

/// Reads one user in one query, which is one snapshot on both databases; the number of the last change comes with it.
pub(super) async fn load(on: impl Into<On<'_>>, tenant: &TenantId, user: &UserId) -> Result<AsOf> {
    type Part = (String, i64, String, String, String, String);
    let parts: Vec<Part> = sql("SELECT 'seq', COALESCE(MAX(seq), 0), '', '', '', '' FROM changes
         UNION ALL SELECT 'user', 0, '', '', '', '' FROM users WHERE tenant = $1 AND user_id = $2
         UNION ALL SELECT 'field', 0, slug, bag, value, source FROM fields WHERE tenant = $1 AND user_id = $2
         UNION ALL SELECT 'logins', COUNT(*), MIN(at), MAX(at), '', '' FROM logins
                   WHERE tenant = $1 AND user_id = $2 HAVING COUNT(*) > 0
         UNION ALL SELECT 'consent', 0, purpose, '', '', '' FROM consents
                   WHERE tenant = $1 AND user_id = $2 AND withdrawn_at IS NULL")
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(on)
    .await?;
    let (mut as_of, mut known) = (0, false);
    let (mut fields, mut logins, mut consents) = (Vec::new(), None, Vec::new());
    for (part, number, a, b, c, d) in parts {
        match part.as_str() {
            "seq" => as_of = number,
            "user" => known = true,
            "field" => fields.push((a, b, c, d)),
            "logins" => logins = Some((number, a, b)),
            _ => consents.push(a),
        }
    }
    if !known {
        return Ok((as_of, None));
    }
    fields.sort_unstable();
    consents.sort_unstable();
    Ok((as_of, Some(assemble(tenant, user.as_str(), fields, logins, consents)?)))
}

/// Puts a user together from rows.
fn assemble(
    tenant: &TenantId,
    user: &str,
    fields: Vec<FieldRow>,
    logins: Option<(i64, String, String)>,
    consents: Vec<String>,
) -> Result<UserRecord> {
    let row = || format!("{tenant}/{user}");
    let (mut profile, mut traits) = (vec![("id".to_owned(), Value::Str(user.to_owned().into()))], Vec::new());
    let mut self_asserted = Vec::new();
    for (slug, bag, value, source) in fields {
        let value = fields::read_value(tenant, user, &slug, &value)?;
        let bag = fields::read_bag(tenant, user, &slug, &bag)?;
        let checked = fields::read_slug(tenant, user, &slug)?;
        if fields::read_source(tenant, user, &slug, &source)? == Source::User {
            self_asserted.push((bag, checked));
        }
        match bag {
            Bag::Profile => profile.push((slug, value)),
            Bag::Traits => traits.push((slug, value)),
        }
    }
    profile.push(("traits".to_owned(), Value::Object(traits.into_iter().collect())));
    let given = consents.into_iter().map(|purpose| (purpose, Value::Bool(true)));
    profile.push(("consents".to_owned(), Value::Object(given.collect())));
    let login = match logins {
        Some((count, first, last)) => login_facts(&logins::read(count, &first, &last, row)?),
        None => Object::new(),
    };
    Ok(UserRecord::pack(&profile.into_iter().collect(), &login, &self_asserted))
}

fn login_facts(logins: &Logins) -> Object<'static> {
    let count = i64::try_from(logins.count).unwrap_or(i64::MAX);
    let facts = [
        ("count", Value::Int(count)),
        ("first_at", Value::Time(logins.first_at)),
        ("last_at", Value::Time(logins.last_at)),
    ];
    facts.into_iter().collect()
}
