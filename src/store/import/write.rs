//! A batch's rows, several with each statement.

use crate::model::{Author, TenantId};

use super::super::audit::{self, Entry};
use super::super::rows::{self, Into};
use super::super::sql::{Argument, Tx, sql};
use super::super::users::{self, folded};
use super::super::{Result, stamp};
use super::IMPORTED;
use super::plan::{Plan, Story};

const USERS: Into<'_> =
    Into { table: "users", columns: "tenant, user_id, created_at, name, email, name_key, email_key", then: "" };

const FIELDS: Into<'_> = Into {
    table: "fields",
    columns: "tenant, user_id, slug, bag, value, source, writer, updated_at, revision",
    then: "ON CONFLICT (tenant, user_id, slug) DO UPDATE SET bag = excluded.bag, value = excluded.value,
           source = excluded.source, writer = excluded.writer, revision = excluded.revision,
           updated_at = excluded.updated_at",
};

const IDENTITIES: Into<'_> = Into {
    table: "identities",
    columns: "tenant, user_id, provider, subject, kind, linked_at",
    then: "ON CONFLICT (tenant, provider, subject) DO UPDATE SET kind = excluded.kind, linked_at = excluded.linked_at",
};

const CONSENTS: Into<'_> = Into {
    table: "consents",
    columns: "tenant, user_id, purpose, version, given_at, withdrawn_at",
    then: "ON CONFLICT (tenant, user_id, purpose) DO UPDATE SET version = excluded.version,
           given_at = excluded.given_at, withdrawn_at = excluded.withdrawn_at",
};

const LOGINS: Into<'_> = Into { table: "logins", columns: "tenant, user_id, login_id, at, client, prompted", then: "" };

/// Writes what is planned.
pub(super) async fn write(
    tx: &mut Tx,
    tenant: &TenantId,
    mut plans: Vec<Plan<'_>>,
    author: &Author,
    revision: i64,
) -> Result<()> {
    plans.retain(Plan::changes);
    rows::insert(tx, &USERS, plans.iter().filter(|plan| plan.is_new).map(|plan| user(tenant, plan, author)).collect())
        .await?;
    rows::insert(tx, &FIELDS, plans.iter().flat_map(|plan| fields(tenant, plan, revision)).collect()).await?;
    rows::insert(tx, &IDENTITIES, plans.iter().flat_map(|plan| identities(tenant, plan)).collect()).await?;
    rows::insert(tx, &CONSENTS, plans.iter().flat_map(|plan| consents(tenant, plan)).collect()).await?;
    rows::insert(tx, &LOGINS, plans.iter().flat_map(|plan| logins(tenant, plan)).collect()).await?;
    for plan in &plans {
        for slug in &plan.taken {
            sql("DELETE FROM fields WHERE tenant = $1 AND user_id = $2 AND slug = $3")
                .bind(tenant.as_str())
                .bind(plan.user.id.as_str())
                .bind(*slug)
                .execute(&mut *tx)
                .await?;
        }
        for (slug, value) in plan.names.iter().filter(|_| !plan.is_new) {
            users::note_name(tx, tenant, &plan.user.id, slug, *value).await?;
        }
    }
    plans.into_iter().for_each(|plan| note(tx, tenant, author, plan));
    Ok(())
}

fn note(tx: &mut Tx, tenant: &TenantId, author: &Author, plan: Plan<'_>) {
    let is_new = plan.is_new;
    for (Story { before, after }, sensitive) in [(plan.secret, true), (plan.story, false)] {
        let (before, after) = (before.finish(), after.finish());
        if before.is_some() || after.is_some() || (is_new && !sensitive) {
            let user = Some(&plan.user.id);
            let entry = Entry { user, action: IMPORTED, before, after, sensitive, ..Entry::default() };
            audit::note(tx, tenant, author, entry);
        }
    }
}

type Row<'r> = Vec<Argument<'r>>;

fn user<'r>(tenant: &'r TenantId, plan: &'r Plan<'_>, author: &Author) -> Row<'r> {
    let noted = |slug: &str| {
        let found = plan.names.iter().find(|(known, _)| *known == slug)?;
        users::text_of(found.1)
    };
    let (name, email) = (noted("name"), noted("email"));
    vec![
        tenant.as_str().into(),
        plan.user.id.as_str().into(),
        stamp(plan.user.created_at.unwrap_or(author.at)).into(),
        name.clone().into(),
        email.clone().into(),
        name.as_deref().map(folded).into(),
        email.as_deref().map(folded).into(),
    ]
}

fn fields<'r>(tenant: &'r TenantId, plan: &'r Plan<'_>, revision: i64) -> impl Iterator<Item = Row<'r>> {
    plan.fields.iter().map(move |field| {
        vec![
            tenant.as_str().into(),
            plan.user.id.as_str().into(),
            (&field.slug).into(),
            (&field.bag).into(),
            (&field.value).into(),
            (&field.source).into(),
            (&field.writer).into(),
            (&field.at).into(),
            revision.into(),
        ]
    })
}

fn identities<'r>(tenant: &'r TenantId, plan: &'r Plan<'_>) -> impl Iterator<Item = Row<'r>> {
    plan.identities.iter().map(|(provider, subject, identity)| {
        vec![
            tenant.as_str().into(),
            plan.user.id.as_str().into(),
            (*provider).into(),
            (*subject).into(),
            (&identity.kind).into(),
            (&identity.linked_at).into(),
        ]
    })
}

fn consents<'r>(tenant: &'r TenantId, plan: &'r Plan<'_>) -> impl Iterator<Item = Row<'r>> {
    plan.consents.iter().map(|(purpose, consent)| {
        vec![
            tenant.as_str().into(),
            plan.user.id.as_str().into(),
            (*purpose).into(),
            (&consent.version).into(),
            (&consent.given_at).into(),
            consent.withdrawn_at.as_deref().into(),
        ]
    })
}

fn logins<'r>(tenant: &'r TenantId, plan: &'r Plan<'_>) -> impl Iterator<Item = Row<'r>> {
    plan.logins.iter().map(|login| {
        vec![
            tenant.as_str().into(),
            plan.user.id.as_str().into(),
            (&login.login_id).into(),
            stamp(login.at).into(),
            login.client.as_deref().into(),
            i64::from(login.prompted).into(),
        ]
    })
}
