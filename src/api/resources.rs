//! `abac/resources/{type}/{id}/attributes`, with and without a slug.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Object, ResourceId, Value};
use crate::service::{ResourceWritten, ServiceError};
use crate::web::{Call, Problem, Reply, parse_object, parse_patch};

use super::attributes::body_value;

/// All attributes of a resource.
#[derive(Serialize, JsonSchema)]
pub struct ResourceAttributes<'a> {
    r#type: &'a str,
    id: &'a str,
    attributes: &'a Object<'a>,
}

/// One attribute of a resource.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAttribute<'a> {
    r#type: &'a str,
    id: &'a str,
    attribute_slug: &'a str,
    value: &'a Value<'a>,
}

/// `GET`
///
/// # Errors
/// 400, 404.
pub async fn get_resource(call: Call<'_>) -> Result<Reply, Problem> {
    let resource = call.resource_id()?;
    let stored = call.service.stored_resource(call.tenant, &resource).await?;
    Ok(all(&resource, &stored.attributes, StatusCode::OK).etag(stored.revision))
}

/// `PUT`: replaces all; the body is the object. 201 for a resource of which nothing was stored, else 200.
///
/// # Errors
/// 400, 415, 422 with all that is wrong, 412.
pub async fn put_resource(call: Call<'_>) -> Result<Reply, Problem> {
    let resource = call.resource_id()?;
    let attributes = parse_object(call.headers, call.body)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let written = call.service.put_resource(call.tenant, &resource, attributes, &author, &precondition).await?;
    Ok(wrote(&resource, &written))
}

/// `PATCH`: a JSON merge patch (RFC 7396), all or nothing.
///
/// # Errors
/// Those of `PUT`.
pub async fn patch_resource(call: Call<'_>) -> Result<Reply, Problem> {
    let resource = call.resource_id()?;
    let patch = parse_patch(call.headers, call.body)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let written = call.service.patch_resource(call.tenant, &resource, patch, &author, &precondition).await?;
    Ok(wrote(&resource, &written))
}

/// `DELETE`: takes all away; 204.
///
/// # Errors
/// 400, 404, 412.
pub async fn delete_resource(call: Call<'_>) -> Result<Reply, Problem> {
    let (resource, author, precondition) = (call.resource_id()?, call.author(), call.precondition()?);
    let revision = call.service.delete_resource(call.tenant, &resource, None, &author, &precondition).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision))
}

/// `GET` with a slug.
///
/// # Errors
/// 400, 404.
pub async fn get_resource_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (resource, slug) = (call.resource_id()?, call.slug()?);
    let stored = call.service.stored_resource(call.tenant, &resource).await?;
    let value = stored.attributes.get(slug.as_str());
    let value = value.ok_or(ServiceError::NotFound("this resource has no such attribute"))?;
    let (kind, id, slug) = (resource.kind(), resource.id(), slug.as_str());
    Ok(Reply::json(StatusCode::OK, &ResourceAttribute { r#type: kind, id, attribute_slug: slug, value })
        .etag(stored.revision))
}

/// `PUT` with a slug: sets one; 200, or 201 if it is the first of the resource.
///
/// # Errors
/// 400, 415, 422, 412.
pub async fn put_resource_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (resource, slug) = (call.resource_id()?, call.slug()?);
    let value = body_value(&call)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let written =
        call.service.put_resource_attribute(call.tenant, &resource, &slug, value, &author, &precondition).await?;
    Ok(wrote(&resource, &written))
}

/// `DELETE` with a slug: takes one away; 204.
///
/// # Errors
/// 400, 404, 412.
pub async fn delete_resource_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (resource, slug) = (call.resource_id()?, call.slug()?);
    let (author, precondition) = (call.author(), call.precondition()?);
    let revision = call.service.delete_resource(call.tenant, &resource, Some(&slug), &author, &precondition).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision))
}

fn all(resource: &ResourceId, attributes: &Object<'_>, status: StatusCode) -> Reply {
    Reply::json(status, &ResourceAttributes { r#type: resource.kind(), id: resource.id(), attributes })
}

fn wrote(resource: &ResourceId, written: &ResourceWritten) -> Reply {
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    all(resource, &written.attributes, status).etag(written.tag).revision(written.revision)
}
