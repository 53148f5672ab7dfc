//! Tenants over HTTP: whatever they do at random, with the same names for everything, each is told what a model of it
//! alone says, and nothing of another's: in reads, lists, cursors, entity tags, tokens, decisions.

use std::collections::BTreeMap;

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server, Setup, count};

const TENANTS: [&str; 3] = ["acme", "beta", "gamma"];
const USERS: [&str; 3] = ["alice", "Alice", "%C3%A4"];
const SLUGS: [&str; 2] = ["plan", "seat"];
const POLICY: &str = r#"
allow owner { action "edit" resource "doc" when user.traits.plan == resource.owner }
allow seated { action "view" resource "doc" when has(user.traits.seat) }
"#;

/// What a tenant does, or tries with what is another's.
#[derive(Debug, Clone)]
enum Act {
    Put { user: usize, slug: usize, value: u8, condition: Option<usize> },
    Patch { user: usize, plan: Option<u8>, seat: Option<u8> },
    Delete { user: usize, slug: usize },
    Erase { user: usize },
    Resource { id: u8, owner: Option<u8> },
    Login { user: usize, login: u8, subject: u8 },
    Read { user: usize },
    List { cursor_of: usize },
    Audit { cursor_of: usize },
    Decide { user: usize, id: u8 },
    Stray { at: usize, user: usize },
}

fn act() -> impl Strategy<Value = Act> {
    let (user, slug, value, of) = (0..USERS.len(), 0..SLUGS.len(), 0..2_u8, 0..TENANTS.len());
    let maybe = || proptest::option::weighted(0.7, 0..2_u8);
    prop_oneof![
        4 => (user.clone(), slug.clone(), value.clone(), proptest::option::of(of.clone()))
            .prop_map(|(user, slug, value, condition)| Act::Put { user, slug, value, condition }),
        2 => (user.clone(), maybe(), maybe()).prop_map(|(user, plan, seat)| Act::Patch { user, plan, seat }),
        1 => (user.clone(), slug).prop_map(|(user, slug)| Act::Delete { user, slug }),
        1 => user.clone().prop_map(|user| Act::Erase { user }),
        3 => (value.clone(), maybe()).prop_map(|(id, owner)| Act::Resource { id, owner }),
        2 => (user.clone(), value.clone(), value.clone())
            .prop_map(|(user, login, subject)| Act::Login { user, login, subject }),
        2 => user.clone().prop_map(|user| Act::Read { user }),
        1 => of.clone().prop_map(|cursor_of| Act::List { cursor_of }),
        1 => of.clone().prop_map(|cursor_of| Act::Audit { cursor_of }),
        5 => (user.clone(), value).prop_map(|(user, id)| Act::Decide { user, id }),
        1 => (of, user).prop_map(|(at, user)| Act::Stray { at, user }),
    ]
}

/// What a tenant must see.
#[derive(Default)]
struct Model {
    /// Fields of those who are known, each with its tag.
    users: BTreeMap<usize, BTreeMap<usize, (String, String)>>,
    resources: BTreeMap<u8, String>,
    /// Whose login, and whose identity, by number.
    logins: BTreeMap<u8, usize>,
    subjects: BTreeMap<u8, usize>,
    entries: u64,
    /// A cursor of the list of users, and of the audit trail, while they count.
    cursors: [Option<String>; 2],
}

struct World {
    server: Server,
    admin: Client,
    /// Clients with tokens of one tenant each.
    own: Vec<Client>,
    models: [Model; 3],
}

impl World {
    fn new() -> Self {
        let setup = TENANTS.iter().fold(Setup::new(), |setup, of| setup.policy(&format!("{of}/{of}.policy"), POLICY));
        let server = setup.start();
        let token = |of: &&str| server.token(&["service-token", "--tenant", of, "--scope", "admin"]);
        let own = TENANTS.iter().map(|of| server.client(Some(&token(of)))).collect();
        let admin = server.admin();
        // The trail of each begins with the making of its token.
        let models = std::array::from_fn(|_| Model { entries: 1, ..Model::default() });
        Self { server, admin, own, models }
    }

    /// Asks as a tenant, and insists that the answer tells nothing of others.
    fn ask(&self, of: usize, method: Method, below: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers: Vec<_> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.own[of].send(method, &format!("/t/{}{below}", TENANTS[of]), &headers, body);
        let told = String::from_utf8(answer.body.to_vec()).unwrap();
        for other in (0..TENANTS.len()).filter(|other| *other != of) {
            assert!(!told.contains(&secret(other, 0)) && !told.contains(&secret(other, 1)), "{below}: {told}");
        }
        answer
    }

    fn get(&self, of: usize, below: &str) -> Answer {
        self.ask(of, Method::GET, below, &[], &Value::Null)
    }

    fn act(&mut self, of: usize, act: &Act) {
        match *act {
            Act::Put { user, slug, value, condition } => self.put(of, user, slug, value, condition),
            Act::Patch { user, plan, seat } => {
                let value = |value: Option<u8>| value.map(|value| secret(of, value));
                let changes = [value(plan), value(seat)];
                let body = json!({ "plan": changes[0], "seat": changes[1] });
                let answer = self.ask(of, Method::PATCH, &fields(user), &[], &body);
                assert_eq!(answer.status, 200, "{answer:?}");
                let before = self.models[of].users.get(&user).cloned();
                let mut after = before.clone().unwrap_or_default();
                for (slug, change) in changes.into_iter().enumerate() {
                    let was = after.get(&slug).map(|(value, _)| value.clone());
                    self.models[of].entries += u64::from(was != change);
                    match change {
                        None => drop(after.remove(&slug)),
                        Some(value) if was.as_ref() == Some(&value) => {}
                        Some(value) => drop(after.insert(slug, (value, String::new()))),
                    }
                }
                // Nothing to take away from nobody makes nobody.
                if before.is_some() || !after.is_empty() {
                    self.models[of].users.insert(user, after);
                }
                self.learn_tags(of, user);
            }
            Act::Delete { user, slug } => {
                let answer = self.ask(of, Method::DELETE, &field(user, slug), &[], &Value::Null);
                let removed = self.models[of].users.get_mut(&user).and_then(|fields| fields.remove(&slug));
                assert_eq!(answer.status, if removed.is_some() { 204 } else { 404 });
                self.models[of].entries += u64::from(removed.is_some());
            }
            Act::Erase { user } => {
                let below = format!("/api/v1/users/{}", USERS[user]);
                let answer = self.ask(of, Method::DELETE, &below, &[], &Value::Null);
                let model = &mut self.models[of];
                let known = model.users.remove(&user).is_some();
                assert_eq!(answer.status, if known { 204 } else { 404 });
                model.entries += u64::from(known);
                model.logins.retain(|_, whose| *whose != user);
                model.subjects.retain(|_, whose| *whose != user);
            }
            Act::Resource { id, owner } => {
                let below = format!("/api/v1/abac/resources/doc/{id}/attributes");
                let owner = owner.map(|owner| secret(of, owner));
                let (method, body) = match &owner {
                    Some(owner) => (Method::PUT, json!({ "owner": owner })),
                    None => (Method::DELETE, Value::Null),
                };
                let status = self.ask(of, method, &below, &[], &body).status;
                let model = &mut self.models[of];
                let before = model.resources.remove(&id);
                model.entries += u64::from(before != owner);
                assert_eq!(
                    status,
                    match (&before, &owner) {
                        (None, Some(_)) => 201,
                        (Some(_), Some(_)) => 200,
                        (Some(_), None) => 204,
                        (None, None) => 404,
                    }
                );
                model.resources.extend(owner.map(|owner| (id, owner)));
                let stored = self.get(of, &below);
                let expected = self.models[of].resources.get(&id).map(|owner| json!({ "owner": owner }));
                let found = (stored.status == 200).then(|| stored.json()["attributes"].clone());
                assert_eq!(found, expected);
            }
            Act::Login { user, login, subject } => self.login(of, user, login, subject),
            Act::Read { user } => self.read(of, user),
            Act::List { cursor_of } => self.list(of, cursor_of),
            Act::Audit { cursor_of } => self.audit(of, cursor_of),
            Act::Decide { user, id } => self.decide(of, user, id),
            Act::Stray { at, user } => self.stray(of, at, user),
        }
    }

    fn put(&mut self, of: usize, user: usize, slug: usize, value: u8, condition: Option<usize>) {
        let tag = |of: usize| self.models[of].users.get(&user)?.get(&slug).map(|(_, tag)| tag.clone());
        // The tag of another's field of that name: revisions are small, so it may be the own one by chance.
        let condition = condition.map(|of| tag(of).unwrap_or_else(|| "\"none\"".to_owned()));
        let allowed = condition.is_none() || condition == tag(of);
        let headers: Vec<_> = condition.iter().map(|tag| ("if-match", tag.as_str())).collect();
        let body = json!({ "value": secret(of, value) });
        let answer = self.ask(of, Method::PUT, &field(user, slug), &headers, &body);
        if !allowed {
            assert_eq!(answer.status, 412, "{answer:?}");
            return;
        }
        let tag = answer.header("etag").to_owned();
        let model = &mut self.models[of];
        let before = model.users.entry(user).or_default().insert(slug, (secret(of, value), tag.clone()));
        assert_eq!(answer.status, if before.is_some() { 200 } else { 201 }, "{answer:?}");
        match before {
            Some((same, its_tag)) if same == secret(of, value) => assert_eq!(its_tag, tag),
            _ => model.entries += 1,
        }
    }

    /// Takes over tags of single fields, which a change of several does not tell, and holds their values against the model.
    fn learn_tags(&mut self, of: usize, user: usize) {
        for slug in 0..SLUGS.len() {
            let answer = self.get(of, &field(user, slug));
            let known = self.models[of].users.get_mut(&user).and_then(|fields| fields.get_mut(&slug));
            assert_eq!(answer.status == 200, known.is_some());
            if let Some((value, tag)) = known {
                assert_eq!(answer.json()["value"], *value);
                assert!(tag.is_empty() || *tag == answer.header("etag"), "a tag stays while the value does");
                *tag = answer.header("etag").to_owned();
            }
        }
    }

    fn login(&mut self, of: usize, user: usize, login: u8, subject: u8) {
        let body = json!({
            "userId": raw(user), "loginId": format!("l{login}"),
            "identities": [{ "provider": "github", "subject": subject.to_string() }],
        });
        let answer = self.ask(of, Method::POST, "/api/v1/profiling/check", &[], &body);
        let model = &mut self.models[of];
        if model.logins.get(&login).is_some_and(|whose| *whose != user) {
            assert_eq!(answer.status, 422, "{answer:?}");
            return;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        model.logins.insert(login, user);
        model.users.entry(user).or_default();
        model.entries += u64::from(!model.subjects.contains_key(&subject));
        model.subjects.entry(subject).or_insert(user);
    }

    fn read(&self, of: usize, user: usize) {
        let (model, below) = (&self.models[of], format!("/api/v1/users/{}", USERS[user]));
        let (known, identities) = (self.get(of, &below), self.get(of, &format!("{below}/identities")));
        let Some(expected) = model.users.get(&user) else {
            assert_eq!((known.status.as_u16(), identities.status.as_u16()), (404, 404));
            return;
        };
        let traits: BTreeMap<&str, &str> =
            expected.iter().map(|(slug, (value, _))| (SLUGS[*slug], value.as_str())).collect();
        assert_eq!(known.json()["traits"], json!(traits));
        let subjects: Vec<String> = model
            .subjects
            .iter()
            .filter(|(_, whose)| **whose == user)
            .map(|(subject, _)| subject.to_string())
            .collect();
        let found = identities.json();
        let found: Vec<_> = found["identities"].as_array().unwrap().iter().map(|one| &one["subject"]).collect();
        assert_eq!(json!(found), json!(subjects));
    }

    /// The list of users page by page, and what the cursor of a tenant leads to here.
    fn list(&mut self, of: usize, cursor_of: usize) {
        let mut expected: Vec<String> = self.models[of].users.keys().map(|user| raw(*user)).collect();
        expected.sort();
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(of, &format!("/api/v1/users?limit=1{cursor}")).json();
            found.extend(
                page["users"].as_array().unwrap().iter().map(|user| user["userId"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            self.models[of].cursors[0] = Some(next.to_owned());
        }
        assert_eq!(found, expected);
        self.cursor(of, cursor_of, 0, "users");
    }

    fn audit(&mut self, of: usize, cursor_of: usize) {
        let page = self.get(of, "/api/v1/audit?limit=500").json();
        let numbers: Vec<_> =
            page["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=self.models[of].entries).rev().collect::<Vec<_>>());
        if let Some(next) = self.get(of, "/api/v1/audit?limit=1").json()["next"].as_str() {
            self.models[of].cursors[1] = Some(next.to_owned());
        }
        self.cursor(of, cursor_of, 1, "audit");
    }

    fn cursor(&self, of: usize, cursor_of: usize, which: usize, list: &str) {
        if let Some(cursor) = &self.models[cursor_of].cursors[which] {
            let answer = self.get(of, &format!("/api/v1/{list}?limit=1&cursor={cursor}"));
            assert_eq!(answer.status, if of == cursor_of { 200 } else { 400 }, "{answer:?}");
        }
    }

    fn decide(&self, of: usize, user: usize, id: u8) {
        let model = &self.models[of];
        let field = |slug: usize| model.users.get(&user)?.get(&slug).map(|(value, _)| value);
        let owner = model.resources.get(&id);
        for (action, expected) in [("edit", owner.is_some() && field(0) == owner), ("view", field(1).is_some())] {
            let body = json!({
                "subject": { "type": "user", "id": raw(user) },
                "action": { "name": action },
                "resource": { "type": "doc", "id": id.to_string() },
            });
            let answer = self.ask(of, Method::POST, "/access/v1/evaluation", &[], &body);
            assert_eq!(answer.json()["decision"], expected, "{action}");
        }
    }

    /// A tenant's token at another tenant: told the same as at one that is not there, whatever it asks.
    fn stray(&self, of: usize, at: usize, user: usize) {
        if of == at {
            return;
        }
        for below in [fields(user), "/api/v1/users".to_owned(), "/api/v1/audit".to_owned(), field(user, 0)] {
            let there = self.own[of].get(&format!("/t/{}{below}", TENANTS[at]));
            let nowhere = self.own[of].get(&format!("/t/nowhere{below}"));
            assert_eq!((there.status.as_u16(), nowhere.status.as_u16()), (404, 404));
            assert_eq!(there.json()["detail"], nowhere.json()["detail"]);
        }
        let write =
            self.own[of].json(Method::PUT, &format!("/t/{}{}", TENANTS[at], field(user, 0)), &json!({ "value": 1 }));
        assert_eq!(write.status, 404);
    }
}

fn secret(of: usize, number: u8) -> String {
    format!("secret of {} {number}", TENANTS[of])
}

fn raw(user: usize) -> String {
    percent_encoding::percent_decode_str(USERS[user]).decode_utf8().unwrap().into_owned()
}

fn fields(user: usize) -> String {
    format!("/api/v1/abac/users/{}/attributes", USERS[user])
}

fn field(user: usize, slug: usize) -> String {
    format!("{}/{}", fields(user), SLUGS[slug])
}

#[test]
fn each_tenant_sees_its_own_and_nothing_else() {
    let acts = proptest::collection::vec((0..TENANTS.len(), act()), 40..120);
    let config =
        Config { cases: count(3, 25) as u32, max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&acts, |acts| {
        let mut world = World::new();
        for (of, act) in &acts {
            world.act(*of, act);
        }
        for (of, name) in TENANTS.iter().enumerate() {
            for user in 0..USERS.len() {
                world.read(of, user);
                (0..2).for_each(|id| world.decide(of, user, id));
                (0..TENANTS.len()).for_each(|at| world.stray(of, at, user));
            }
            for other in 0..TENANTS.len() {
                world.list(of, other);
                world.audit(of, other);
            }
            // The instance's admin sees each as it sees itself.
            let page = world.admin.get(&format!("/t/{name}/api/v1/users")).json();
            assert_eq!(page, world.get(of, "/api/v1/users").json());
        }
        // From memory or from the disk, it is the same.
        let token = |of: &&str| world.server.token(&["service-token", "--tenant", of, "--scope", "admin"]);
        let tokens: Vec<String> = TENANTS.iter().map(token).collect();
        world.server.kill();
        world.server.restart();
        world.own = tokens.iter().map(|token| world.server.client(Some(token))).collect();
        for of in 0..TENANTS.len() {
            for user in 0..USERS.len() {
                (0..2).for_each(|id| world.decide(of, user, id));
                world.read(of, user);
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
