//! Users in the order of their ids, page after page: all, those whose name starts with something, those with some traits.

use sqlx::AssertSqlSafe;

use crate::model::{Slug, TenantId};

use super::sql::{Argument, sql};
use super::users::folded;
use super::{Result, Store};

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

/// So many times the last character there is comes after all that an id of 255 bytes or a folded name can go on with.
const LASTS: usize = 129;

impl Store {
    /// Users after `after` in the order of their ids, at most `limit`, of whom id, name or e-mail starts with `prefix`.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_users(&self, tenant: &TenantId, prefix: &str, after: &str, limit: i64) -> Result<Vec<Listed>> {
        self.find_users(tenant, prefix, &[], after, limit).await
    }

    /// The same, of users of whom each of some traits has one of some values, which are given as JSON.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_users(
        &self,
        tenant: &TenantId,
        prefix: &str,
        traits: &[(Slug, Vec<String>)],
        after: &str,
        limit: i64,
    ) -> Result<Vec<Listed>> {
        let mut search = Search { text: String::new(), arguments: vec![tenant.as_str().into(), after.into()] };
        let rest = match traits.split_first() {
            Some((first, rest)) if prefix.is_empty() => {
                search.by_trait(first);
                rest
            }
            _ => {
                search.by_name(prefix);
                traits
            }
        };
        rest.iter().for_each(|wanted| search.and_trait(wanted));
        let limit = search.place(limit);
        search.text.push_str(&format!(" ORDER BY 1 LIMIT {limit}"));
        let query = sql(AssertSqlSafe(search.text));
        let query = search.arguments.into_iter().fold(query, |query, argument| query.bind(argument));
        let rows: Vec<(String, Option<String>, Option<String>)> = query.fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(|(id, name, email)| Listed { id, name, email }).collect())
    }
}

/// A statement as it is put together; `$1` is the tenant, and `$2` the user after whom it begins.
struct Search<'a> {
    text: String,
    arguments: Vec<Argument<'a>>,
}

impl<'a> Search<'a> {
    /// The place of another argument.
    fn place(&mut self, argument: impl Into<Argument<'a>>) -> String {
        self.arguments.push(argument.into());
        format!("${}", self.arguments.len())
    }

    /// Begins with users of whom id, name or e-mail starts with `prefix`.
    fn by_name(&mut self, prefix: &'a str) {
        self.text.push_str("SELECT users.user_id, name, email FROM users WHERE tenant = $1 AND user_id > $2");
        if prefix.is_empty() {
            return;
        }
        // Ranges rather than LIKE: they use the indexes, and know no wildcards.
        let (folded, last) = (folded(prefix), char::MAX.to_string().repeat(LASTS));
        let (id, id_end) = (self.place(prefix), self.place(format!("{prefix}{last}")));
        let (key, key_end) = (self.place(folded.clone()), self.place(format!("{folded}{last}")));
        self.text.push_str(&format!(
            " AND (user_id >= {id} AND user_id < {id_end} OR name_key >= {key} AND name_key < {key_end}
                   OR email_key >= {key} AND email_key < {key_end})"
        ));
    }

    /// Begins with users with a value of a trait. They are read as the index has them, which for one value is in their
    /// order: a page costs what is on it, however many there are. (SQLite joins in the order that CROSS JOIN has.)
    fn by_trait(&mut self, (slug, values): &'a (Slug, Vec<String>)) {
        let (slug, values) = (self.place(slug.as_str()), self.places(values));
        // The start of a value is what the index has.
        let starts: Vec<String> = values.iter().map(|value| format!("substr({value}, 1, 64)")).collect();
        self.text.push_str(&format!(
            "SELECT fields.user_id, name, email FROM fields CROSS JOIN users
             WHERE users.tenant = $1 AND users.user_id = fields.user_id
               AND fields.tenant = $1 AND fields.user_id > $2 AND slug = {slug} AND bag = 'traits'
               AND substr(value, 1, 64) IN ({}) AND value IN ({})",
            starts.join(", "),
            values.join(", ")
        ));
    }

    /// Leaves out those without a value of a trait.
    fn and_trait(&mut self, (slug, values): &'a (Slug, Vec<String>)) {
        let (slug, values) = (self.place(slug.as_str()), self.places(values).join(", "));
        self.text.push_str(&format!(
            " AND EXISTS (SELECT 1 FROM fields AS other WHERE other.tenant = $1 AND other.user_id = users.user_id
                  AND other.slug = {slug} AND other.bag = 'traits' AND other.value IN ({values}))"
        ));
    }

    fn places(&mut self, values: &'a [String]) -> Vec<String> {
        values.iter().map(|value| self.place(value)).collect()
    }
}
