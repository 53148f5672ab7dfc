//! `portal/users/{userId}/360`: all that is known of one user, on one page.

use askama::Template;
use http::StatusCode;

use crate::model::{Bag, DataType, Precondition, Slug, Source, UserId, Value};
use crate::service::{Profile, ServiceError};
use crate::web::{Message, Reply, form_value};

use super::frame::{Admitted, Frame, when};
use super::users::user_page;

#[derive(Template)]
#[template(path = "user.html", config = "src/web/askama.toml")]
struct Page<'a> {
    frame: Frame<'a>,
    user: &'a str,
    notice: Option<&'a str>,
    error: Option<&'a str>,
    error_at: &'a str,
    draft: Draft<'a>,
    fields: Vec<Field>,
    identities: Vec<[String; 4]>,
    consents: Vec<[String; 4]>,
    logins: Vec<String>,
    /// Whether users sign in to apps here.
    signs_in: bool,
    verdicts: Vec<(String, String)>,
    audit: Vec<[String; 5]>,
}

/// What was typed into the form for a new trait.
#[derive(Default)]
struct Draft<'a> {
    slug: &'a str,
    kind: &'a str,
    text: &'a str,
}

struct Field {
    slug: String,
    anchor: String,
    is_trait: bool,
    value: String,
    text: String,
    kind: &'static str,
    long: bool,
    source: &'static str,
    writer: String,
    at: String,
}

/// `GET`
///
/// # Errors
/// The store's.
pub async fn user(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let notice = match admitted.call.query_param("done").as_deref() {
        Some("set" | "add") => Some("Saved."),
        Some("delete") => Some("Deleted."),
        Some("sign_out") => Some("Signed out of all apps."),
        _ => None,
    };
    show(&admitted, notice, None, Draft::default()).await
}

/// `POST`: sets or deletes a field, or signs the user out.
///
/// # Errors
/// The store's.
pub async fn post_user(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let form = match admitted.form() {
        Ok(form) => form,
        Err(refused) => return Ok(refused),
    };
    let call = &admitted.call;
    let (action, slug_text, kind, typed) =
        (form_value(&form, "action"), form_value(&form, "slug"), form_value(&form, "type"), form_value(&form, "value"));
    let author = call.service.author_of(&admitted.session, call.origin());
    let done = match (UserId::parse(call.params.get("userId")), Slug::parse(slug_text)) {
        (Ok(user), _) if action == "sign_out" => {
            call.service.end_sessions(call.tenant, &user, &author).await.map(|_| ())
        }
        (Ok(user), Ok(slug)) if action == "delete" => {
            call.service.delete_trait(call.tenant, &user, &slug, &author, &Precondition::default()).await.map(|_| ())
        }
        (Ok(user), Ok(slug)) if matches!(action, "set" | "add") => match read(kind, typed) {
            Ok(value) => {
                // What is added must not be there.
                let precondition = if action == "add" { Precondition::still(None) } else { Precondition::default() };
                call.service.put_trait(call.tenant, &user, &slug, value, &author, &precondition).await.map(|_| ())
            }
            Err(why) => Err(ServiceError::invalid("/value", "not_of_its_type", why)),
        },
        (Ok(_), Ok(_)) => {
            Err(ServiceError::invalid("/slug", "no_such_action", "This form asks for nothing that there is."))
        }
        (Err(error), _) | (_, Err(error)) => Err(ServiceError::invalid("/slug", "bad_name", error.to_string())),
    };
    let draft = Draft { slug: slug_text, kind, text: typed };
    match done {
        Ok(()) => {
            let page = user_page(&admitted.base(), call.params.get("userId"));
            Ok(Reply::see_other(&format!("{page}?done={action}")))
        }
        Err(ServiceError::Invalid(faults)) => {
            let at = match (action, faults.first().map(|fault| fault.pointer.as_str())) {
                ("add", Some("/slug")) => "slug".to_owned(),
                ("add", _) => "value".to_owned(),
                _ => format!("value-{slug_text}"),
            };
            let words = faults.into_iter().map(|fault| fault.detail).collect::<Vec<_>>().join("; ");
            let draft = if action == "add" { draft } else { Draft::default() };
            show(&admitted, None, Some((&at, &words)), draft).await
        }
        Err(ServiceError::Stale(_)) if action == "add" => {
            let words = format!("There is {slug_text} already: change it in its row.");
            show(&admitted, None, Some(("slug", &words)), draft).await
        }
        Err(ServiceError::NotFound(_)) => {
            show(&admitted, None, Some(("traits", "It was deleted already.")), Draft::default()).await
        }
        Err(error) => Err(error),
    }
}

async fn show(
    admitted: &Admitted<'_>,
    notice: Option<&str>,
    error: Option<(&str, &str)>,
    draft: Draft<'_>,
) -> Result<Reply, ServiceError> {
    let call = &admitted.call;
    let user = call.params.get("userId");
    let profile = match UserId::parse(user) {
        Ok(id) => call.service.profile(call.tenant, &id).await,
        Err(_) => Err(ServiceError::NotFound("this is no user id")),
    };
    let profile = match profile {
        Ok(profile) => profile,
        Err(ServiceError::NotFound(_)) => {
            let link = Some((format!("{}/users", admitted.base()), "All users"));
            let page = Message::plain("There is no such user", "Nobody stored a user of this id.", link);
            return Ok(Reply::html(StatusCode::NOT_FOUND, &page));
        }
        Err(error) => return Err(error),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page {
        frame: admitted.frame("users"),
        user,
        notice,
        error: error.map(|(_, words)| words),
        error_at: error.map_or("", |(at, _)| at),
        draft,
        fields: profile.fields.iter().map(field).collect(),
        identities: identities(&profile),
        consents: consents(&profile),
        logins: profile.logins.iter().map(|(at, client)| login(at, client.as_deref())).collect(),
        signs_in: call.tenant.settings.sign_in.is_some(),
        verdicts: profile.verdicts.iter().map(|verdict| (verdict.fields.join(", "), verdict.why.clone())).collect(),
        audit: audit(&profile),
    };
    Ok(Reply::html(status, &page))
}

fn field(stored: &crate::service::StoredField) -> Field {
    let field = &stored.field;
    let kind = match field.value.data_type() {
        Some(DataType::Number) => "number",
        Some(DataType::Boolean) => "boolean",
        Some(DataType::Json) => "json",
        Some(DataType::String) | None => "string",
    };
    let text = field.value.to_text();
    Field {
        slug: field.slug.to_string(),
        anchor: format!("value-{}", field.slug),
        is_trait: field.bag == Bag::Traits,
        value: serde_json::to_string(&field.value).unwrap_or_default(),
        long: kind == "json" || text.len() > 80 || text.contains('\n'),
        text,
        kind,
        source: field.source.as_str(),
        writer: besides(field.source, &field.writer).to_owned(),
        at: when(field.at),
    }
}

/// Who wrote in a role, where that is not said by the role itself.
fn besides(role: Source, who: &str) -> &str {
    if who == role.as_str() { "" } else { who }
}

/// A value of the type that the form names.
fn read(kind: &str, typed: &str) -> Result<Value<'static>, String> {
    match kind {
        "number" => typed
            .trim()
            .parse::<i64>()
            .map(Value::Int)
            .or_else(|_| typed.trim().parse::<f64>().map(Value::Float))
            .ok()
            .filter(|value| !matches!(value, Value::Float(x) if !x.is_finite()))
            .ok_or_else(|| "The value must be a number, such as 12 or 3.5".to_owned()),
        "boolean" => match typed.trim() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("The value must be true or false".to_owned()),
        },
        "json" => Value::parse(typed).map_err(|error| format!("The value is not JSON: {error}")),
        _ => Ok(Value::Str(typed.to_owned().into())),
    }
}

fn identities(profile: &Profile<'_>) -> Vec<[String; 4]> {
    let row = |identity: &crate::model::Identity| {
        let linked = identity.linked_at.map_or_else(String::new, when);
        [identity.provider.clone(), identity.subject.clone(), identity.kind.clone(), linked]
    };
    profile.identities.iter().map(row).collect()
}

fn consents(profile: &Profile<'_>) -> Vec<[String; 4]> {
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, when);
    let row = |consent: &crate::model::Consent| {
        [consent.purpose.clone(), consent.version.clone(), time(consent.given_at), time(consent.withdrawn_at)]
    };
    profile.consents.iter().map(row).collect()
}

fn login(at: &str, client: Option<&str>) -> String {
    let at = at.parse().map_or_else(|_| at.to_owned(), when);
    client.map_or_else(|| at.clone(), |client| format!("{at}, to {client}"))
}

fn audit(profile: &Profile<'_>) -> Vec<[String; 5]> {
    let json = |value: &Option<Value<'static>>| {
        value.as_ref().map_or_else(String::new, |value| serde_json::to_string(value).unwrap_or_default())
    };
    let row = |entry: &crate::model::AuditEntry| {
        // A digest says nothing to people, and takes the room of what does; the API has it.
        let json =
            |value| if entry.sensitive && Option::is_some(value) { "(sensitive)".to_owned() } else { json(value) };
        let who = format!("{} {}", entry.source.as_str(), besides(entry.source, &entry.actor));
        let what = format!("{} {}", entry.action, entry.target);
        [when(entry.at), who, what, json(&entry.before), json(&entry.after)]
    };
    profile.audit.iter().map(row).collect()
}
