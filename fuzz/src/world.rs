//! All that is known, and the same in every outage.

use sidegate::engine::parse_time;
use sidegate::model::{Bag, Facts, Given, Object, Query, SelfAsserted, Slug, Stored, Value};

/// Facts as an input gives them.
#[derive(Clone)]
pub struct World<'t> {
    user: Given<'t>,
    resource: Given<'t>,
    login: Given<'t>,
    token: Given<'t>,
    self_asserted: Vec<(Bag, Slug)>,
}

impl<'t> World<'t> {
    /// Takes facts as `sidegate eval` does, and anything else instead of what it refuses.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        let mut parts = Object::parse(text).ok()?;
        let self_asserted = match parts.remove("selfAsserted") {
            Some(Value::List(fields)) => fields.iter().filter_map(|field| user_field(&field.to_text())).collect(),
            _ => Vec::new(),
        };
        let mut part = |name| match parts.remove(name) {
            Some(Value::Object(part)) => Given::Present(part),
            Some(_) => Given::Absent,
            None => Given::Unreachable,
        };
        let mut world = Self {
            user: part("user"),
            resource: part("resource"),
            login: part("login"),
            token: part("token"),
            self_asserted,
        };
        if let Given::Present(login) = &mut world.login {
            for name in ["first_at", "last_at"] {
                let time = login.get(name).and_then(|time| parse_time(&time.to_text()));
                time.into_iter().for_each(|time| login.set(name, Value::Time(time)));
            }
        }
        Some(world)
    }

    /// What is known to a query: a subject that is no user has no logins, and wrote nothing.
    #[must_use]
    pub fn facts(&self, query: &Query<'_>) -> Facts<'_> {
        let token = match &self.token {
            Given::Present(claims) => Some(claims),
            Given::Absent | Given::Unreachable => None,
        };
        let (login, self_asserted) = match query.subject.user_id() {
            Some(_) => (self.login.stored(), self.self_asserted.as_slice()),
            None => (Stored::Absent, &[][..]),
        };
        let self_asserted = SelfAsserted::Listed(self_asserted);
        Facts { user: self.user.stored(), resource: self.resource.stored(), token, login, self_asserted }
    }

    /// The same with parts of the store out of reach.
    pub fn outages(&self) -> impl Iterator<Item = Self> {
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

/// A field as policies name it.
fn user_field(name: &str) -> Option<(Bag, Slug)> {
    let (bag, slug) = match name.strip_prefix("user.traits.") {
        Some(slug) => (Bag::Traits, slug),
        None => (Bag::Profile, name.strip_prefix("user.")?),
    };
    Some((bag, Slug::parse(slug).ok()?))
}
