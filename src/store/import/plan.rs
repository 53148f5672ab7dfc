//! What is to be done for one user: what a file says, against what there is. No SQL in here.

use crate::model::{Author, PortableField, PortableUser, Source, Value};

use super::super::fields::{MAX_FIELDS, path, write_value};
use super::super::stamp;
use super::read::{Consent, Field, Identity, Known};
use super::{ImportRefusal, Outcome};

/// What is to be done for a user.
pub(super) struct Plan<'u> {
    pub(super) user: &'u PortableUser,
    pub(super) is_new: bool,
    pub(super) refused: Option<ImportRefusal>,
    /// Rows to be set.
    pub(super) fields: Vec<Field>,
    /// Slugs to be taken away.
    pub(super) taken: Vec<&'u str>,
    /// Name and e-mail address, where they change: the slug, and the text if it is one.
    pub(super) names: Vec<(&'u str, Option<&'u Value<'static>>)>,
    /// Provider, subject, and the rest.
    pub(super) identities: Vec<(&'u str, &'u str, Identity)>,
    /// Purpose, and the rest.
    pub(super) consents: Vec<(&'u str, Consent)>,
    pub(super) logins: Vec<&'u crate::model::CountedLogin>,
    /// What the audit trail tells of it.
    pub(super) story: Story,
    /// What it may tell in digests only.
    pub(super) secret: Story,
}

impl Plan<'_> {
    fn story_of(&mut self, field: &PortableField) -> &mut Story {
        if field.sensitive { &mut self.secret } else { &mut self.story }
    }

    /// Whether there is anything to do.
    pub(super) fn changes(&self) -> bool {
        let nothing = self.fields.is_empty()
            && self.taken.is_empty()
            && self.identities.is_empty()
            && self.consents.is_empty()
            && self.logins.is_empty();
        self.refused.is_none() && (self.is_new || !nothing)
    }

    pub(super) fn outcome(&self) -> Outcome {
        match &self.refused {
            Some(refused) => Outcome::Refused(refused.clone()),
            None if self.is_new => Outcome::Created,
            None if self.changes() => Outcome::Updated,
            None => Outcome::Unchanged,
        }
    }
}

/// What was there of all that changes, and what is there afterwards.
#[derive(Default)]
pub(super) struct Story {
    pub(super) before: Members,
    pub(super) after: Members,
}

/// Members of a JSON object that is written as it grows.
#[derive(Default)]
pub(super) struct Members(String);

impl Members {
    /// Adds one; the value is JSON.
    fn add(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&write_value(&Value::Str(name.into())));
        self.0.push(':');
        self.0.push_str(json);
    }

    /// The object, if it has members.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push('}');
        Some(self.0)
    }
}

/// Plans one user. What a plan takes, such as an identity, is taken for the users that come after it in the batch.
pub(super) fn plan<'u>(known: &mut Known, user: &'u PortableUser, author: &Author) -> Plan<'u> {
    let mut plan = Plan {
        user,
        is_new: !known.users.contains(user.id.as_str()),
        refused: None,
        fields: Vec::new(),
        taken: Vec::new(),
        names: Vec::new(),
        identities: Vec::new(),
        consents: Vec::new(),
        logins: Vec::new(),
        story: Story::default(),
        secret: Story::default(),
    };
    let planned = plan_fields(known, &mut plan, author)
        .and_then(|()| plan_identities(known, &mut plan, author))
        .and_then(|()| plan_logins(known, &mut plan));
    match planned {
        Ok(()) => {
            plan_consents(known, &mut plan, author);
            take(known, &plan);
        }
        Err(refused) => plan.refused = Some(refused),
    }
    plan
}

fn plan_fields(known: &Known, plan: &mut Plan<'_>, author: &Author) -> Result<(), ImportRefusal> {
    let user = plan.user;
    let stored = known.fields.get(user.id.as_str()).map_or(&[][..], Vec::as_slice);
    let now = stamp(author.at);
    let mut count = stored.len();
    for field in &user.fields {
        let before = stored.iter().find(|stored| stored.slug == field.slug.as_str());
        let path = path(field.bag, &field.slug);
        let Some(value) = &field.value else {
            let Some(before) = before else { continue };
            plan.taken.push(field.slug.as_str());
            plan.story_of(field).before.add(&path, &before.value);
            plan.names.extend(noted(field.slug.as_str()).map(|slug| (slug, None)));
            count -= 1;
            continue;
        };
        let value_text = write_value(value);
        let origin = field.origin.as_ref();
        let after = Field {
            slug: field.slug.to_string(),
            bag: field.bag.as_str().to_owned(),
            value: value_text,
            source: origin.map_or(Source::Admin, |origin| origin.source).as_str().to_owned(),
            writer: origin.map_or_else(|| author.actor.clone(), |origin| origin.writer.clone()),
            at: origin.map_or_else(|| now.clone(), |origin| stamp(origin.at)),
        };
        // A file that does not say where a value came from leaves that as it is when it repeats the value: otherwise a
        // spreadsheet that goes out and comes in again would make an admin's word of all that users said themselves.
        let same = before.is_some_and(|before| {
            before.value == after.value
                && before.bag == after.bag
                && (origin.is_none()
                    || before.source == after.source && before.writer == after.writer && before.at == after.at)
        });
        if same {
            continue;
        }
        match before {
            Some(before) => plan.story_of(field).before.add(&path, &before.value),
            None => count += 1,
        }
        plan.story_of(field).after.add(&path, &after.value);
        plan.names.extend(noted(field.slug.as_str()).map(|slug| (slug, Some(value))));
        plan.fields.push(after);
    }
    if count > MAX_FIELDS { Err(ImportRefusal::TooManyTraits(MAX_FIELDS)) } else { Ok(()) }
}

/// The slugs that users are looked for by.
fn noted(slug: &str) -> Option<&str> {
    matches!(slug, "name" | "email").then_some(slug)
}

fn plan_identities(known: &Known, plan: &mut Plan<'_>, author: &Author) -> Result<(), ImportRefusal> {
    let user = plan.user;
    for identity in &user.identities {
        let key = (identity.provider.clone(), identity.subject.clone());
        let before = known.identities.get(&key);
        if before.is_some_and(|before| before.owner != user.id.as_str()) {
            let (provider, subject) = key;
            return Err(ImportRefusal::IdentityOfAnother { provider, subject });
        }
        let given = identity.linked_at.map(stamp);
        let linked_at =
            given.or_else(|| before.map(|before| before.linked_at.clone())).unwrap_or_else(|| stamp(author.at));
        let after = Identity { owner: user.id.to_string(), kind: identity.kind.clone(), linked_at };
        if before.is_some_and(|before| before.kind == after.kind && before.linked_at == after.linked_at) {
            continue;
        }
        plan.story.after.add(&format!("identity {} {}", identity.provider, identity.subject), "true");
        plan.identities.push((&identity.provider, &identity.subject, after));
    }
    Ok(())
}

fn plan_consents(known: &Known, plan: &mut Plan<'_>, author: &Author) {
    let user = plan.user;
    for consent in &user.consents {
        let before = known.consents.get(&(user.id.to_string(), consent.purpose.clone()));
        let still = before.filter(|before| before.version == consent.version).map(|before| before.given_at.clone());
        let given = consent.given_at.map(stamp);
        let after = Consent {
            version: consent.version.clone(),
            given_at: given.or(still).unwrap_or_else(|| stamp(author.at)),
            withdrawn_at: consent.withdrawn_at.map(stamp),
        };
        let same = before.is_some_and(|before| {
            before.version == after.version
                && before.given_at == after.given_at
                && before.withdrawn_at == after.withdrawn_at
        });
        if same {
            continue;
        }
        let given = if after.withdrawn_at.is_none() { "true" } else { "false" };
        plan.story.after.add(format!("consent {} {}", consent.purpose, consent.version).trim_end(), given);
        plan.consents.push((&consent.purpose, after));
    }
}

fn plan_logins(known: &Known, plan: &mut Plan<'_>) -> Result<(), ImportRefusal> {
    let user = plan.user;
    for login in &user.logins {
        match known.logins.get(&login.login_id) {
            Some(owner) if owner != user.id.as_str() => {
                return Err(ImportRefusal::LoginOfAnother(login.login_id.clone()));
            }
            // What was counted stays as it was counted.
            Some(_) => {}
            None => plan.logins.push(login),
        }
    }
    if !plan.logins.is_empty() {
        plan.story.after.add("logins added", &plan.logins.len().to_string());
    }
    Ok(())
}

fn take(known: &mut Known, plan: &Plan<'_>) {
    for (provider, subject, identity) in &plan.identities {
        let Identity { owner, kind, linked_at } = identity;
        let taken = Identity { owner: owner.clone(), kind: kind.clone(), linked_at: linked_at.clone() };
        known.identities.insert(((*provider).to_owned(), (*subject).to_owned()), taken);
    }
    for login in &plan.logins {
        known.logins.insert(login.login_id.clone(), plan.user.id.to_string());
    }
}
