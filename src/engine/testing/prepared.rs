//! The facts of a test, and the question that an expectation asks about them.

use crate::lang::ast::{Name, Path, StepKind, Test, TestPartKind};
use crate::lang::{Code, Diagnostic, Site, SourceId};
use crate::model::{Action, Bag, Definitions, Entity, Facts, Given, Object, Query, SelfAsserted, Slug, Stored, Value};

use super::super::Program;
use super::data::{moment, object};
use super::user;

/// Without `env.time`, the clock of a test stands here: a Wednesday noon.
const NOON: &str = "2026-01-07T12:00:00Z";

const SECTIONS: &str = "there are user, subject, action, resource, env, token and login, each with { ... }, and \
                        self_asserted with fields of the user";

/// A test with its data read.
pub(super) struct Prepared {
    source: SourceId,
    user: Given<'static>,
    resource_stored: Given<'static>,
    login: Given<'static>,
    token: Option<Object<'static>>,
    self_asserted: Vec<(Bag, Slug)>,
    subject: Object<'static>,
    action: Object<'static>,
    resource_id: Option<String>,
    env: Object<'static>,
    now: jiff::Timestamp,
}

impl Prepared {
    pub(super) fn new(
        program: &Program,
        definitions: &Definitions,
        source: SourceId,
        test: &Test,
    ) -> Result<Self, Box<Diagnostic>> {
        let mut prepared = Self {
            source,
            user: Given::Absent,
            resource_stored: Given::Absent,
            login: Given::Absent,
            token: None,
            self_asserted: Vec::new(),
            subject: Object::new(),
            action: Object::new(),
            resource_id: None,
            env: Object::new(),
            now: NOON.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        };
        for part in &test.parts {
            match &part.kind {
                TestPartKind::Facts(name, data) => {
                    if name.text == "user" {
                        user::check(program, definitions, source, data)?;
                    }
                    prepared.take(name, object(source, data)?)?;
                }
                TestPartKind::Fields(name, paths) if name.text == "self_asserted" => {
                    for path in paths {
                        let field = user_field(path);
                        let help = "name fields of the user: self_asserted user.company, user.traits.tier";
                        prepared.self_asserted.push(field.ok_or_else(|| prepared.unknown(&path.root, help))?);
                    }
                }
                TestPartKind::Fields(name, _) => return Err(prepared.unknown(name, SECTIONS)),
                TestPartKind::Unreachable(name) => match name.text.as_str() {
                    "user" => prepared.user = Given::Unreachable,
                    "resource" => prepared.resource_stored = Given::Unreachable,
                    "login" => prepared.login = Given::Unreachable,
                    _ => return Err(prepared.unknown(name, "user, resource and login can be unreachable")),
                },
                TestPartKind::Expect { .. } => {}
            }
        }
        Ok(prepared)
    }

    fn take(&mut self, name: &Name, mut data: Object<'static>) -> Result<(), Box<Diagnostic>> {
        match name.text.as_str() {
            "user" => self.user = Given::Present(data),
            "subject" => self.subject = data,
            "action" if data.get("name").is_none() => self.action = data,
            "action" => return Err(self.unknown(name, "what is expected says what the action is called")),
            "resource" => {
                if data.get("type").is_some() {
                    return Err(self.unknown(name, "what is expected says of what type the resource is"));
                }
                self.resource_id = text_at(&data, "id");
                data.remove("id");
                self.resource_stored = Given::Present(data);
            }
            "token" => self.token = Some(data),
            "login" => {
                for field in ["first_at", "last_at"] {
                    if let Some(at) = data.get(field).and_then(moment) {
                        data.set(field, Value::Time(at));
                    }
                }
                self.login = Given::Present(data);
            }
            "env" => {
                if ["hour", "minute", "day_of_week", "is_weekend"].iter().any(|key| data.get(key).is_some()) {
                    return Err(self.unknown(name, "set env.time: clock and calendar follow from it"));
                }
                if let Some(time) = data.remove("time") {
                    let help = "env.time is a time such as 2026-01-07T12:00:00Z";
                    self.now = moment(&time).ok_or_else(|| self.unknown(name, help))?;
                }
                self.env = data;
            }
            _ => return Err(self.unknown(name, SECTIONS)),
        }
        Ok(())
    }

    fn unknown(&self, name: &Name, help: &str) -> Box<Diagnostic> {
        let site = Site { source: self.source, span: name.span };
        let message = format!("`{}` is not as a test can have it", name.text);
        Box::new(Diagnostic::error(Code::BadTest, site, message).help(help))
    }

    /// The question of an expectation.
    pub(super) fn question(&self, action: &str, resource: &str) -> Question<'_> {
        let mut user = match &self.user {
            Given::Present(user) => user.clone(),
            _ => Object::new(),
        };
        let id = text_at(&self.subject, "id").or_else(|| text_at(&user, "id")).unwrap_or_else(|| "test".to_owned());
        user.set("id", Value::Str(id.clone().into()));
        let kind = text_at(&self.subject, "type").unwrap_or_else(|| "user".to_owned());
        let resource_id = self.resource_id.clone().unwrap_or_else(|| "test".to_owned());
        let query = Query {
            subject: Entity { kind: kind.into(), id: id.into(), properties: self.subject.clone() },
            action: Action { name: action.to_owned().into(), properties: self.action.clone() },
            resource: Entity { kind: resource.to_owned().into(), id: resource_id.into(), properties: Object::new() },
            context: self.env.clone(),
            now: self.now,
        };
        Question { query, user, prepared: self }
    }
}

fn text_at(object: &Object<'static>, name: &str) -> Option<String> {
    match object.get(name) {
        Some(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// The field that a path leads to: `user.SLUG` or `user.traits.SLUG`.
fn user_field(path: &Path) -> Option<(Bag, Slug)> {
    let steps: Vec<&StepKind> = path.steps.iter().map(|step| &step.kind).collect();
    match (path.root.text.as_str(), &*steps) {
        ("user", [StepKind::Field(slug)]) => Some((Bag::Profile, Slug::parse(slug).ok()?)),
        ("user", [StepKind::Field(bag), StepKind::Field(slug)]) if bag == "traits" => {
            Some((Bag::Traits, Slug::parse(slug).ok()?))
        }
        _ => None,
    }
}

/// What an expectation asks.
pub(super) struct Question<'t> {
    pub(super) query: Query<'static>,
    /// The user with the subject's id.
    user: Object<'static>,
    prepared: &'t Prepared,
}

impl Question<'_> {
    pub(super) fn facts(&self) -> Facts<'_> {
        let user = match &self.prepared.user {
            Given::Present(_) => Stored::Present((&self.user).into()),
            other => other.stored(),
        };
        Facts {
            user,
            resource: self.prepared.resource_stored.stored(),
            login: self.prepared.login.stored(),
            token: self.prepared.token.as_ref(),
            self_asserted: SelfAsserted::Listed(&self.prepared.self_asserted),
        }
    }
}
