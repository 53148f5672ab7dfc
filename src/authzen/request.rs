//! A question in AuthZEN's form. Members that nobody knows are ignored at every level.

use std::borrow::Cow;

use crate::model::{Action, Entity, Object, Query, Value};
use crate::web::Problem;

/// Reads a question; what it names by `now` is the moment of asking.
///
/// # Errors
/// 400 that names the member that is missing or of the wrong type. (AuthZEN 1.0: not 422.)
pub fn read(mut body: Object<'_>, now: jiff::Timestamp) -> Result<Query<'_>, Problem> {
    Ok(Query {
        subject: entity(take(&mut body, "subject")?, "subject")?,
        action: action(take(&mut body, "action")?)?,
        resource: entity(take(&mut body, "resource")?, "resource")?,
        context: match body.remove("context") {
            None => Object::new(),
            Some(Value::Object(context)) => context,
            Some(_) => return Err(wrong("context", "an object")),
        },
        now,
    })
}

/// Whether the request's `options` ask for an explanation.
///
/// # Errors
/// 400 for options of the wrong type.
pub(super) fn wants_explanation(body: &mut Object<'_>) -> Result<bool, Problem> {
    let mut options = match body.remove("options") {
        None => return Ok(false),
        Some(Value::Object(options)) => options,
        Some(_) => return Err(wrong("options", "an object")),
    };
    match options.remove("explain") {
        None => Ok(false),
        Some(Value::Bool(explain)) => Ok(explain),
        Some(_) => Err(wrong("options.explain", "true or false")),
    }
}

fn take<'a>(body: &mut Object<'a>, name: &str) -> Result<Object<'a>, Problem> {
    match body.remove(name) {
        None => Err(Problem::bad_request(format!("\"{name}\" is missing; it must be an object"))),
        Some(Value::Object(entity)) => Ok(entity),
        Some(_) => Err(wrong(name, "an object")),
    }
}

fn entity<'a>(mut object: Object<'a>, of: &str) -> Result<Entity<'a>, Problem> {
    Ok(Entity {
        kind: text(&mut object, of, "type")?,
        id: text(&mut object, of, "id")?,
        properties: properties(&mut object, of)?,
    })
}

fn action(mut object: Object<'_>) -> Result<Action<'_>, Problem> {
    Ok(Action { name: text(&mut object, "action", "name")?, properties: properties(&mut object, "action")? })
}

fn text<'a>(object: &mut Object<'a>, of: &str, name: &str) -> Result<Cow<'a, str>, Problem> {
    match object.remove(name) {
        None => Err(Problem::bad_request(format!("\"{of}.{name}\" is missing; it must be a string"))),
        Some(Value::Str(text)) => Ok(text),
        Some(_) => Err(wrong(&format!("{of}.{name}"), "a string")),
    }
}

fn properties<'a>(object: &mut Object<'a>, of: &str) -> Result<Object<'a>, Problem> {
    match object.remove("properties") {
        None => Ok(Object::new()),
        Some(Value::Object(properties)) => Ok(properties),
        Some(_) => Err(wrong(&format!("{of}.properties"), "an object")),
    }
}

fn wrong(name: &str, right: &str) -> Problem {
    Problem::bad_request(format!("\"{name}\" must be {right}"))
}
