//! Fields of users: profile fields and traits, each with where it came from.

use crate::model::{Author, Bag, FieldChange, FieldValue, Slug, Source, TenantId, UserId, UserRecord, Value, hex};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::feed::{self, ChangeKind};
use super::logins::time;
use super::sql::{On, Tx, sql};
use super::{Result, Store, StoreError, stamp, tenants, users};

/// A user has at most this many profile fields and traits together.
pub(super) const MAX_FIELDS: usize = 1000;

/// A stored field and the tenant's revision when it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredField {
    /// The field.
    pub field: FieldValue,
    /// The revision.
    pub revision: i64,
}

/// What a change of a user did.
#[derive(Debug)]
pub struct UserChanged {
    /// For each change, whether there was a value before.
    pub existed: Vec<bool>,
    /// The tenant's revision after it.
    pub revision: i64,
    /// The number of the change.
    pub seq: i64,
    /// The whole user after it.
    pub user: UserRecord,
}

/// What an edit of a user's fields came to.
#[derive(Debug)]
pub struct Edited {
    /// All fields after it, by slug.
    pub after: Vec<StoredField>,
    /// What it did, if there was anything to do.
    pub change: Option<UserChanged>,
}

impl StoredField {
    /// The entity tag of one field.
    #[must_use]
    pub fn tag(&self) -> String {
        self.revision.to_string()
    }

    /// The entity tag of all fields of a user together, which come by slug; `None` for none. It is another one after
    /// every change, and after one is taken away.
    #[must_use]
    pub fn tag_of_all(fields: &[Self]) -> Option<String> {
        let mut hash = Sha256::new();
        fields.iter().for_each(|stored| hash.update(format!("{} {}\n", stored.field.slug, stored.revision)));
        let digest = hash.finalize();
        (!fields.is_empty()).then(|| hex(digest.iter().take(12)))
    }
}

impl Store {
    /// Changes fields of a user as `edit` says from those that there are, all or none, with nobody else writing in
    /// between; makes the user if need be. No change, if there is nothing to do.
    ///
    /// # Errors
    /// Those of `edit`, [`StoreError::TooManyTraits`], or the database's.
    pub async fn edit_fields<E: From<StoreError>>(
        &self,
        tenant: &TenantId,
        user: &UserId,
        author: &Author,
        edit: impl FnOnce(&[StoredField]) -> std::result::Result<Vec<FieldChange<'static>>, E>,
    ) -> std::result::Result<Edited, E> {
        let mut tx = self.begin(Some(tenant)).await?;
        let before = read_fields(&mut tx, tenant, user).await?;
        let changes = edit(&before)?;
        if changes.is_empty() {
            return Ok(Edited { after: before, change: None });
        }
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let existed = apply(&mut tx, tenant, user, &changes, author, revision).await?;
        let changed = finish(&mut tx, tenant, user, author.at, revision, existed).await?;
        let after = read_fields(&mut tx, tenant, user).await?;
        tx.commit().await?;
        Ok(Edited { after, change: Some(changed) })
    }

    /// Reads one field.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn get_field(&self, tenant: &TenantId, user: &UserId, slug: &Slug) -> Result<Option<StoredField>> {
        let all = self.fields(tenant, user).await?;
        Ok(all.into_iter().find(|stored| stored.field.slug == *slug))
    }

    /// All fields of a user, by slug.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn fields(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<StoredField>> {
        read_fields(&self.reader, tenant, user).await
    }
}

async fn read_fields(on: impl Into<On<'_>>, tenant: &TenantId, user: &UserId) -> Result<Vec<StoredField>> {
    type Row = (String, String, String, String, String, i64, String);
    let rows: Vec<Row> = sql("SELECT slug, bag, value, source, writer, revision, updated_at FROM fields
         WHERE tenant = $1 AND user_id = $2 ORDER BY slug")
    .bind(tenant.as_str())
    .bind(user.as_str())
    .fetch_all(on)
    .await?;
    let read = |(slug, bag, value, source, writer, revision, at): Row| {
        let field = read_field(tenant, user.as_str(), (slug, bag, value, source, writer, at))?;
        Ok(StoredField { field, revision })
    };
    rows.into_iter().map(read).collect()
}

/// Applies changes within a transaction, with an entry in the audit trail for each that changes something.
pub(super) async fn apply(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    changes: &[FieldChange<'_>],
    author: &Author,
    revision: i64,
) -> Result<Vec<bool>> {
    ensure_user(tx, tenant, user, author.at).await?;
    let mut existed = Vec::with_capacity(changes.len());
    for FieldChange { bag, slug, value, sensitive } in changes {
        let before = current(tx, tenant, user, slug).await?;
        existed.push(before.is_some());
        // An identity provider fills in what nobody else has said.
        if author.source == Source::Idp && before.as_ref().is_some_and(|before| before.source != Source::Idp.as_str()) {
            continue;
        }
        let after = value.as_ref().map(|value| Current {
            bag: bag.as_str().to_owned(),
            value: write_value(value),
            source: author.source.as_str().to_owned(),
        });
        if before == after {
            continue;
        }
        match &after {
            Some(after) => {
                sql("INSERT INTO fields (tenant, user_id, slug, bag, value, source, writer, revision, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                     ON CONFLICT (tenant, user_id, slug) DO UPDATE SET bag = excluded.bag, value = excluded.value,
                         source = excluded.source, writer = excluded.writer, revision = excluded.revision,
                         updated_at = excluded.updated_at")
                .bind(tenant.as_str())
                .bind(user.as_str())
                .bind(slug.as_str())
                .bind(&after.bag)
                .bind(&after.value)
                .bind(&after.source)
                .bind(&author.actor)
                .bind(revision)
                .bind(stamp(author.at))
                .execute(&mut *tx)
                .await?;
            }
            None => {
                sql("DELETE FROM fields WHERE tenant = $1 AND user_id = $2 AND slug = $3")
                    .bind(tenant.as_str())
                    .bind(user.as_str())
                    .bind(slug.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
        }
        if *bag == Bag::Profile {
            users::note_name(tx, tenant, user, slug.as_str(), value.as_ref()).await?;
        }
        let action = if after.is_some() { "field.set" } else { "field.delete" };
        let target = path(*bag, slug);
        let (before, after) = (before.map(|before| before.value), after.map(|after| after.value));
        audit::note(
            tx,
            tenant,
            author,
            Entry { user: Some(user), action, target: &target, before, after, sensitive: *sensitive },
        );
    }
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM fields WHERE tenant = $1 AND user_id = $2")
        .bind(tenant.as_str())
        .bind(user.as_str())
        .fetch_one(&mut *tx)
        .await?;
    if count > MAX_FIELDS as i64 {
        return Err(StoreError::TooManyTraits(MAX_FIELDS));
    }
    Ok(existed)
}

/// Notes the change in the feed and reads the user as it is now.
pub(super) async fn finish(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    at: Timestamp,
    revision: i64,
    existed: Vec<bool>,
) -> Result<UserChanged> {
    let seq = feed::append(tx, Some(tenant), revision, ChangeKind::User, user.as_str(), at).await?;
    let (_, record) = users::load(&mut *tx, tenant, user).await?;
    let user = record.unwrap_or_else(|| UserRecord::new(user.as_str(), Default::default()));
    Ok(UserChanged { existed, revision, seq, user })
}

pub(super) async fn ensure_user(tx: &mut Tx, tenant: &TenantId, user: &UserId, at: Timestamp) -> Result<()> {
    sql("INSERT INTO users (tenant, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(stamp(at))
        .execute(tx)
        .await?;
    Ok(())
}

/// What stands in a row before it is changed.
#[derive(PartialEq, sqlx::FromRow)]
struct Current {
    bag: String,
    value: String,
    source: String,
}

async fn current(tx: &mut Tx, tenant: &TenantId, user: &UserId, slug: &Slug) -> Result<Option<Current>> {
    let row = sql("SELECT bag, value, source FROM fields WHERE tenant = $1 AND user_id = $2 AND slug = $3")
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(slug.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(row)
}

/// As the audit trail names it.
pub(super) fn path(bag: Bag, slug: &Slug) -> String {
    match bag {
        Bag::Profile => slug.to_string(),
        Bag::Traits => format!("traits.{slug}"),
    }
}

/// Slug, bag, value, source, writer, time.
pub(super) type FieldColumns = (String, String, String, String, String, String);

pub(super) fn read_field(
    tenant: &TenantId,
    user: &str,
    (slug, bag, value, source, writer, at): FieldColumns,
) -> Result<FieldValue> {
    Ok(FieldValue {
        bag: read_bag(tenant, user, &slug, &bag)?,
        slug: read_slug(tenant, user, &slug)?,
        value: read_value(tenant, user, &slug, &value)?,
        source: read_source(tenant, user, &slug, &source)?,
        writer,
        at: time("fields", "updated_at", &at, || format!("{tenant}/{user}/{slug}"))?,
    })
}

pub(super) fn read_bag(tenant: &TenantId, user: &str, slug: &str, text: &str) -> Result<Bag> {
    match text {
        "profile" => Ok(Bag::Profile),
        "traits" => Ok(Bag::Traits),
        other => Err(StoreError::corrupt("fields", "bag", format!("{tenant}/{user}/{slug}"), format!("{other:?}"))),
    }
}

pub(super) fn read_slug(tenant: &TenantId, user: &str, slug: &str) -> Result<Slug> {
    Slug::parse(slug).map_err(|error| StoreError::corrupt("fields", "slug", format!("{tenant}/{user}/{slug}"), error))
}

pub(super) fn read_source(tenant: &TenantId, user: &str, slug: &str, text: &str) -> Result<Source> {
    let row = || format!("{tenant}/{user}/{slug}");
    text.parse().map_err(|error: String| StoreError::corrupt("fields", "source", row(), error))
}

/// The JSON of a value; a value that was read from JSON can always be written again.
pub(super) fn write_value(value: &Value<'_>) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn read_value(tenant: &TenantId, user: &str, slug: &str, text: &str) -> Result<Value<'static>> {
    serde_json::from_str::<Value<'_>>(text)
        .map(Value::into_owned)
        .map_err(|error| StoreError::corrupt("fields", "value", format!("{tenant}/{user}/{slug}"), error))
}
