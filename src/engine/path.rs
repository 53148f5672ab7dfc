//! Resolved paths: from a name of the language to the place where the value is found.

use smol_str::SmolStr;

use crate::model::Bag;

use super::Type;

/// The roots of the language.
pub(super) const ROOTS: &[&str] = &["user", "subject", "action", "resource", "env", "token", "login"];

/// A path goes at most this many steps.
pub(super) const MAX_STEPS: usize = 256;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lookup {
    /// The stored user: `id`, profile fields, `traits`, `consents`.
    User,
    SubjectType,
    SubjectId,
    SubjectProperty,
    ActionName,
    ActionProperty,
    ResourceType,
    ResourceId,
    /// A property of the request, else a stored attribute.
    ResourceAttribute,
    Clock(ClockKey),
    Context,
    Token,
    Login,
    /// The element that a quantifier looks at, by how deep the quantifier is.
    Variable(u8),
}

/// What `env` knows by itself; the request's context never overrides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ClockKey {
    Time,
    Hour,
    Minute,
    DayOfWeek,
    IsWeekend,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Field(SmolStr),
    Index(usize),
}

/// A resolved path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Path {
    /// As explanations name it.
    pub(super) text: SmolStr,
    pub(super) lookup: Lookup,
    /// Steps from what the look-up finds.
    pub(super) steps: Box<[Step]>,
}

/// Why a path is none.
pub(super) enum BadPath {
    /// It stops at something that has members and is no value itself.
    Bare,
    /// It goes on after something that has no members.
    NoMembers(&'static str),
}

impl Path {
    /// Resolves `steps` from `root`; `None` if there is no such root.
    pub(super) fn resolve(root: &str, steps: &[Step]) -> Option<Result<Self, BadPath>> {
        use Lookup::*;
        let (lookup, rest) = match (root, steps) {
            ("user", [Step::Field(name), _, ..]) if name == "id" => return Some(Err(BadPath::NoMembers("a string"))),
            ("user", _) => (User, steps),
            ("token", _) => (Token, steps),
            ("login", _) => (Login, steps),
            ("subject", [Step::Field(name), rest @ ..]) => match name.as_str() {
                "type" => (SubjectType, rest),
                "id" => (SubjectId, rest),
                "properties" => (SubjectProperty, rest),
                _ => (SubjectProperty, steps),
            },
            ("action", [Step::Field(name), rest @ ..]) => match name.as_str() {
                "name" => (ActionName, rest),
                "properties" => (ActionProperty, rest),
                _ => (ActionProperty, steps),
            },
            ("resource", [Step::Field(name), rest @ ..]) => match name.as_str() {
                "type" => (ResourceType, rest),
                "id" => (ResourceId, rest),
                "properties" => (ResourceAttribute, rest),
                _ => (ResourceAttribute, steps),
            },
            ("env", [Step::Field(name), rest @ ..]) => match clock_key(name) {
                Some(key) => (Clock(key), rest),
                None => (Context, steps),
            },
            (root, _) if ROOTS.contains(&root) => return Some(Err(BadPath::Bare)),
            _ => return None,
        };
        let path = match lookup {
            SubjectType | SubjectId | ActionName | ResourceType | ResourceId if !rest.is_empty() => {
                Err(BadPath::NoMembers("a string"))
            }
            Clock(_) if !rest.is_empty() => Err(BadPath::NoMembers("told by the clock")),
            SubjectType | SubjectId | ActionName | ResourceType | ResourceId | Clock(_) => {
                Ok(Path { text: in_words(root, steps), lookup, steps: Box::new([]) })
            }
            _ if !matches!(rest, [Step::Field(_), ..]) => Err(BadPath::Bare),
            _ => Ok(Path { text: in_words(root, steps), lookup, steps: rest.into() }),
        };
        Some(path)
    }

    /// The variable of a quantifier, and steps from it.
    pub(super) fn of_variable(depth: u8, name: &str, steps: Vec<Step>) -> Self {
        Self { text: in_words(name, &steps), lookup: Lookup::Variable(depth), steps: steps.into() }
    }

    /// What is known of the type of its values.
    pub(super) fn value_type(&self) -> Type {
        match (self.lookup, self.steps.first()) {
            (Lookup::SubjectType | Lookup::SubjectId | Lookup::ActionName, _) => Type::Text,
            (Lookup::ResourceType | Lookup::ResourceId, _) => Type::Text,
            (Lookup::Clock(ClockKey::Time), _) => Type::Time,
            (Lookup::Clock(ClockKey::IsWeekend), _) => Type::Bool,
            (Lookup::Clock(_), _) => Type::Number,
            (Lookup::User, Some(Step::Field(name))) if name == "id" => Type::Text,
            (Lookup::User, Some(Step::Field(bag))) if bag == "consents" && self.steps.len() == 2 => Type::Bool,
            _ => Type::Any,
        }
    }

    /// Whether it reads a field of a user, or all fields of that kind.
    pub(super) fn reads_field(&self, bag: Bag, slug: &str) -> bool {
        let own = match (self.lookup, bag, &*self.steps) {
            (Lookup::User, Bag::Profile, [name, ..]) => name,
            (Lookup::User, Bag::Traits, [Step::Field(bag), rest @ ..]) if bag == "traits" => match rest.first() {
                Some(name) => name,
                None => return true,
            },
            _ => return false,
        };
        matches!(own, Step::Field(name) if name == slug)
    }

    /// The name that a request might carry as a property of the subject, in the belief that this path reads it:
    /// the profile field or the trait.
    pub(super) fn stored_name(&self) -> Option<&str> {
        match (self.lookup, &*self.steps) {
            (Lookup::User, [Step::Field(bag), Step::Field(name), ..]) if bag == "traits" => Some(name),
            (Lookup::User, [Step::Field(name), ..]) if !matches!(name.as_str(), "traits" | "consents" | "id") => {
                Some(name)
            }
            _ => None,
        }
    }
}

fn clock_key(name: &str) -> Option<ClockKey> {
    Some(match name {
        "time" => ClockKey::Time,
        "hour" => ClockKey::Hour,
        "minute" => ClockKey::Minute,
        "day_of_week" => ClockKey::DayOfWeek,
        "is_weekend" => ClockKey::IsWeekend,
        _ => return None,
    })
}

/// The path as it would be written.
fn in_words(root: &str, steps: &[Step]) -> SmolStr {
    let mut text = root.to_owned();
    for step in steps {
        match step {
            Step::Field(name)
                if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                text.push('.');
                text.push_str(name);
            }
            Step::Field(name) => text.push_str(&format!("[{}]", serde_json::Value::from(name.as_str()))),
            Step::Index(place) => text.push_str(&format!("[{place}]")),
        }
    }
    text.into()
}
