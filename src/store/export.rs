//! Whole users, page by page, with where each value came from.

use std::collections::HashMap;

use crate::model::{CountedLogin, FieldValue, PortableField, PortableUser, Provenance, Slug, TenantId, UserId};

use super::fields::{read_field, read_slug};
use super::logins::{read_consent, read_identity, time};
use super::sql::{Tx, sql};
use super::users::in_range;
use super::{Result, Store, StoreError};

/// Users on a page at most.
const USERS: i64 = 250;

/// Fields on a page at most: as many as three users may have, so that at least two are whole.
const FIELDS: i64 = 3000;

impl Store {
    /// The next users after `after` in the order of their ids, some hundred at most, as of one moment; none at the end.
    /// A user whom somebody erases meanwhile is on no later page.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn users_after(&self, tenant: &TenantId, after: &str) -> Result<Vec<PortableUser>> {
        let mut tx = self.begin_read().await?;
        let mut users = known(&mut tx, tenant, after).await?;
        let Some(last) = users.last().map(|user| user.id.to_string()) else { return Ok(users) };
        let fields = "SELECT user_id, slug, bag, value, source, writer, updated_at FROM fields
                      WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, slug LIMIT $4";
        let mut own: Vec<FieldRow> = in_range(fields, tenant, after, &last).bind(FIELDS).fetch_all(&mut tx).await?;
        // Where rows were cut off, the last user is not whole: the page ends before.
        if own.len() as i64 == FIELDS {
            let cut = own.last().map(|row| row.0.clone()).unwrap_or_default();
            own.retain(|row| row.0 != cut);
            users.retain(|user| user.id.as_str() < cut.as_str());
        }
        let Some(last) = users.last().map(|user| user.id.to_string()) else { return Ok(users) };
        let of_these = |text| in_range(text, tenant, after, &last);
        let mut fields = group(own, |row| read_portable(tenant, row))?;
        let identities: Vec<(String, String, String, String, String)> = of_these(
            "SELECT user_id, kind, provider, subject, linked_at FROM identities
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, provider, subject",
        )
        .fetch_all(&mut tx)
        .await?;
        let mut identities = group(identities, |(user, kind, provider, subject, at)| {
            Ok((user, read_identity(tenant, (kind, provider, subject, at))?))
        })?;
        let consents: Vec<(String, String, String, String, Option<String>)> = of_these(
            "SELECT user_id, purpose, version, given_at, withdrawn_at FROM consents
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, purpose",
        )
        .fetch_all(&mut tx)
        .await?;
        let mut consents = group(consents, |(user, purpose, version, given, withdrawn)| {
            let consent = read_consent(tenant, &user, (purpose, version, given, withdrawn))?;
            Ok((user, consent))
        })?;
        let logins: Vec<LoginRow> = of_these(
            "SELECT user_id, login_id, at, client, prompted FROM logins
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, at, login_id",
        )
        .fetch_all(&mut tx)
        .await?;
        let mut logins = group(logins, |row| read_login(tenant, row))?;
        tx.commit().await?;
        for user in &mut users {
            let id = user.id.as_str();
            user.fields = fields.remove(id).unwrap_or_default();
            user.identities = identities.remove(id).unwrap_or_default();
            user.consents = consents.remove(id).unwrap_or_default();
            user.logins = logins.remove(id).unwrap_or_default();
        }
        Ok(users)
    }

    /// Every slug of which some user has a value. One look-up in an index for each, however many users there are.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn slugs(&self, tenant: &TenantId) -> Result<Vec<Slug>> {
        let (mut slugs, mut after) = (Vec::new(), String::new());
        loop {
            let (next,): (Option<String>,) = sql("SELECT MIN(slug) FROM fields WHERE tenant = $1 AND slug > $2")
                .bind(tenant.as_str())
                .bind(after)
                .fetch_one(&self.reader)
                .await?;
            let Some(next) = next else { return Ok(slugs) };
            slugs.push(read_slug(tenant, "", &next)?);
            after = next;
        }
    }

    /// How many users a tenant has.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_users(&self, tenant: &TenantId) -> Result<u64> {
        let (count,): (i64,) =
            sql("SELECT COUNT(*) FROM users WHERE tenant = $1").bind(tenant.as_str()).fetch_one(&self.reader).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

async fn known(tx: &mut Tx, tenant: &TenantId, after: &str) -> Result<Vec<PortableUser>> {
    let rows: Vec<(String, String)> =
        sql("SELECT user_id, created_at FROM users WHERE tenant = $1 AND user_id > $2 ORDER BY user_id LIMIT $3")
            .bind(tenant.as_str())
            .bind(after)
            .bind(USERS)
            .fetch_all(tx)
            .await?;
    let user = |(id, at): (String, String)| {
        let row = || format!("{tenant}/{id}");
        Ok(PortableUser {
            created_at: Some(time("users", "created_at", &at, row)?),
            id: UserId::parse(&id).map_err(|error| StoreError::corrupt("users", "user_id", row(), error))?,
            fields: Vec::new(),
            identities: Vec::new(),
            consents: Vec::new(),
            logins: Vec::new(),
        })
    };
    rows.into_iter().map(user).collect()
}

/// User, slug, bag, value, source, writer, time.
type FieldRow = (String, String, String, String, String, String, String);

fn read_portable(
    tenant: &TenantId,
    (user, slug, bag, value, source, writer, at): FieldRow,
) -> Result<(String, PortableField)> {
    let FieldValue { bag, slug, value, source, writer, at } =
        read_field(tenant, &user, (slug, bag, value, source, writer, at))?;
    let origin = Some(Provenance { source, writer, at });
    Ok((user, PortableField { bag, slug, value: Some(value), sensitive: false, origin }))
}

/// User, login, time, client, how many rules it has shown.
type LoginRow = (String, String, String, Option<String>, i64);

fn read_login(tenant: &TenantId, (user, login_id, at, client, prompted): LoginRow) -> Result<(String, CountedLogin)> {
    let at = time("logins", "at", &at, || format!("{tenant}/{login_id}"))?;
    let prompted = u32::try_from(prompted).unwrap_or(u32::MAX);
    Ok((user, CountedLogin { login_id, at, client, prompted }))
}

/// Rows by user, in their order.
fn group<R, T>(rows: Vec<R>, read: impl Fn(R) -> Result<(String, T)>) -> Result<HashMap<String, Vec<T>>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        let (user, read) = read(row)?;
        groups.entry(user).or_default().push(read);
    }
    Ok(groups)
}
