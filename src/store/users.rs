//! Users: all facts of one in few queries, and lists of them.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::SqliteConnection;

use crate::model::{Bag, Logins, Object, Slug, TenantId, UserId, UserRecord, Value};

use super::{Result, Store, StoreError, fields, logins, names};

/// A user as of a change: `None` for one that nobody stored.
pub type AsOf = (i64, Option<UserRecord>);

/// A user in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The user's id.
    pub id: String,
    /// The full name, if known.
    pub name: Option<String>,
    /// The e-mail address, if known.
    pub email: Option<String>,
}

impl Store {
    /// Reads a user and the number of the last change that the reading saw, in one snapshot.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn load_user(&self, tenant: &TenantId, user: &UserId) -> Result<AsOf> {
        let mut tx = self.reader.begin().await?;
        load(&mut tx, tenant, user).await
    }

    /// Whole users after `after` in the order of their ids, at most `limit`, read by ranges.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn records_after(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<(String, UserRecord)>> {
        let listed = self.list_users(tenant, "", after, limit).await?;
        let Some(last) = listed.last().map(|user| user.id.clone()) else { return Ok(Vec::new()) };
        let mut fields: HashMap<String, Vec<FieldRow>> = HashMap::new();
        let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
            "SELECT user_id, slug, bag, value, source FROM fields
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, slug",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(&last)
        .fetch_all(&self.reader)
        .await?;
        for (user, slug, bag, value, source) in rows {
            fields.entry(user).or_default().push((slug, bag, value, source));
        }
        let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
            "SELECT user_id, COUNT(*), MIN(at), MAX(at) FROM logins
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 GROUP BY user_id",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(&last)
        .fetch_all(&self.reader)
        .await?;
        let mut logins: HashMap<String, (i64, String, String)> =
            rows.into_iter().map(|(user, count, first, last)| (user, (count, first, last))).collect();
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT user_id, purpose FROM consents
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 AND withdrawn_at IS NULL ORDER BY user_id, purpose",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(&last)
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

    /// Users after `after` in the order of their ids, at most `limit`, of whom id, name or e-mail starts with `prefix`.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_users(&self, tenant: &TenantId, prefix: &str, after: &str, limit: i64) -> Result<Vec<Listed>> {
        // Values are JSON, so a string starts with a quotation mark. SUBSTR, unlike LIKE, takes no wildcards.
        let rows: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT users.user_id, CAST(name.value ->> '$' AS TEXT), CAST(email.value ->> '$' AS TEXT)
             FROM users
             LEFT JOIN fields AS name ON name.tenant = users.tenant AND name.user_id = users.user_id AND name.slug = 'name'
             LEFT JOIN fields AS email
                 ON email.tenant = users.tenant AND email.user_id = users.user_id AND email.slug = 'email'
             WHERE users.tenant = $1 AND users.user_id > $2
               AND ($3 = '' OR SUBSTR(users.user_id, 1, LENGTH($3)) = $3
                    OR LOWER(SUBSTR(name.value ->> '$', 1, LENGTH($3))) = LOWER($3)
                    OR LOWER(SUBSTR(email.value ->> '$', 1, LENGTH($3))) = LOWER($3))
             ORDER BY users.user_id LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(prefix)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id, name, email)| Listed { id, name, email }).collect())
    }
}

/// A row of `fields`: slug, bag, value, source.
type FieldRow = (String, String, String, String);

/// Reads one user in three short queries; the number of the last change comes with the first.
pub(super) async fn load(db: &mut SqliteConnection, tenant: &TenantId, user: &UserId) -> Result<AsOf> {
    let (as_of, known): (i64, Option<String>) = sqlx::query_as(
        "SELECT COALESCE((SELECT MAX(seq) FROM changes), 0),
                (SELECT user_id FROM users WHERE tenant = $1 AND user_id = $2)",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_one(&mut *db)
    .await?;
    if known.is_none() {
        return Ok((as_of, None));
    }
    let fields: Vec<FieldRow> =
        sqlx::query_as("SELECT slug, bag, value, source FROM fields WHERE tenant = $1 AND user_id = $2 ORDER BY slug")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .fetch_all(&mut *db)
            .await?;
    let (count, first, last): (i64, Option<String>, Option<String>) =
        sqlx::query_as("SELECT COUNT(*), MIN(at), MAX(at) FROM logins WHERE tenant = $1 AND user_id = $2")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .fetch_one(&mut *db)
            .await?;
    let purposes: Vec<(String,)> = sqlx::query_as(
        "SELECT purpose FROM consents WHERE tenant = $1 AND user_id = $2 AND withdrawn_at IS NULL ORDER BY purpose",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(&mut *db)
    .await?;
    let logins = first.zip(last).map(|(first, last)| (count, first, last));
    let consents = purposes.into_iter().map(|(purpose,)| purpose).collect();
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
    let (mut profile, mut traits) = (vec![(Cow::Borrowed("id"), Value::Str(user.to_owned().into()))], Vec::new());
    let mut self_asserted = Vec::new();
    for (slug, bag, value, source) in fields {
        let value = fields::read_value(tenant, user, &slug, &value)?;
        let bag = fields::read_bag(tenant, user, &bag)?;
        if source == "user" {
            let slug = Slug::parse(&slug).map_err(|error| StoreError::corrupt("fields", "slug", row(), error))?;
            self_asserted.push((bag, slug));
        }
        let slug = names::shared(slug);
        match bag {
            Bag::Profile => profile.push((slug, value)),
            Bag::Traits => traits.push((slug, value)),
        }
    }
    profile.push((Cow::Borrowed("traits"), Value::Object(traits.into_iter().collect())));
    let given = consents.into_iter().map(|purpose| (purpose, Value::Bool(true)));
    profile.push((Cow::Borrowed("consents"), Value::Object(given.collect())));
    let login = match logins {
        Some((count, first, last)) => login_facts(&logins::read(count, &first, &last, row)?),
        None => Object::new(),
    };
    Ok(UserRecord { facts: profile.into_iter().collect(), login, self_asserted })
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
