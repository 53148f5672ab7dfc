//! How rules stand with users, and the tickets with which users answer them.

use std::collections::HashMap;

use crate::model::{Author, FieldChange, PromptState, TenantId, UserId};
use jiff::Timestamp;

use super::audit::{self, Entry};
use super::fields::{self, UserChanged};
use super::logins::time;
use super::sql::{Pool, sql};
use super::users::in_range;
use super::{Result, Store, stamp, tenants};

/// A ticket: whose, for which rule, at which login, and where they go afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its name.
    pub id: String,
    /// The user.
    pub user: String,
    /// The id of the rule.
    pub rule: String,
    /// The login.
    pub login_id: String,
    /// Where the user goes afterwards.
    pub return_to: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was answered or skipped.
    pub used: bool,
}

/// How a ticket ends.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// With answers, to an optional rule or to one that is required.
    Answered {
        /// The answers.
        changes: &'a [FieldChange<'a>],
        /// Whether the rule is optional: only those count against what a login may show.
        optional: bool,
    },
    /// With a skip, which keeps the rule quiet until then.
    Skipped(Option<Timestamp>),
}

impl Store {
    /// How the rules stand with a user.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn prompts(&self, tenant: &TenantId, user: &UserId) -> Result<HashMap<String, PromptState>> {
        type Row = (String, i64, Option<String>, Option<String>);
        let rows: Vec<Row> =
            sql("SELECT rule, skips, snoozed_until, done_at_login FROM prompts WHERE tenant = $1 AND user_id = $2")
                .bind(tenant.as_str())
                .bind(user.as_str())
                .fetch_all(&self.reader)
                .await?;
        let read = |(rule, skips, snoozed, done): Row| {
            let state = read_state(tenant, user.as_str(), &rule, skips, snoozed, done)?;
            Ok((rule, state))
        };
        rows.into_iter().map(read).collect()
    }

    /// How the rules stand with all users after `after` up to `last`.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn prompts_between(
        &self,
        tenant: &TenantId,
        after: &str,
        last: &str,
    ) -> Result<HashMap<String, HashMap<String, PromptState>>> {
        type Row = (String, String, i64, Option<String>, Option<String>);
        let rows: Vec<Row> = in_range(
            "SELECT user_id, rule, skips, snoozed_until, done_at_login FROM prompts
             WHERE tenant = $1 AND user_id > $2 AND user_id <= $3",
            tenant,
            after,
            last,
        )
        .fetch_all(&self.reader)
        .await?;
        let mut states: HashMap<String, HashMap<String, PromptState>> = HashMap::new();
        for (user, rule, skips, snoozed, done) in rows {
            let state = read_state(tenant, &user, &rule, skips, snoozed, done)?;
            states.entry(user).or_default().insert(rule, state);
        }
        Ok(states)
    }

    /// Keeps a new ticket, and forgets those whose time is long over; `false` if nobody has stored the user (any more).
    ///
    /// # Errors
    /// The database's.
    pub async fn insert_ticket(&self, tenant: &TenantId, ticket: &Ticket, forget_before: Timestamp) -> Result<bool> {
        let mut tx = self.begin(Some(tenant)).await?;
        sql("DELETE FROM tickets WHERE tenant = $1 AND expires_at < $2")
            .bind(tenant.as_str())
            .bind(stamp(forget_before))
            .execute(&mut tx)
            .await?;
        let kept = sql("INSERT INTO tickets (tenant, id, user_id, rule, login_id, return_to, expires_at)
             SELECT tenant, $2, user_id, $4, $5, $6, $7 FROM users WHERE tenant = $1 AND user_id = $3")
        .bind(tenant.as_str())
        .bind(&ticket.id)
        .bind(&ticket.user)
        .bind(&ticket.rule)
        .bind(&ticket.login_id)
        .bind(&ticket.return_to)
        .bind(stamp(ticket.expires_at))
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(kept == 1)
    }

    /// The ticket of that name.
    ///
    /// # Errors
    /// The database's, or [`super::StoreError::Corrupt`].
    pub async fn ticket(&self, tenant: &TenantId, id: &str) -> Result<Option<Ticket>> {
        // By the connection that writes: it must not be seen as it was before it was used.
        load_ticket(&self.writer.pool, tenant, id).await
    }

    /// Gives a ticket to the first browser that opens it; whether it is this one's.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim_ticket(&self, tenant: &TenantId, id: &str, browser: &[u8]) -> Result<bool> {
        let claimed =
            sql("UPDATE tickets SET browser = $3 WHERE tenant = $1 AND id = $2 AND (browser IS NULL OR browser = $3)")
                .bind(tenant.as_str())
                .bind(id)
                .bind(browser)
                .execute(&self.writer)
                .await?;
        Ok(claimed == 1)
    }

    /// Ends a ticket: its answers or its skip, how the rule stands, and the audit trail are one transaction. `None`
    /// if it was used before, or belongs to another browser.
    ///
    /// # Errors
    /// The database's.
    pub async fn complete_ticket(
        &self,
        tenant: &TenantId,
        user: &UserId,
        ticket: &Ticket,
        browser: &[u8],
        outcome: &Outcome<'_>,
        author: &Author,
    ) -> Result<Option<UserChanged>> {
        let mut tx = self.begin(Some(tenant)).await?;
        let used =
            sql("UPDATE tickets SET used_at = $4 WHERE tenant = $1 AND id = $2 AND used_at IS NULL AND browser = $3")
                .bind(tenant.as_str())
                .bind(&ticket.id)
                .bind(browser)
                .bind(stamp(author.at))
                .execute(&mut tx)
                .await?;
        if used == 0 {
            return Ok(None);
        }
        let revision = tenants::bump(&mut tx, tenant, author).await?;
        let (changes, skips, snoozed_until, optional) = match outcome {
            Outcome::Answered { changes, optional } => (*changes, 0_i64, None, *optional),
            Outcome::Skipped(until) => (&[][..], 1, until.map(stamp), true),
        };
        let existed = fields::apply(&mut tx, tenant, user, changes, author, revision).await?;
        sql(
            "INSERT INTO prompts (tenant, user_id, rule, skips, snoozed_until, done_at_login) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, user_id, rule) DO UPDATE SET
                 skips = prompts.skips + CASE WHEN prompts.done_at_login IS NOT DISTINCT FROM excluded.done_at_login THEN 0
                                              ELSE excluded.skips END,
                 snoozed_until = excluded.snoozed_until, done_at_login = excluded.done_at_login",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(&ticket.rule)
        .bind(skips)
        .bind(snoozed_until)
        .bind(&ticket.login_id)
        .execute(&mut tx)
        .await?;
        sql("UPDATE logins SET prompted = prompted + $3 WHERE tenant = $1 AND login_id = $2")
            .bind(tenant.as_str())
            .bind(&ticket.login_id)
            .bind(i64::from(optional))
            .execute(&mut tx)
            .await?;
        let action = if skips == 0 { "rule.answer" } else { "rule.skip" };
        let entry = Entry { user: Some(user), action, target: &ticket.rule, ..Entry::default() };
        audit::note(&mut tx, tenant, author, entry);
        let changed = fields::finish(&mut tx, tenant, user, author.at, revision, existed).await?;
        tx.commit().await?;
        Ok(Some(changed))
    }
}

fn read_state(
    tenant: &TenantId,
    user: &str,
    rule: &str,
    skips: i64,
    snoozed: Option<String>,
    done_at_login: Option<String>,
) -> Result<PromptState> {
    let row = || format!("{tenant}/{user}/{rule}");
    let snoozed_until = snoozed.map(|at| time("prompts", "snoozed_until", &at, row)).transpose()?;
    let skips = u32::try_from(skips).unwrap_or(u32::MAX);
    Ok(PromptState { skips, snoozed_until, done_at_login })
}

async fn load_ticket(on: &Pool, tenant: &TenantId, id: &str) -> Result<Option<Ticket>> {
    type Row = (String, String, String, String, String, Option<String>);
    let row: Option<Row> = sql(
        "SELECT user_id, rule, login_id, return_to, expires_at, used_at FROM tickets WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id)
    .fetch_optional(on)
    .await?;
    let Some((user, rule, login_id, return_to, expires_at, used_at)) = row else { return Ok(None) };
    let expires_at = time("tickets", "expires_at", &expires_at, || format!("{tenant}/{id}"))?;
    let (id, used) = (id.to_owned(), used_at.is_some());
    Ok(Some(Ticket { id, user, rule, login_id, return_to, expires_at, used }))
}
