//! Tickets: the way to the complete-profile page, signed, bound to a user, a rule, a login and a browser, used once.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::{Author, Bag, Definition, Origin, Source, TenantId, UserId, UserRecord, Value, ValueRef};
use crate::profiling::{CompiledRule, Field, is_blank, is_missing};
use crate::store::{Outcome, Ticket};

use super::tenants::Tenant;
use super::{Result, Service, ServiceError, entropy, traits};

const ISSUER: &str = "sidegate-ticket";

/// How many days a skip keeps a rule quiet that does not say.
const SNOOZE_DAYS: u32 = 7;

/// Signs tickets and checks them.
pub(super) struct TicketSigner {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    tenant: String,
    jti: String,
    exp: i64,
}

/// A ticket to be made.
pub(super) struct NewTicket<'a> {
    pub(super) user: &'a UserId,
    pub(super) rule: &'a str,
    pub(super) login_id: &'a str,
    pub(super) return_to: &'a str,
    pub(super) expires_at: jiff::Timestamp,
}

/// A ticket that a browser holds up, and all that the page needs.
pub struct OpenTicket<'t> {
    ticket: Ticket,
    user: UserId,
    browser: Vec<u8>,
    /// The rule.
    pub rule: &'t CompiledRule,
    /// The fields that the page shows, each with what is known of it.
    pub questions: Vec<Question<'t>>,
    /// What people call the user.
    pub who: String,
    /// Where the user goes afterwards; `None` if nothing is allowed and there is no default.
    pub return_to: Option<Url>,
    /// The secret of this browser, if it is a new one.
    pub new_secret: Option<String>,
    /// What a form of this page must carry.
    pub csrf: String,
}

/// A field on the page.
pub struct Question<'t> {
    /// Its definition.
    pub definition: &'t Definition,
    /// What is stored, as text.
    pub value: String,
}

impl Question<'_> {
    /// The name under which its answer is posted: never one of the form's own.
    #[must_use]
    pub fn name(&self) -> String {
        format!("f-{}", self.definition.slug)
    }
}

/// Why a ticket is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTicket {
    /// It is not ours, not this tenant's, or was changed.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was answered or skipped before.
    Used,
    /// Another browser opened it first.
    OtherBrowser,
    /// Its rule is not there any more, or has nothing left to ask.
    NothingToAsk,
}

/// What became of an answer.
pub enum Completed {
    /// It is saved, or skipped.
    Done,
    /// Something is wrong with it; nothing is saved.
    Wrong(Vec<(String, String)>),
    /// The form was not made for this.
    Refused(&'static str),
    /// The ticket is no good any more.
    Bad(BadTicket),
}

impl TicketSigner {
    pub(super) fn new(key: &[u8]) -> Self {
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key) }
    }

    fn sign(&self, tenant: &TenantId, id: &str, expires_at: jiff::Timestamp) -> Option<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            tenant: tenant.to_string(),
            jti: id.to_owned(),
            // The store knows to the moment; the token only has to live as long.
            exp: expires_at.as_second().saturating_add(86_400),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).ok()
    }

    fn check(&self, tenant: &TenantId, token: &str) -> Option<String> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.validate_aud = false;
        let claims = decode::<Claims>(token, &self.decoding, &validation).ok()?.claims;
        (claims.tenant == tenant.as_str()).then_some(claims.jti)
    }
}

impl Service {
    /// Makes a ticket, and tells the address of its page.
    pub(super) async fn issue_ticket(&self, tenant: &Tenant, new: &NewTicket<'_>) -> Result<String> {
        let id = BASE64_URL_SAFE_NO_PAD.encode(entropy::bytes::<16>());
        let ticket = Ticket {
            id: id.clone(),
            user: new.user.to_string(),
            rule: new.rule.to_owned(),
            login_id: new.login_id.to_owned(),
            return_to: new.return_to.to_owned(),
            expires_at: new.expires_at,
            used: false,
        };
        let long_ago = self.clock.now().saturating_sub(SignedDuration::from_hours(24)).unwrap_or(new.expires_at);
        if !self.store.insert_ticket(&tenant.id, &ticket, long_ago).await? {
            return Err(ServiceError::Conflict("this user was erased during the login: start it again".to_owned()));
        }
        let token = self.tickets.sign(&tenant.id, &id, new.expires_at).unwrap_or_default();
        Ok(self.url_of(&format!("/t/{}/account/complete-profile/?ticket={token}", tenant.id)))
    }

    /// Opens the page of a ticket for a browser. The first browser to do so keeps it.
    ///
    /// # Errors
    /// The store's; what is wrong with the ticket is inside.
    pub async fn open_ticket<'t>(
        &self,
        tenant: &'t Tenant,
        token: &str,
        secret: Option<&str>,
    ) -> Result<std::result::Result<OpenTicket<'t>, BadTicket>> {
        let Some(id) = self.tickets.check(&tenant.id, token) else { return Ok(Err(BadTicket::Unknown)) };
        let Some(ticket) = self.store.ticket(&tenant.id, &id).await? else { return Ok(Err(BadTicket::Unknown)) };
        if ticket.used {
            return Ok(Err(BadTicket::Used));
        }
        if ticket.expires_at <= self.clock.now() {
            return Ok(Err(BadTicket::Expired));
        }
        // What there is to ask is found first: a ticket with nothing to ask belongs to nobody.
        let Ok(user) = UserId::parse(&ticket.user) else { return Ok(Err(BadTicket::Unknown)) };
        let rule = tenant.rules.as_ref().and_then(|rules| rules.get(&ticket.rule));
        let (Some(rule), Some(record)) = (rule, self.user(tenant, user.as_str()).await?) else {
            return Ok(Err(BadTicket::NothingToAsk));
        };
        let questions = questions(tenant, rule, &record);
        if questions.is_empty() {
            return Ok(Err(BadTicket::NothingToAsk));
        }
        let new_secret = secret.is_none().then(entropy::secret);
        let Some(secret) = secret.or(new_secret.as_deref()) else { return Ok(Err(BadTicket::Unknown)) };
        let browser = self.credentials.hash(&format!("browser {id} {secret}")).to_vec();
        if !self.store.claim_ticket(&tenant.id, &id, &browser).await? {
            return Ok(Err(BadTicket::OtherBrowser));
        }
        let csrf = self.csrf(&format!("ticket {id} {secret}"));
        let return_to = self.return_url(tenant, &ticket.return_to);
        let who = who(&record, &user);
        Ok(Ok(OpenTicket { ticket, user, browser, rule, questions, who, return_to, new_secret, csrf }))
    }

    /// Saves the answers of a page, or a skip.
    ///
    /// # Errors
    /// The store's; what is wrong with the answers is inside.
    pub async fn complete(
        &self,
        tenant: &Tenant,
        open: &OpenTicket<'_>,
        form: &[(String, String)],
        origin: Origin,
    ) -> Result<Completed> {
        if value_of(form, "csrf") != Some(&open.csrf) {
            return Ok(Completed::Refused("this form was not made for this browser, or is too old"));
        }
        let known = |name: &str| {
            matches!(name, "csrf" | "action") || open.questions.iter().any(|question| name == question.name())
        };
        if form.iter().any(|(name, _)| !known(name)) {
            return Ok(Completed::Refused("the form holds a field that this page does not ask"));
        }
        let now = self.clock.now();
        let origin = Origin { credential: format!("ticket {}", open.ticket.id), ..origin };
        let author = Author { source: Source::User, actor: open.user.to_string(), at: now, origin };
        let rule = &open.rule.rule;
        if value_of(form, "action") == Some("skip") {
            if rule.required {
                return Ok(Completed::Refused("these questions cannot be skipped"));
            }
            let days = i64::from(rule.snooze_days.unwrap_or(SNOOZE_DAYS));
            let until = now.saturating_add(SignedDuration::from_hours(24 * days)).ok();
            return self.end_ticket(tenant, open, &Outcome::Skipped(until), &author).await;
        }
        let (mut changes, mut wrong, mut confirmed) = (Vec::new(), Vec::new(), false);
        for question in &open.questions {
            let definition = question.definition;
            let slug = definition.slug.as_str();
            let typed = value_of(form, &question.name()).unwrap_or("");
            if is_blank(typed) {
                if rule.required {
                    let verb = if definition.is_choice() { "Select" } else { "Enter" };
                    wrong.push((slug.to_owned(), format!("{verb} {}", lower_first(definition.label()))));
                }
                continue;
            }
            let checked = |value: Value<'static>| traits::unusable(&value).map_or(Ok(value), |(_, why)| Err(why));
            match definition.read(typed).and_then(checked) {
                // What is confirmed as it stands stays whoever's word it was.
                Ok(value) if value.to_text() == question.value => confirmed = true,
                Ok(value) => {
                    changes.push(tenant.definitions.change(definition.slug.clone(), Some(value)));
                }
                Err(why) => wrong.push((slug.to_owned(), why)),
            }
        }
        if changes.is_empty() && wrong.is_empty() && !confirmed {
            let first = open.questions.first().map_or(String::new(), |question| question.definition.slug.to_string());
            wrong.push((first, "Fill in at least one field, or skip".to_owned()));
        }
        if !wrong.is_empty() {
            return Ok(Completed::Wrong(wrong));
        }
        self.end_ticket(tenant, open, &Outcome::Answered { changes: &changes, optional: !rule.required }, &author).await
    }

    async fn end_ticket(
        &self,
        tenant: &Tenant,
        open: &OpenTicket<'_>,
        outcome: &Outcome<'_>,
        author: &Author,
    ) -> Result<Completed> {
        let ended =
            self.store.complete_ticket(&tenant.id, &open.user, &open.ticket, &open.browser, outcome, author).await?;
        let Some(changed) = ended else { return Ok(Completed::Bad(BadTicket::Used)) };
        self.user_changed(tenant, &open.user, changed).await?;
        Ok(Completed::Done)
    }

    /// Where a ticket's user goes, whatever became of the ticket.
    ///
    /// # Errors
    /// The store's.
    pub async fn ticket_return(&self, tenant: &Tenant, token: &str) -> Result<Option<Url>> {
        let Some(id) = self.tickets.check(&tenant.id, token) else { return Ok(self.return_url(tenant, "")) };
        let ticket = self.store.ticket(&tenant.id, &id).await?;
        Ok(self.return_url(tenant, ticket.as_ref().map_or("", |ticket| &ticket.return_to)))
    }

    /// What a form must carry to have been made by us for the holder of a secret.
    #[must_use]
    pub fn csrf(&self, of: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.credentials.hash(&format!("csrf {of}")))
    }
}

fn value_of<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn questions<'t>(tenant: &'t Tenant, rule: &'t CompiledRule, record: &UserRecord) -> Vec<Question<'t>> {
    let shown = rule.fields.iter().filter(|field| rule.rule.confirm || is_missing(record, field));
    let question = |field: &'t Field| {
        // Rules may be older than definitions: users write what they may write now.
        let definition = tenant.definitions.get(field.slug.as_str())?;
        if definition.kind != field.bag || !definition.writable_by.contains(&Source::User) {
            return None;
        }
        let value =
            record.field(field.bag, field.slug.as_str()).map_or_else(String::new, |value| value.to_value().to_text());
        Some(Question { definition, value })
    };
    shown.filter_map(question).collect()
}

/// What the page calls the user: they are to see whose profile it is.
fn who(record: &UserRecord, user: &UserId) -> String {
    let text = |field: &str| match record.field(Bag::Profile, field) {
        Some(ValueRef::Str(text)) if !text.trim().is_empty() => Some(text.to_string()),
        _ => None,
    };
    match (text("name"), text("email")) {
        (Some(name), Some(email)) => format!("{name} ({email})"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => user.to_string(),
    }
}

fn lower_first(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
