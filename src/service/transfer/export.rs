//! Users out of the store, page by page.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::model::{Definitions, PortableUser, Slug};
use crate::service::tenants::Tenant;
use crate::service::{Result, Service};

use super::columns::Column;
use super::{Format, MAX_LINE, Progress, line, sheet};

/// A file of users as it is written, with a page of them in the memory at a time.
pub struct Export {
    service: Arc<Service>,
    tenant: Tenant,
    progress: Arc<Progress>,
    shape: Shape,
    /// The last user who is written.
    after: String,
    begun: bool,
}

enum Shape {
    Lines,
    Table(Vec<Column>),
}

impl Service {
    /// Begins an export of all users of a tenant, in the order of their ids. A user who is erased meanwhile is not in it.
    ///
    /// # Errors
    /// The store's.
    pub async fn export_users(
        self: &Arc<Self>,
        tenant: &Tenant,
        format: Format,
        progress: Arc<Progress>,
    ) -> Result<Export> {
        let shape = match format {
            Format::Ndjson => Shape::Lines,
            Format::Csv => Shape::Table(columns(&tenant.definitions, &self.store.slugs(&tenant.id).await?)),
        };
        let (service, tenant) = (self.clone(), tenant.clone());
        Ok(Export { service, tenant, progress, shape, after: String::new(), begun: false })
    }

    /// How many users a tenant has.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_users(&self, tenant: &Tenant) -> Result<u64> {
        Ok(self.store.count_users(&tenant.id).await?)
    }
}

impl Export {
    /// The next part of the file; `None` at its end.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let users = self.service.store.users_after(&self.tenant.id, &self.after).await?;
        let mut out = Vec::new();
        if let (Shape::Table(columns), false) = (&self.shape, self.begun) {
            sheet::write_header(columns, &mut out);
        }
        self.begun = true;
        let Some(last) = users.last() else { return Ok((!out.is_empty()).then_some(out)) };
        last.id.as_str().clone_into(&mut self.after);
        let count = users.len() as u64;
        for user in users {
            self.write(user, &mut out);
        }
        self.progress.done.fetch_add(count, Ordering::Relaxed);
        Ok(Some(out))
    }

    /// Writes a user; one who takes more than a line may hold is written in halves.
    fn write(&self, mut user: PortableUser, out: &mut Vec<u8>) {
        let start = out.len();
        match &self.shape {
            Shape::Lines => line::write(&self.tenant.definitions, &user, out),
            Shape::Table(columns) => sheet::write_row(columns, &user, out),
        }
        let most = user.fields.len().max(user.identities.len()).max(user.consents.len()).max(user.logins.len());
        if out.len() - start <= MAX_LINE || most < 2 {
            return;
        }
        out.truncate(start);
        let rest = PortableUser {
            id: user.id.clone(),
            created_at: None,
            fields: second_half(&mut user.fields),
            identities: second_half(&mut user.identities),
            consents: second_half(&mut user.consents),
            logins: second_half(&mut user.logins),
        };
        self.write(user, out);
        self.write(rest, out);
    }
}

fn second_half<T>(list: &mut Vec<T>) -> Vec<T> {
    list.split_off(list.len().div_ceil(2))
}

/// A column for everything that is defined, and for everything that somebody has: profile fields first.
fn columns(definitions: &Definitions, stored: &[Slug]) -> Vec<Column> {
    let slugs = definitions.iter().map(|definition| &definition.slug).chain(stored);
    let mut columns: Vec<Column> = slugs.map(|slug| Column::of(definitions, slug)).collect();
    columns.sort_by(|a, b| (a.bag, &a.slug).cmp(&(b.bag, &b.slug)));
    columns.dedup();
    columns
}
