//! What there is of the users of a batch, read with one look for each table.

use std::collections::{HashMap, HashSet};

use crate::model::{PortableUser, TenantId};

use super::super::Result;
use super::super::sql::{Tx, either};

/// What there is, as rows hold it.
#[derive(Default)]
pub(super) struct Known {
    /// Users of the batch who are there already.
    pub(super) users: HashSet<String>,
    /// Their fields, by user.
    pub(super) fields: HashMap<String, Vec<Field>>,
    /// Identities that the batch names, by provider and subject.
    pub(super) identities: HashMap<(String, String), Identity>,
    /// Consents of the users, by user and purpose.
    pub(super) consents: HashMap<(String, String), Consent>,
    /// Owners of the logins that the batch names.
    pub(super) logins: HashMap<String, String>,
}

/// A row of `fields`.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) slug: String,
    pub(super) bag: String,
    pub(super) value: String,
    pub(super) source: String,
    pub(super) writer: String,
    pub(super) at: String,
}

/// A row of `identities`.
pub(super) struct Identity {
    pub(super) owner: String,
    pub(super) kind: String,
    pub(super) linked_at: String,
}

/// A row of `consents`.
pub(super) struct Consent {
    pub(super) version: String,
    pub(super) given_at: String,
    pub(super) withdrawn_at: Option<String>,
}

/// A list goes as one JSON argument, so that every length of it is the same statement.
macro_rules! listed {
    ($before:literal, $column:literal, $rest:literal) => {
        either(
            concat!($before, $column, " IN (SELECT value FROM json_each($2)) ", $rest),
            concat!($before, $column, " = ANY(ARRAY(SELECT json_array_elements_text($2::json))) ", $rest),
        )
    };
}

impl Known {
    pub(super) async fn read(tx: &mut Tx, tenant: &TenantId, users: &[PortableUser]) -> Result<Self> {
        let ids = json(users.iter().map(|user| user.id.as_str()));
        let mut known = Known::default();
        let rows: Vec<(String,)> = listed!("SELECT user_id FROM users WHERE tenant = $1 AND ", "user_id", "")
            .bind(tenant.as_str())
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
        known.users = rows.into_iter().map(|(id,)| id).collect();
        if !known.users.is_empty() {
            known.read_fields(tx, tenant, &ids).await?;
            known.read_consents(tx, tenant, &ids).await?;
        }
        if users.iter().any(|user| !user.identities.is_empty()) {
            known.read_identities(tx, tenant, users).await?;
        }
        if users.iter().any(|user| !user.logins.is_empty()) {
            let logins = users.iter().flat_map(|user| &user.logins).map(|login| login.login_id.as_str());
            let rows: Vec<(String, String)> =
                listed!("SELECT login_id, user_id FROM logins WHERE tenant = $1 AND ", "login_id", "")
                    .bind(tenant.as_str())
                    .bind(json(logins))
                    .fetch_all(&mut *tx)
                    .await?;
            known.logins = rows.into_iter().collect();
        }
        Ok(known)
    }

    async fn read_fields(&mut self, tx: &mut Tx, tenant: &TenantId, ids: &str) -> Result<()> {
        type Row = (String, String, String, String, String, String, String);
        let rows: Vec<Row> = listed!(
            "SELECT user_id, slug, bag, value, source, writer, updated_at FROM fields WHERE tenant = $1 AND ",
            "user_id",
            ""
        )
        .bind(tenant.as_str())
        .bind(ids)
        .fetch_all(tx)
        .await?;
        for (user, slug, bag, value, source, writer, at) in rows {
            self.fields.entry(user).or_default().push(Field { slug, bag, value, source, writer, at });
        }
        Ok(())
    }

    async fn read_consents(&mut self, tx: &mut Tx, tenant: &TenantId, ids: &str) -> Result<()> {
        type Row = (String, String, String, String, Option<String>);
        let rows: Vec<Row> = listed!(
            "SELECT user_id, purpose, version, given_at, withdrawn_at FROM consents WHERE tenant = $1 AND ",
            "user_id",
            ""
        )
        .bind(tenant.as_str())
        .bind(ids)
        .fetch_all(tx)
        .await?;
        let consent = |(user, purpose, version, given_at, withdrawn_at): Row| {
            ((user, purpose), Consent { version, given_at, withdrawn_at })
        };
        self.consents = rows.into_iter().map(consent).collect();
        Ok(())
    }

    /// By subject, of which few are at more than one provider.
    async fn read_identities(&mut self, tx: &mut Tx, tenant: &TenantId, users: &[PortableUser]) -> Result<()> {
        let named = || users.iter().flat_map(|user| &user.identities);
        let providers: HashSet<&str> = named().map(|identity| identity.provider.as_str()).collect();
        for provider in providers {
            let subjects = named().filter(|identity| identity.provider == provider);
            let rows: Vec<(String, String, String, String)> = listed!(
                "SELECT subject, user_id, kind, linked_at FROM identities WHERE tenant = $1 AND ",
                "subject",
                "AND provider = $3"
            )
            .bind(tenant.as_str())
            .bind(json(subjects.map(|identity| identity.subject.as_str())))
            .bind(provider)
            .fetch_all(&mut *tx)
            .await?;
            for (subject, owner, kind, linked_at) in rows {
                let identity = Identity { owner, kind, linked_at };
                self.identities.insert((provider.to_owned(), subject), identity);
            }
        }
        Ok(())
    }
}

fn json<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    serde_json::to_string(&texts.collect::<Vec<_>>()).unwrap_or_default()
}
