//! Facts and questions as JSON, odd values among them.

use std::fmt::{self, Debug, Formatter};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sidegate::model::{
    Action, Bag, Entity, Facts, Given, Object, Query, SelfAsserted, Slug, Stored, UserRecord, Value,
};

type Json = BoxedStrategy<String>;

/// All that is known.
#[derive(Clone)]
pub struct World {
    pub user: Given<'static>,
    pub resource: Given<'static>,
    pub login: Given<'static>,
    pub token: Given<'static>,
    pub self_asserted: Vec<(Bag, Slug)>,
    /// The user and the logins once more, as the cache packs them: in about half of all worlds.
    record: Option<UserRecord>,
}

impl World {
    /// What the engine is given.
    pub fn facts(&self, query: &Query<'_>) -> Facts<'_> {
        let Some(record) = &self.record else { return self.written(query) };
        let mut facts = self.written(query);
        if matches!(facts.user, Stored::Present(_)) {
            facts.user = Stored::Present(record.user());
        }
        if matches!(facts.login, Stored::Present(_)) {
            facts.login = Stored::Present(record.login());
        }
        if query.subject.user_id().is_some() {
            facts.self_asserted = record.self_asserted();
        }
        facts
    }

    /// What the reference is given: nothing of it is packed.
    pub fn written(&self, query: &Query<'_>) -> Facts<'_> {
        let token = match &self.token {
            Given::Present(claims) => Some(claims),
            Given::Absent | Given::Unreachable => None,
        };
        let (user, resource, login) = (self.user.stored(), self.resource.stored(), self.login.stored());
        // engine: facts of a user that come with another subject are read by `self_asserted`, and for such a subject
        // `login` is known to be absent in an outage.
        let (login, self_asserted) = match query.subject.user_id() {
            Some(_) => (login, self.self_asserted.as_slice()),
            None => (Stored::Absent, &[][..]),
        };
        let self_asserted = SelfAsserted::Listed(self_asserted);
        Facts { user, resource, token, login, self_asserted }
    }

    /// The same with parts of the store out of reach.
    pub fn outages(&self) -> impl Iterator<Item = World> {
        (1..8).map(|parts| {
            let mut world = self.clone();
            for (bit, part) in [&mut world.user, &mut world.resource, &mut world.login].into_iter().enumerate() {
                if parts & (1 << bit) != 0 {
                    *part = Given::Unreachable;
                }
            }
            world
        })
    }
}

impl Debug for World {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { user, resource, login, token, self_asserted, record } = self;
        write!(f, "\n  user {user:?}\n  resource {resource:?}\n  login {login:?}\n  token {token:?}\n  ")?;
        write!(f, "self-asserted {self_asserted:?}{}", if record.is_some() { ", packed" } else { "" })
    }
}

/// A query that shows itself as JSON.
#[derive(Clone)]
pub struct Question(pub Query<'static>);

impl Debug for Question {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let json = |object: &Object<'_>| serde_json::to_string(object).unwrap();
        let Query { subject, action, resource, context, now } = &self.0;
        writeln!(f, "\n  subject {} {} {}", subject.kind, subject.id, json(&subject.properties))?;
        writeln!(f, "  action {} {}", action.name, json(&action.properties))?;
        writeln!(f, "  resource {} {} {}", resource.kind, resource.id, json(&resource.properties))?;
        write!(f, "  context {} at {now}", json(context))
    }
}

/// One of these values; there are blanks between them, and none in them.
fn json(values: &'static str) -> Json {
    select(values.split_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned).boxed()
}

/// A value that is mostly of one type.
fn mostly(own: &'static str) -> Json {
    prop_oneof![9 => json(own), 1 => wild()].boxed()
}

fn truth() -> Json {
    mostly("true false")
}

fn number() -> Json {
    mostly("0 1 2 3 -1 2.5 1.0 1e300 9223372036854775807 9007199254740993")
}

fn text() -> Json {
    let words = json(r#""" "a" "b" "ab" "Ab" "user" "é" "\ta" "1""#);
    let times = json(
        r#""2026-01-05T12:00:00Z" "2026-01-07T12:00:00.25+01:00" "2026-01-07T12:00:00" "2026-01-07T12:00Z" "20260107T120000Z" "2025-01-08" "2024-02-29""#,
    );
    let others = json(r#""10.1.2.3" "::1" "10.0.0.0/8" "10.1.2.3/8" "A@B.example" "@b""#);
    prop_oneof![6 => words, 1 => times, 1 => others, 1 => wild()].boxed()
}

fn list() -> Json {
    mostly(r#"[] [1,2,3] ["a","b"] ["a",1,[1,2]] [1,null] [[1,"a"],[]] [true]"#)
}

fn object() -> Json {
    let members = [("k", number()), ("b", truth()), ("a-b", text()), ("in", list())];
    prop_oneof![6 => objects(members), 1 => wild()].boxed()
}

fn wild() -> Json {
    json(
        r#"null true 1 2.5 "a" "3" [] {} [null] 9223372036854775808 [9223372036854775808,1] {"k":null}
        {"k":1,"in":[1,"a"]} {"k":{"k":[1,{"k":2}]}}"#,
    )
}

/// Objects that have each member more often than not.
fn objects<const N: usize>(members: [(&'static str, Json); N]) -> Json {
    let members: Vec<_> = members
        .into_iter()
        .map(|(key, value)| option::weighted(0.85, value.prop_map(move |value| format!("\"{key}\": {value}"))))
        .collect();
    members.prop_map(|members| format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(", "))).boxed()
}

fn read(text: &str) -> Object<'static> {
    Object::parse(text).unwrap().into_owned()
}

fn user() -> Json {
    let element = objects([("k", number()), ("in", list())]);
    let objs = vec(element, 0..3).prop_map(|elements| format!("[{}]", elements.join(", "))).boxed();
    let traits = objects([
        ("b", truth()),
        ("n", number()),
        ("m", number()),
        ("s", text()),
        ("t", text()),
        ("l", list()),
        ("w", wild()),
        ("obj", object()),
        ("objs", objs),
        ("tier", json(r#"null "b""#)),
        ("level", json("null 3")),
        ("conf", json(r#"null {"k":3,"l":["a",2]} {"l":null} {"k":4} 7"#)),
        ("nick", text()),
    ]);
    let consents = json(r#"{} {"news":true}"#);
    let email = json(r#""A@Example.com" "a" null"#);
    objects([("id", json(r#""a""#)), ("email", email), ("motto", text()), ("traits", traits), ("consents", consents)])
}

fn properties() -> Json {
    objects([
        ("b", truth()),
        ("n", number()),
        ("s", text()),
        ("l", list()),
        ("w", object()),
        ("type", text()),
        ("id", text()),
        ("name", text()),
        ("properties", wild()),
    ])
}

fn login() -> impl Strategy<Value = Object<'static>> {
    let time = || select(&["2026-01-05T00:00:00Z", "2026-01-07T12:00:00Z", "2026-02-01T00:00:00.5Z"][..]);
    (0..3i64, time(), time()).prop_map(|(count, first, last)| {
        let time = |text: &str| Value::Time(text.parse().unwrap());
        [("count", Value::Int(count)), ("first_at", time(first)), ("last_at", time(last))].into_iter().collect()
    })
}

fn part(object: impl Strategy<Value = Object<'static>> + 'static) -> impl Strategy<Value = Given<'static>> {
    prop_oneof![6 => object.prop_map(Given::Present), 1 => Just(Given::Absent), 1 => Just(Given::Unreachable)]
}

pub fn worlds() -> impl Strategy<Value = World> {
    let object = |text: Json| text.prop_map(|text| read(&text));
    let claims = objects([("b", truth()), ("n", number()), ("sub", text()), ("roles", list()), ("w", wild())]);
    let fields = [(Bag::Profile, "motto"), (Bag::Traits, "nick")];
    let fields = fields.map(|(bag, slug)| (bag, Slug::parse(slug).unwrap())).to_vec();
    let parts = (part(object(user())), part(object(properties())), part(login()), part(object(claims)));
    (parts, subsequence(fields, 0..=2), any::<bool>()).prop_map(
        |((mut user, resource, login, token), fields, packed)| {
            // Who is not there wrote nothing.
            let mut self_asserted = if matches!(user, Given::Present(_)) { fields } else { Vec::new() };
            let record = match &mut user {
                Given::Present(user) if packed => Some(pack(user, &login, &mut self_asserted)),
                _ => None,
            };
            World { user, resource, login, token, self_asserted, record }
        },
    )
}

/// Packs a user, who is first made one that the store can hold: there are objects of traits and of consents, and only
/// what is there was written by somebody.
fn pack(user: &mut Object<'static>, login: &Given<'_>, self_asserted: &mut Vec<(Bag, Slug)>) -> UserRecord {
    for bag in ["traits", "consents"] {
        if user.get(bag).is_none() {
            user.set(bag, Value::Object(Object::new()));
        }
    }
    let Some(Value::Object(traits)) = user.get("traits") else { panic!("{user:?}") };
    self_asserted.retain(|(bag, slug)| match bag {
        Bag::Profile => user.get(slug.as_str()).is_some(),
        Bag::Traits => traits.get(slug.as_str()).is_some(),
    });
    let none = Object::new();
    let login = if let Given::Present(login) = login { login } else { &none };
    UserRecord::pack(user, login, self_asserted)
}

pub fn questions() -> impl Strategy<Value = Question> {
    let context = objects([
        ("ip", json(r#""10.1.2.3" "::ffff:10.9.9.9" "fe80::1" "none""#)),
        ("b", truth()),
        ("n", number()),
        ("s", text()),
        ("l", list()),
        ("w", wild()),
        ("hour", number()),
        ("time", text()),
        ("is_weekend", truth()),
        ("route", json(r#"{"id":"a"}"#)),
    ]);
    let entity = |kinds: &'static [&'static str], properties: Json| {
        (select(kinds), select(&["a", "b"][..]), properties).prop_map(|(kind, id, properties)| Entity {
            kind: kind.into(),
            id: id.into(),
            properties: read(&properties),
        })
    };
    let few = prop_oneof![1 => json("{}"), 2 => objects([("n", number()), ("s", wild()), ("id", text())])].boxed();
    let action = (select(&["read", "write"][..]), properties())
        .prop_map(|(name, properties)| Action { name: name.into(), properties: read(&properties) });
    let now = select(&["2026-01-07T12:00:00Z", "2026-01-04T23:30:00Z", "2026-07-05T01:02:03.5Z"][..]);
    (entity(&["user", "user", "user", "service"], properties()), action, entity(&["report", "page"], few), context, now)
        .prop_map(|(subject, action, resource, context, now)| {
            let (context, now) = (read(&context), now.parse().unwrap());
            Question(Query { subject, action, resource, context, now })
        })
}
