//! `abac/attributes`: definitions of traits and profile fields.

use http::StatusCode;

use crate::model::Definition;
use crate::service::ServiceError;
use crate::web::{Call, Problem, Reply, parse_body};

/// `GET abac/attributes`: all definitions, the standard profile fields among them.
///
/// # Errors
/// None of its own.
pub async fn list_definitions(call: Call<'_>) -> Result<Reply, Problem> {
    let all: Vec<&Definition> = call.tenant.definitions.iter().collect();
    Ok(Reply::json(StatusCode::OK, &all))
}

/// `GET abac/attributes/{slug}`
///
/// # Errors
/// 404.
pub async fn get_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
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
    if call.tenant.definitions.get(definition.slug.as_str()).is_some() {
        let why = format!("`{}` is defined already: PUT changes it", definition.slug);
        return Err(ServiceError::Conflict(why).into());
    }
    set(&call, definition).await
}

/// `PUT abac/attributes/{slug}`: a definition, new or changed.
///
/// # Errors
/// 409, 422.
pub async fn put_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
    let definition: Definition = parse_body(call.headers, call.body)?;
    if definition.slug != slug {
        return Err(ServiceError::invalid("/slug", "other_slug", "the slug is not that of the path").into());
    }
    set(&call, definition).await
}

/// `DELETE abac/attributes/{slug}`: 204; a standard profile field is then as it was at first.
///
/// # Errors
/// 404, 409, 422.
pub async fn delete_definition(call: Call<'_>) -> Result<Reply, Problem> {
    let slug = call.slug()?;
    let revision = call.service.delete_definition(call.tenant, &slug, &call.author()).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision))
}

async fn set(call: &Call<'_>, definition: Definition) -> Result<Reply, Problem> {
    let (revision, created) = call.service.put_definition(call.tenant, definition.clone(), &call.author()).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::json(status, &definition).etag(revision).revision(revision))
}
