//! `abac/attributes`: definitions of traits and profile fields.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use crate::model::{Definition, Object, Slug, Value};
use crate::service::{Change, Defined, DocumentKind, ServiceError, Touched};
use crate::web::{Call, Problem, Reply, parse_body, parse_patch, parse_value, patched};

/// What stands on a definition, by number: a dictionary (RFC 9651, section 3.2).
const TOUCHED: HeaderName = HeaderName::from_static("sidegate-touched");

/// `GET abac/attributes`: all definitions, the standard profile fields among them.
///
/// # Errors
/// None of its own.
pub async fn list_definitions(call: Call<'_>) -> Result<Reply, Problem> {
    let all: Vec<&Definition> = call.tenant.definitions.iter().collect();
    Ok(Reply::json(StatusCode::OK, &all))
}

/// `GET abac/attributes/{slug}`; what stands in a file, and standard fields, have no entity tag.
///
/// # Errors
/// 404.
pub async fn get_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
    if call.tenant.definitions.file.is_none()
        && let Some((stored, tag)) = call.service.document(call.tenant, DocumentKind::Definition, slug.as_str()).await?
    {
        let stored: Definition = stored;
        return Ok(Reply::json(StatusCode::OK, &stored).etag(tag));
    }
    let found = call.tenant.definitions.get(slug.as_str());
    let found = found.ok_or(ServiceError::NotFound("there is no definition of that slug"))?;
    Ok(Reply::json(StatusCode::OK, found))
}

/// `POST abac/attributes`: a new definition; 409 if there is one of that slug.
///
/// # Errors
/// 409, 422.
pub async fn post_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let definition: Definition = parse_body(call.headers, call.body)?;
    let slug = definition.slug.clone();
    let new = |before: Option<&Definition>| match before {
        None => Ok(definition.clone()),
        Some(_) => Err(ServiceError::Conflict(format!("`{}` is defined already: PUT changes it", definition.slug))),
    };
    define(&call, &slug, new).await
}

/// `PUT abac/attributes/{slug}`: a definition, new or changed.
///
/// # Errors
/// 409, 412, 422.
pub async fn put_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
    let body: Object<'_> = parse_body(call.headers, call.body)?;
    let definition = definition_of(body, &slug)?;
    define(&call, &slug, |_| Ok(definition.clone())).await
}

/// `PATCH abac/attributes/{slug}`: the definition with some members changed, as a JSON merge patch (RFC 7396).
///
/// # Errors
/// 404, 409, 412, 422.
pub async fn patch_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
    let patch = parse_patch(call.headers, call.body)?;
    let edit = |before: Option<&Definition>| {
        let before = before.ok_or(ServiceError::NotFound("there is no definition of that slug"))?;
        definition_of(patched(before, &patch), &slug)
    };
    // A standard field was there before it was the tenant's own.
    Ok(Reply { status: StatusCode::OK, ..define(&call, &slug, edit).await? })
}

/// `DELETE abac/attributes/{slug}`: 204; a standard profile field is then as it was at first.
///
/// # Errors
/// 404, 409, 412, 422.
pub async fn delete_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let (slug, force) = (call.slug()?, force(&call)?);
    let (author, precondition) = (call.author(), call.precondition()?);
    let change = Change { author: &author, precondition: &precondition, force };
    let Defined { revision, touched, .. } = call.service.undefine(call.tenant, &slug, change).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision).with(TOUCHED, in_numbers(&touched)))
}

async fn define(
    call: &Call<'_>,
    slug: &Slug,
    edit: impl Fn(Option<&Definition>) -> Result<Definition, ServiceError>,
) -> Result<Reply, Problem> {
    let (author, precondition) = (call.author(), call.precondition()?);
    let change = Change { author: &author, precondition: &precondition, force: force(call)? };
    let Defined { definition, created, revision, touched } =
        call.service.define(call.tenant, slug, edit, change).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let reply = Reply::json(status, &definition).etag(revision).revision(revision);
    Ok(reply.with(TOUCHED, in_numbers(&touched)))
}

/// A definition of the slug that the path names; the body may say it again.
fn definition_of(mut object: Object<'_>, slug: &Slug) -> Result<Definition, ServiceError> {
    if object.get("slug").is_none() {
        object.set("slug".to_owned(), Value::Str(slug.to_string().into()));
    }
    let definition: Definition = parse_value(&object)?;
    if definition.slug != *slug {
        return Err(ServiceError::invalid("/slug", "other_slug", "the slug is not that of the path"));
    }
    Ok(definition)
}

fn force(call: &Call<'_>) -> Result<bool, Problem> {
    call.only_params(&["force"])?;
    match call.query_param("force").as_deref() {
        None | Some("false") => Ok(false),
        Some("" | "true") => Ok(true),
        Some(_) => Err(Problem::bad_request("force is true or false")),
    }
}

fn in_numbers(touched: &Touched) -> HeaderValue {
    let Touched { values, orphaned, policies, rules } = touched;
    let (policies, rules) = (policies.len(), rules.len());
    let text = format!("values={values}, orphaned={orphaned}, policies={policies}, rules={rules}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
