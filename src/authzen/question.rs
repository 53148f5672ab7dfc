//! A question in AuthZEN's form, read in one pass that borrows from the text. Members that nobody knows are ignored at
//! every level, but keys that are given twice are refused there, too.
//!
//! (Reading into a general object first, and the question out of that, took twice as long: 4 % of a decision over HTTP.)

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;

use crate::model::{Action, Entity, Key, Object, Query, UniqueKeys, Value, holds_long_integer};
use crate::web::Problem;

/// What a text asks, its members not yet looked at.
#[derive(Clone, Default)]
pub struct Question<'a> {
    subject: Option<Member<'a>>,
    action: Option<Member<'a>>,
    resource: Option<Member<'a>>,
    context: Option<Value<'a>>,
    options: Option<Value<'a>>,
    /// The questions of a batch, as they were sent.
    evaluations: Option<&'a RawValue>,
}

/// What a question asks for beside the decision.
#[derive(Default)]
pub(super) struct Options {
    /// The whole derivation.
    pub(super) explain: bool,
    /// The revision of the tenant's data that must have been seen.
    pub(super) min_revision: Option<i64>,
    /// When to stop, of several questions.
    pub(super) semantic: Semantic,
}

/// When to stop, of several questions (AuthZEN 1.0, section 7.1.2.1).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Semantic {
    /// Whether the next question is asked, after this decision.
    pub(super) fn goes_on_after(self, allowed: bool) -> bool {
        match self {
            Semantic::ExecuteAll => true,
            Semantic::DenyOnFirstDeny => allowed,
            Semantic::PermitOnFirstPermit => !allowed,
        }
    }
}

/// A subject, an action or a resource.
#[derive(Clone)]
enum Member<'a> {
    Thing(Thing<'a>),
    /// No object at all.
    Other,
}

#[derive(Clone, Default)]
struct Thing<'a> {
    kind: Option<Value<'a>>,
    id: Option<Value<'a>>,
    name: Option<Value<'a>>,
    properties: Option<Value<'a>>,
}

impl<'a> Question<'a> {
    /// Reads the text of a JSON object.
    ///
    /// # Errors
    /// `serde_json`'s, with line and column.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let question = Self::of_a_batch(text)?;
        // To one question it is a member like any other.
        question.evaluations.map_or(Ok(()), |others| serde_json::from_str::<Value<'_>>(others.get()).map(drop))?;
        Ok(question)
    }

    /// The same, of several questions, which are not looked at.
    pub(super) fn of_a_batch(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut question: Self = serde_json::from_str(text)?;
        if holds_long_integer(text.as_bytes()) {
            question.values_mut().for_each(Value::mark_large_doubles);
        }
        Ok(question)
    }

    /// The same, with what it lacks taken from another: each member whole.
    pub(super) fn or(self, defaults: &Self) -> Self {
        let Self { subject, action, resource, context, options, .. } = self;
        Self {
            subject: subject.or_else(|| defaults.subject.clone()),
            action: action.or_else(|| defaults.action.clone()),
            resource: resource.or_else(|| defaults.resource.clone()),
            context: context.or_else(|| defaults.context.clone()),
            options,
            evaluations: None,
        }
    }

    /// The texts of a batch's questions; none if there is none, an error if these are no list.
    pub(super) fn items(&self) -> Result<Vec<&'a RawValue>, serde_json::Error> {
        let list: Option<Vec<&RawValue>> =
            self.evaluations.map_or(Ok(None), |list| serde_json::from_str(list.get()))?;
        Ok(list.unwrap_or_default())
    }

    /// Its `options`.
    ///
    /// # Errors
    /// 400 for options of the wrong type.
    pub(super) fn options(&self) -> Result<Options, Problem> {
        let options = match &self.options {
            None => return Ok(Options::default()),
            Some(Value::Object(options)) => options,
            Some(_) => return Err(wrong("options", "an object")),
        };
        let explain = match options.get("explain") {
            None => false,
            Some(Value::Bool(explain)) => *explain,
            Some(_) => return Err(wrong("options.explain", "true or false")),
        };
        let min_revision = match options.get("minRevision") {
            None => None,
            Some(Value::Str(text)) if text.parse::<i64>().is_ok_and(|revision| revision >= 0) => text.parse().ok(),
            Some(_) => return Err(wrong("options.minRevision", "a string, as Sidegate-Revision gives it")),
        };
        let semantic = match options.get("evaluations_semantic") {
            None => Semantic::ExecuteAll,
            Some(Value::Str(name)) if name == "execute_all" => Semantic::ExecuteAll,
            Some(Value::Str(name)) if name == "deny_on_first_deny" => Semantic::DenyOnFirstDeny,
            Some(Value::Str(name)) if name == "permit_on_first_permit" => Semantic::PermitOnFirstPermit,
            Some(_) => {
                let right = "execute_all, deny_on_first_deny or permit_on_first_permit";
                return Err(wrong("options.evaluations_semantic", right));
            }
        };
        Ok(Options { explain, min_revision, semantic })
    }

    /// The query; what it names by `now` is the moment of asking.
    ///
    /// # Errors
    /// 400 that names the member that is missing or of the wrong type. (AuthZEN 1.0: not 422.)
    pub fn query(self, now: jiff::Timestamp) -> Result<Query<'a>, Problem> {
        Ok(Query {
            subject: entity(self.subject, "subject")?,
            action: action(self.action)?,
            resource: entity(self.resource, "resource")?,
            context: object(self.context, || "context".to_owned())?,
            now,
        })
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Value<'a>> {
        let things = [&mut self.subject, &mut self.action, &mut self.resource].into_iter().flatten();
        let properties = things.filter_map(|member| match member {
            Member::Thing(thing) => thing.properties.as_mut(),
            Member::Other => None,
        });
        properties.chain(&mut self.context)
    }
}

fn entity<'a>(member: Option<Member<'a>>, of: &str) -> Result<Entity<'a>, Problem> {
    let Thing { kind, id, properties, .. } = thing(member, of)?;
    Ok(Entity {
        kind: text(kind, of, "type")?,
        id: text(id, of, "id")?,
        properties: object(properties, || format!("{of}.properties"))?,
    })
}

fn action(member: Option<Member<'_>>) -> Result<Action<'_>, Problem> {
    let Thing { name, properties, .. } = thing(member, "action")?;
    Ok(Action {
        name: text(name, "action", "name")?,
        properties: object(properties, || "action.properties".to_owned())?,
    })
}

fn thing<'a>(member: Option<Member<'a>>, name: &str) -> Result<Thing<'a>, Problem> {
    match member {
        None => Err(Problem::bad_request(format!("\"{name}\" is missing; it must be an object"))),
        Some(Member::Thing(thing)) => Ok(thing),
        Some(Member::Other) => Err(wrong(name, "an object")),
    }
}

fn text<'a>(value: Option<Value<'a>>, of: &str, name: &str) -> Result<Cow<'a, str>, Problem> {
    match value {
        None => Err(Problem::bad_request(format!("\"{of}.{name}\" is missing; it must be a string"))),
        Some(Value::Str(text)) => Ok(text),
        Some(_) => Err(wrong(&format!("{of}.{name}"), "a string")),
    }
}

fn object<'a>(value: Option<Value<'a>>, name: impl Fn() -> String) -> Result<Object<'a>, Problem> {
    match value {
        None => Ok(Object::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(wrong(&name(), "an object")),
    }
}

fn wrong(name: &str, right: &str) -> Problem {
    Problem::bad_request(format!("\"{name}\" must be {right}"))
}

impl JsonSchema for Question<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Question".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties = json!({ "type": "object" });
        let entity = json!({
            "type": "object",
            "required": ["type", "id"],
            "properties": { "type": { "type": "string" }, "id": { "type": "string" }, "properties": properties },
        });
        json_schema!({
            "type": "object",
            "required": ["subject", "action", "resource"],
            "properties": {
                "subject": entity,
                "action": {
                    "type": "object",
                    "required": ["name"],
                    "properties": { "name": { "type": "string" }, "properties": properties },
                },
                "resource": entity,
                "context": { "type": "object" },
                "options": {
                    "type": "object",
                    "properties": {
                        "explain": { "type": "boolean", "description": "asks for all that led to the decision" },
                        "minRevision": {
                            "type": "string",
                            "pattern": "^[0-9]{1,18}$",
                            "description": "a Sidegate-Revision that the decision must have seen",
                        },
                    },
                },
            },
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Question<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Question<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Question<'de>, A::Error> {
                let mut question = Question::default();
                let mut unknown = UniqueKeys::default();
                while let Some(Key(key)) = map.next_key()? {
                    match key.as_ref() {
                        "subject" => once(&mut question.subject, &key, &mut map)?,
                        "action" => once(&mut question.action, &key, &mut map)?,
                        "resource" => once(&mut question.resource, &key, &mut map)?,
                        "context" => once(&mut question.context, &key, &mut map)?,
                        "options" => once(&mut question.options, &key, &mut map)?,
                        "evaluations" => once(&mut question.evaluations, &key, &mut map)?,
                        _ => ignore(&mut unknown, key, &mut map)?,
                    }
                }
                unknown.check()?;
                Ok(question)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        let mut thing = Thing::default();
        let mut unknown = UniqueKeys::default();
        while let Some(Key(key)) = map.next_key()? {
            match key.as_ref() {
                "type" => once(&mut thing.kind, &key, &mut map)?,
                "id" => once(&mut thing.id, &key, &mut map)?,
                "name" => once(&mut thing.name, &key, &mut map)?,
                "properties" => once(&mut thing.properties, &key, &mut map)?,
                _ => ignore(&mut unknown, key, &mut map)?,
            }
        }
        unknown.check()?;
        Ok(Member::Thing(thing))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'de>, A::Error> {
        while seq.next_element::<Value<'de>>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }
}

/// Reads a member that must not have been there before.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(UniqueKeys::given_twice(key));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn ignore<'de, A: MapAccess<'de>>(
    unknown: &mut UniqueKeys<'de>,
    key: Cow<'de, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    unknown.add(key);
    // Read as a value, so that it is looked through for keys that are given twice.
    map.next_value::<Value<'de>>().map(drop)
}
