//! Logins, linked identities and consents: what identity providers tell of a user.

use crate::model::{Author, Consent, FieldChange, Identity, InvalidId, Logins, TenantId, UserId};

use super::audit::{self, Entry};
use super::fields::{self, UserChanged};
use super::sql::{Tx, sql};
use super::{Result, Store, StoreError, stamp, tenants};

/// What an identity provider tells at a login.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// Names the login: it is counted once.
    pub login_id: &'a str,
    /// The client that the user signs in to.
    pub client: Option<&'a str>,
    /// Profile fields.
    pub fields: Vec<FieldChange<'a>>,
    /// Identities at other providers.
    pub identities: Vec<Identity>,
    /// Consents.
    pub consents: Vec<Consent>,
}

impl Store {
    /// Takes in what an identity provider tells, and counts the login if it is new: all of it, or nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn report_login(
        &self,
        tenant: &TenantId,
        user: &UserId,
        report: &Report<'_>,
        author: &Author,
    ) -> Result<UserChanged> {
        let mut tx = self.begin(Some(tenant)).await?;
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let existed = fields::apply(&mut tx, tenant, user, &report.fields, author, revision).await?;
        for identity in &report.identities {
            link(&mut tx, tenant, user, identity, author).await?;
        }
        for consent in &report.consents {
            agree(&mut tx, tenant, user, consent, author).await?;
        }
        sql(
            "INSERT INTO logins (tenant, login_id, user_id, client, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(report.login_id)
        .bind(user.as_str())
        .bind(report.client)
        .bind(stamp(author.at))
        .execute(&mut tx)
        .await?;
        let (owner,): (String,) = sql("SELECT user_id FROM logins WHERE tenant = $1 AND login_id = $2")
            .bind(tenant.as_str())
            .bind(report.login_id)
            .fetch_one(&mut tx)
            .await?;
        if owner != user.as_str() {
            return Err(StoreError::LoginOfAnother);
        }
        let changed = fields::finish(&mut tx, tenant, user, author.at, revision, existed).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// How many optional rules a login has shown.
    ///
    /// # Errors
    /// The database's.
    pub async fn prompted(&self, tenant: &TenantId, login_id: &str) -> Result<u32> {
        let row: Option<(i64,)> = sql("SELECT prompted FROM logins WHERE tenant = $1 AND login_id = $2")
            .bind(tenant.as_str())
            .bind(login_id)
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.map_or(0, |(prompted,)| u32::try_from(prompted).unwrap_or(u32::MAX)))
    }

    /// The logins of a user that were counted, newest first, with the client of each.
    ///
    /// # Errors
    /// The database's.
    pub async fn logins(&self, tenant: &TenantId, user: &UserId, limit: i64) -> Result<Vec<(String, Option<String>)>> {
        let rows =
            sql("SELECT at, client FROM logins WHERE tenant = $1 AND user_id = $2 ORDER BY at DESC, login_id LIMIT $3")
                .bind(tenant.as_str())
                .bind(user.as_str())
                .bind(limit)
                .fetch_all(&self.reader)
                .await?;
        Ok(rows)
    }

    /// The linked identities of a user.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn identities(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<Identity>> {
        let rows: Vec<IdentityColumns> =
            sql("SELECT kind, provider, subject, linked_at FROM identities WHERE tenant = $1 AND user_id = $2
             ORDER BY provider, subject")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(|row| read_identity(tenant, row)).collect()
    }

    /// The user whom an identity at another provider is linked to.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn find_identity(&self, tenant: &TenantId, provider: &str, subject: &str) -> Result<Option<UserId>> {
        let row: Option<(String,)> =
            sql("SELECT user_id FROM identities WHERE tenant = $1 AND provider = $2 AND subject = $3")
                .bind(tenant.as_str())
                .bind(provider)
                .bind(subject)
                .fetch_optional(&self.reader)
                .await?;
        let corrupt = |why: InvalidId| StoreError::Corrupt {
            table: "identities",
            column: "user_id",
            row: format!("{tenant}/{provider}/{subject}"),
            why: why.to_string(),
        };
        row.map(|(id,)| UserId::parse(&id).map_err(corrupt)).transpose()
    }

    /// The consents of a user, withdrawn ones included.
    ///
    /// # Errors
    /// The database's, or [`StoreError::Corrupt`].
    pub async fn consents(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<Consent>> {
        let rows: Vec<ConsentColumns> =
            sql("SELECT purpose, version, given_at, withdrawn_at FROM consents WHERE tenant = $1 AND user_id = $2
             ORDER BY purpose")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(|row| read_consent(tenant, user.as_str(), row)).collect()
    }
}

async fn link(tx: &mut Tx, tenant: &TenantId, user: &UserId, identity: &Identity, author: &Author) -> Result<()> {
    // An identity belongs to one user: whoever had it first keeps it.
    let linked = sql(
        "INSERT INTO identities (tenant, provider, subject, user_id, kind, linked_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(user.as_str())
    .bind(&identity.kind)
    .bind(stamp(identity.linked_at.unwrap_or(author.at)))
    .execute(&mut *tx)
    .await?;
    if linked > 0 {
        let target = format!("{} {}", identity.provider, identity.subject);
        let entry = Entry { user: Some(user), action: "identity.link", target: &target, ..Entry::default() };
        audit::note(tx, tenant, author, entry);
    }
    Ok(())
}

async fn agree(tx: &mut Tx, tenant: &TenantId, user: &UserId, consent: &Consent, author: &Author) -> Result<()> {
    let withdrawn_at = consent.withdrawn_at.map(stamp);
    let changed = sql(
        "INSERT INTO consents (tenant, user_id, purpose, version, given_at, withdrawn_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, user_id, purpose) DO UPDATE SET version = excluded.version, given_at = excluded.given_at,
             withdrawn_at = excluded.withdrawn_at
         WHERE consents.version <> excluded.version
             OR consents.withdrawn_at IS DISTINCT FROM excluded.withdrawn_at",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .bind(&consent.purpose)
    .bind(&consent.version)
    .bind(stamp(consent.given_at.unwrap_or(author.at)))
    .bind(withdrawn_at.clone())
    .execute(&mut *tx)
    .await?;
    if changed > 0 {
        let action = if withdrawn_at.is_some() { "consent.withdraw" } else { "consent.give" };
        let target = format!("{} {}", consent.purpose, consent.version);
        let entry = Entry { user: Some(user), action, target: target.trim(), ..Entry::default() };
        audit::note(tx, tenant, author, entry);
    }
    Ok(())
}

/// Kind, provider, subject, time.
pub(super) type IdentityColumns = (String, String, String, String);

pub(super) fn read_identity(tenant: &TenantId, (kind, provider, subject, at): IdentityColumns) -> Result<Identity> {
    let linked_at = Some(time("identities", "linked_at", &at, || format!("{tenant}/{provider}/{subject}"))?);
    Ok(Identity { kind, provider, subject, linked_at })
}

/// Purpose, version, when it was given, when it was withdrawn.
pub(super) type ConsentColumns = (String, String, String, Option<String>);

pub(super) fn read_consent(
    tenant: &TenantId,
    user: &str,
    (purpose, version, given, withdrawn): ConsentColumns,
) -> Result<Consent> {
    let row = || format!("{tenant}/{user}/{purpose}");
    let given_at = Some(time("consents", "given_at", &given, row)?);
    let withdrawn_at = withdrawn.map(|at| time("consents", "withdrawn_at", &at, row)).transpose()?;
    Ok(Consent { version, given_at, withdrawn_at, purpose: purpose.clone() })
}

/// Logins out of the numbers of a row.
pub(super) fn read(count: i64, first_at: &str, last_at: &str, row: impl Fn() -> String) -> Result<Logins> {
    Ok(Logins {
        count: u64::try_from(count).unwrap_or(0),
        first_at: time("logins", "at", first_at, &row)?,
        last_at: time("logins", "at", last_at, &row)?,
    })
}

pub(super) fn time(
    table: &'static str,
    column: &'static str,
    text: &str,
    row: impl Fn() -> String,
) -> Result<jiff::Timestamp> {
    text.parse().map_err(|error: jiff::Error| StoreError::corrupt(table, column, row(), error))
}
