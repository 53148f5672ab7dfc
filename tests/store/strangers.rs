//! Tenants are strangers: whatever others do, each sees exactly what it would see if it were alone.
//!
//! Three tenants act at random, with the same ids of everything. Then the acts of each are done once more by a tenant
//! with which nobody interferes, and every answer must be the same: values, revisions, numbers of the audit trail.

use std::fmt::Debug;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use sidegate::model::{
    Credential, IdempotencyKey, Object, Precondition, Scopes, Source, TenantId, TenantScope, UserId, UserRecord,
};
use sidegate::store::{DocumentKind, FactCache, Name, Outcome, Report, Result, Store, StoredResource, Ticket};

use crate::support::count;

use super::logins::{consent, identity};
use super::resources::{object, resource};
use super::tickets::ticket;
use super::{add_tenants, at, author, change, on_a_store, profile, tenant, text, user};

const USERS: [&str; 4] = ["alice", "Alice", "\u{e4}", "a/b"];
const TENANTS: usize = 3;

/// What a tenant does; small numbers name things, so that they meet.
#[derive(Debug, Clone)]
enum Act {
    Edit { user: usize, field: usize, value: Option<u8> },
    Login { user: usize, login: u8, subject: u8, version: u8 },
    Issue { ticket: u8, user: usize, login: u8 },
    Claim { ticket: u8, browser: u8 },
    Complete { ticket: u8, browser: u8, skip: bool },
    Resource { id: u8, value: Option<u8> },
    Document { name: u8, body: Option<u8> },
    Erase { user: usize },
    Keyed { key: u8, user: usize, value: u8 },
    Grant { hash: u8, end: bool },
    Token { id: u8, revoke: bool },
    Decide { user: usize, resource: u8 },
    Look { user: usize },
}

fn act() -> impl Strategy<Value = Act> {
    let (user, small) = (0..USERS.len(), 0..3_u8);
    let value = || proptest::option::weighted(0.8, 0..3_u8);
    prop_oneof![
        4 => (user.clone(), 0..3_usize, value()).prop_map(|(user, field, value)| Act::Edit { user, field, value }),
        2 => (user.clone(), small.clone(), small.clone(), small.clone())
            .prop_map(|(user, login, subject, version)| Act::Login { user, login, subject, version }),
        1 => (small.clone(), user.clone(), small.clone())
            .prop_map(|(ticket, user, login)| Act::Issue { ticket, user, login }),
        1 => (small.clone(), small.clone()).prop_map(|(ticket, browser)| Act::Claim { ticket, browser }),
        2 => (small.clone(), small.clone(), any::<bool>())
            .prop_map(|(ticket, browser, skip)| Act::Complete { ticket, browser, skip }),
        2 => (small.clone(), value()).prop_map(|(id, value)| Act::Resource { id, value }),
        1 => (small.clone(), value()).prop_map(|(name, body)| Act::Document { name, body }),
        1 => user.clone().prop_map(|user| Act::Erase { user }),
        2 => (small.clone(), user.clone(), small.clone())
            .prop_map(|(key, user, value)| Act::Keyed { key, user, value }),
        1 => (small.clone(), any::<bool>()).prop_map(|(hash, end)| Act::Grant { hash, end }),
        1 => (small.clone(), any::<bool>()).prop_map(|(id, revoke)| Act::Token { id, revoke }),
        4 => (user.clone(), small).prop_map(|(user, resource)| Act::Decide { user, resource }),
        2 => user.prop_map(|user| Act::Look { user }),
    ]
}

/// A store with the caches of a process over it.
struct World<'s> {
    store: &'s Store,
    users: FactCache<UserRecord>,
    resources: FactCache<Object<'static>>,
}

impl World<'_> {
    /// Acts for a tenant, and tells all that it was told, without numbers of the whole instance.
    async fn act(&self, of: &TenantId, label: usize, second: i64, act: &Act) -> String {
        let store = self.store;
        let secret = |number: u8| text(&format!("of tenant {label}: {number}"));
        let name = |number: &usize| user(USERS[*number]);
        match act {
            Act::Edit { user, field, value } => {
                let value = value.map(secret);
                let changes = match field {
                    0 => vec![change("plan", value)],
                    1 => vec![profile("name", value)],
                    _ => vec![change("plan", value.clone()), change("seat", value)],
                };
                let edit = |_: &[_]| Ok::<_, sidegate::store::StoreError>(changes);
                let edited = store.edit_fields(of, &name(user), &author(Source::Admin, second), edit).await;
                let after = edited.as_ref().map(|edited| format!("{:?}", edited.after)).unwrap_or_default();
                after + &self.changed(of, &name(user), edited.map(|edited| edited.change))
            }
            Act::Login { user, login, subject, version } => {
                let report = Report {
                    login_id: &format!("l{login}"),
                    client: Some(USERS[*user]),
                    fields: vec![profile("name", Some(secret(*version)))],
                    identities: vec![identity("github", &subject.to_string())],
                    consents: vec![consent("news", &version.to_string(), (*version == 0).then_some(second))],
                };
                let said = store.report_login(of, &name(user), &report, &author(Source::Idp, second)).await;
                self.changed(of, &name(user), said.map(Some))
            }
            Act::Issue { ticket: id, user, login } => {
                let return_to = format!("of tenant {label}");
                let ticket = ticket(&format!("t{id}"), &format!("l{login}"));
                let ticket = Ticket { user: USERS[*user].to_owned(), return_to, ..ticket };
                told(store.insert_ticket(of, &ticket, at(0)).await)
            }
            Act::Claim { ticket, browser } => told(store.claim_ticket(of, &format!("t{ticket}"), &[*browser]).await),
            Act::Complete { ticket, browser, skip } => {
                let Some(ticket) = store.ticket(of, &format!("t{ticket}")).await.unwrap() else {
                    return "no ticket".to_owned();
                };
                let changes = [profile("name", Some(secret(7)))];
                let outcome = match skip {
                    true => Outcome::Skipped(Some(at(second + 9))),
                    false => Outcome::Answered { changes: &changes, optional: true },
                };
                let (whose, say) = (user(&ticket.user), author(Source::User, second));
                let ended = store.complete_ticket(of, &whose, &ticket, &[*browser], &outcome, &say).await;
                format!("{ticket:?} ") + &self.changed(of, &whose, ended)
            }
            Act::Resource { id, value } => {
                let doc = resource("doc", &id.to_string());
                let after = value.map(|value| object(&format!("{{\"owner\": \"of tenant {label}: {value}\"}}")));
                let edit = |before: Option<&StoredResource>| {
                    let seen = format!("{before:?}");
                    assert!(!tells_of_others(&seen, label), "{seen}");
                    Ok::<_, sidegate::store::StoreError>(after)
                };
                let changed = store.edit_resource(of, &doc, &author(Source::Admin, second), edit).await.unwrap();
                let Some(changed) = changed else { return "as it was".to_owned() };
                let key = Name::resource(doc.kind(), doc.id());
                match &changed.attributes {
                    Some(attributes) => self.resources.written(of, key, changed.seq, attributes.clone()),
                    None => self.resources.changed(of, key, changed.seq),
                }
                format!("{} {:?}", changed.revision, changed.attributes)
            }
            Act::Document { name, body } => {
                let (kind, body) =
                    (DocumentKind::Definition, body.map(|body| format!("\"of tenant {label}: {body}\"")));
                let (name, admin) = (name.to_string(), author(Source::Admin, second));
                let set = store
                    .set_document(of, (kind, &name), body.as_deref(), &admin, &Precondition::default())
                    .await
                    .unwrap();
                format!("{} {}", set.revision, set.existed)
            }
            Act::Keyed { key, user, value } => {
                let user_id = Some(USERS[*user].to_owned());
                let key = IdempotencyKey { key: format!("k{key}"), fingerprint: [*value; 32], user: user_id };
                let mut say = author(Source::Admin, second);
                say.origin.idempotency = Some(key.clone());
                let before = store.earlier(of, &say, &key).await.unwrap();
                let changes = vec![change("plan", Some(secret(*value)))];
                let edited = store.edit_fields(of, &name(user), &say, |_| Ok(changes)).await;
                let edited = self.changed(of, &name(user), edited.map(|edited| edited.change));
                store.keep_answer(of, &say, &key, &format!("of tenant {label}: at {second}")).await.unwrap();
                let after = store.earlier(of, &say, &key).await.unwrap();
                format!("{before:?} {edited} {after:?}")
            }
            Act::Erase { user } => {
                let erased = store.erase_user(of, &name(user), &author(Source::Admin, second)).await.unwrap();
                if let Some(erased) = erased {
                    self.users.changed(of, Name::user(USERS[*user]), erased.seq);
                }
                format!("{:?}", erased.map(|erased| erased.revision))
            }
            Act::Grant { hash, end } => {
                let (own, actor) = (format!("{hash} {of}"), format!("of tenant {label}"));
                let done = match end {
                    true => told(store.delete_grant(of, own.as_bytes()).await),
                    false => told(store.insert_grant(of, "link", own.as_bytes(), &actor, at(99), at(1)).await),
                };
                for other in (0..TENANTS).filter(|other| *other != label) {
                    let theirs = format!("{hash} together-{other}");
                    assert_eq!(store.find_grant(of, "link", theirs.as_bytes(), at(2)).await.unwrap(), None);
                    assert!(!store.delete_grant(of, theirs.as_bytes()).await.unwrap());
                }
                done + &told(store.find_grant(of, "link", own.as_bytes(), at(2)).await)
            }
            Act::Token { id, revoke } => {
                let id = format!("{of} {id}");
                if *revoke {
                    return told(store.revoke_token(Some(of), &id, &author(Source::Admin, second)).await);
                }
                let scopes = Scopes::parse("decide").unwrap();
                let one = Credential { id, tenant: TenantScope::One(of.clone()), scopes, expires_at: None };
                let author = author(Source::Admin, second);
                told(store.insert_token(&one, "", format!("hash {}", one.id).as_bytes(), &author).await)
            }
            Act::Decide { user, resource } => self.decide(of, USERS[*user], &resource.to_string()).await,
            Act::Look { user } => look(store, of, &name(user)).await,
        }
    }

    /// What a decision reads: from memory where it is there.
    async fn decide(&self, of: &TenantId, id: &str, doc: &str) -> String {
        let (name, whose) = (Name::user(id), user(id));
        let user = match self.users.get(of, name) {
            Some(known) => known,
            None => self.users.load(of, name, || self.store.load_user(of, &whose)).await.unwrap(),
        };
        let (name, which) = (Name::resource("doc", doc), resource("doc", doc));
        let resource = match self.resources.get(of, name) {
            Some(known) => known,
            None => self.resources.load(of, name, || self.store.load_resource(of, &which)).await.unwrap(),
        };
        format!("{user:?} {resource:?}")
    }

    fn changed(&self, of: &TenantId, id: &UserId, changed: Result<Option<sidegate::store::UserChanged>>) -> String {
        match changed {
            Err(error) => error.to_string(),
            Ok(None) => "no change".to_owned(),
            Ok(Some(changed)) => {
                self.users.written(of, Name::user(id.as_str()), changed.seq, changed.user.clone());
                format!("{:?} {} {:?}", changed.existed, changed.revision, changed.user)
            }
        }
    }
}

fn told<T: Debug>(result: Result<T>) -> String {
    result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

/// All that a tenant can see, and all of one of its users.
async fn look(store: &Store, of: &TenantId, id: &UserId) -> String {
    let prompts = store.prompts(of, id).await.unwrap().into_iter().collect::<std::collections::BTreeMap<_, _>>();
    let tenants = store.tenant(of).await.unwrap().map(|row| row.revision);
    let seen: [&dyn Debug; 14] = [
        &tenants,
        &store.fields(of, id).await.unwrap(),
        &store.load_user(of, id).await.unwrap().1,
        &store.identities(of, id).await.unwrap(),
        &store.consents(of, id).await.unwrap(),
        &store.logins(of, id, 2).await.unwrap(),
        &prompts,
        &store.list_users(of, "", "", 9).await.unwrap(),
        &store.list_users(of, "OF TENANT", "A", 2).await.unwrap(),
        &store.records_after(of, "", 9).await.unwrap(),
        &store.audit_before(of, (None, None), i64::MAX, 999).await.unwrap(),
        &store.audit_before(of, (Some(id.as_str()), Some("field.set")), 9, 9).await.unwrap(),
        &store.documents(of, DocumentKind::Definition).await.unwrap(),
        &store.list_tokens(Some(of), "", 99).await.unwrap(),
    ];
    let mut all = seen.map(|part| format!("{part:?}")).join("\n");
    for number in 0..3 {
        all += &told(store.ticket(of, &format!("t{number}")).await);
        all += &told(store.prompted(of, &format!("l{number}")).await);
        all += &told(store.resource(of, &resource("doc", &number.to_string())).await);
    }
    all
}

fn tells_of_others(text: &str, label: usize) -> bool {
    (0..TENANTS).any(|other| other != label && text.contains(&format!("of tenant {other}")))
}

#[test]
fn what_others_do_makes_no_difference_to_a_tenant() {
    let acts = proptest::collection::vec((0..TENANTS, act()), 30..90);
    let config =
        Config { cases: count(8, 60) as u32, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&acts, |mut acts| {
        // In the end, everybody looks at everybody.
        let all = (0..TENANTS).flat_map(|of| (0..USERS.len()).map(move |user| (of, user)));
        acts.extend(all.flat_map(|(of, user)| [(of, Act::Decide { user, resource: 0 }), (of, Act::Look { user })]));
        let mut wrong = None;
        on_a_store(async |store, _| wrong = interferes(store, &acts).await);
        wrong.map_or(Ok(()), |wrong| Err(TestCaseError::fail(wrong)))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// The first answer that is another one alone, if there is one.
async fn interferes(store: &Store, acts: &[(usize, Act)]) -> Option<String> {
    let world = || World {
        store,
        users: FactCache::new(1 << 20, Arc::default(), None),
        resources: FactCache::new(1 << 20, Arc::default(), None),
    };
    let names = (0..TENANTS).flat_map(|label| [format!("together-{label}"), format!("alone-{label}")]);
    add_tenants(store, &names.collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (together, mut answers) = (world(), Vec::new());
    for (second, (label, act)) in acts.iter().enumerate() {
        let of = tenant(&format!("together-{label}"));
        let answer = together.act(&of, *label, second as i64, act).await.replace(of.as_str(), "self");
        if tells_of_others(&answer, *label) {
            return Some(format!("{label} {act:?} is told of others: {answer}"));
        }
        answers.push(answer);
    }
    for alone in 0..TENANTS {
        let (world, of) = (world(), tenant(&format!("alone-{alone}")));
        for (second, (label, act)) in acts.iter().enumerate().filter(|(_, (label, _))| *label == alone) {
            let answer = world.act(&of, *label, second as i64, act).await.replace(of.as_str(), "self");
            if answer != answers[second] {
                return Some(format!("{label} {act:?}\n alone: {answer}\n with others: {}", answers[second]));
            }
        }
    }
    None
}
