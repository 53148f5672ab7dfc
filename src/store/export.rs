//! Whole users, page by page, with where each value came from.

use std::collections::HashMap;

use crate::model::{
    Bag, Consent, CountedLogin, Identity, PortableField, PortableUser, Provenance, Slug, TenantId, UserId,
};

use super::logins::time;
use super::sql::{Tx, sql};
use super::{Result, Store, StoreError, fields};

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
        let range = Range { tenant, after, last: &last };
        let mut own = field_rows(&mut tx, &range).await?;
        // Where rows were cut off, the last user is not whole: the page ends before.
        if own.len() as i64 == FIELDS {
            let cut = own.last().map(|row| row.0.clone()).unwrap_or_default();
            own.retain(|row| row.0 != cut);
            users.retain(|user| user.id.as_str() < cut.as_str());
        }
        let Some(last) = users.last().map(|user| user.id.to_string()) else { return Ok(users) };
        let range = Range { last: &last, ..range };
        let mut fields = group(own, |row| read_field(tenant, row))?;
        let mut identities = group(identity_rows(&mut tx, &range).await?, |row| read_identity(tenant, row))?;
        let mut consents = group(consent_rows(&mut tx, &range).await?, |row| read_consent(tenant, row))?;
        let mut logins = group(login_rows(&mut tx, &range).await?, |row| read_login(tenant, row))?;
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

/// Users after one, up to and with another.
struct Range<'r> {
    tenant: &'r TenantId,
    after: &'r str,
    last: &'r str,
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

async fn field_rows(tx: &mut Tx, range: &Range<'_>) -> Result<Vec<FieldRow>> {
    sql("SELECT user_id, slug, bag, value, source, writer, updated_at FROM fields
         WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, slug LIMIT $4")
    .bind(range.tenant.as_str())
    .bind(range.after)
    .bind(range.last)
    .bind(FIELDS)
    .fetch_all(tx)
    .await
}

fn read_field(
    tenant: &TenantId,
    (user, slug, bag, value, source, writer, at): FieldRow,
) -> Result<(String, PortableField)> {
    let row = || format!("{tenant}/{user}/{slug}");
    let bag: Bag = fields::read_bag(tenant, &user, &slug, &bag)?;
    let source = source.parse().map_err(|error: String| StoreError::corrupt("fields", "source", row(), error))?;
    let origin = Provenance { source, writer, at: time("fields", "updated_at", &at, row)? };
    let value = Some(fields::read_value(tenant, &user, &slug, &value)?);
    let field =
        PortableField { bag, slug: read_slug(tenant, &user, &slug)?, value, sensitive: false, origin: Some(origin) };
    Ok((user, field))
}

/// User, kind, provider, subject, time.
type IdentityRow = (String, String, String, String, String);

async fn identity_rows(tx: &mut Tx, range: &Range<'_>) -> Result<Vec<IdentityRow>> {
    sql("SELECT user_id, kind, provider, subject, linked_at FROM identities
         WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, provider, subject")
    .bind(range.tenant.as_str())
    .bind(range.after)
    .bind(range.last)
    .fetch_all(tx)
    .await
}

fn read_identity(tenant: &TenantId, (user, kind, provider, subject, at): IdentityRow) -> Result<(String, Identity)> {
    let linked_at = Some(time("identities", "linked_at", &at, || format!("{tenant}/{provider}/{subject}"))?);
    Ok((user, Identity { kind, provider, subject, linked_at }))
}

/// User, purpose, version, when it was given, when it was withdrawn.
type ConsentRow = (String, String, String, String, Option<String>);

async fn consent_rows(tx: &mut Tx, range: &Range<'_>) -> Result<Vec<ConsentRow>> {
    sql("SELECT user_id, purpose, version, given_at, withdrawn_at FROM consents
         WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, purpose")
    .bind(range.tenant.as_str())
    .bind(range.after)
    .bind(range.last)
    .fetch_all(tx)
    .await
}

fn read_consent(
    tenant: &TenantId,
    (user, purpose, version, given, withdrawn): ConsentRow,
) -> Result<(String, Consent)> {
    let row = || format!("{tenant}/{user}/{purpose}");
    let given_at = Some(time("consents", "given_at", &given, row)?);
    let withdrawn_at = withdrawn.map(|at| time("consents", "withdrawn_at", &at, row)).transpose()?;
    Ok((user, Consent { version, given_at, withdrawn_at, purpose: purpose.clone() }))
}

/// User, login, time, client, how many rules it has shown.
type LoginRow = (String, String, String, Option<String>, i64);

async fn login_rows(tx: &mut Tx, range: &Range<'_>) -> Result<Vec<LoginRow>> {
    sql("SELECT user_id, login_id, at, client, prompted FROM logins
         WHERE tenant = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id, at, login_id")
    .bind(range.tenant.as_str())
    .bind(range.after)
    .bind(range.last)
    .fetch_all(tx)
    .await
}

fn read_login(tenant: &TenantId, (user, login_id, at, client, prompted): LoginRow) -> Result<(String, CountedLogin)> {
    let at = time("logins", "at", &at, || format!("{tenant}/{login_id}"))?;
    let prompted = u32::try_from(prompted).unwrap_or(u32::MAX);
    Ok((user, CountedLogin { login_id, at, client, prompted }))
}

fn read_slug(tenant: &TenantId, user: &str, slug: &str) -> Result<Slug> {
    Slug::parse(slug).map_err(|error| StoreError::corrupt("fields", "slug", format!("{tenant}/{user}/{slug}"), error))
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
