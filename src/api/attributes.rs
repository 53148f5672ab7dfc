//! `abac/users/{userId}/attributes`, with and without a slug, and `abac/my-attributes`.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Caller, Object, Value};
use crate::service::{Fields, ServiceError};
use crate::web::{Call, Problem, Reply, parse_object, parse_patch};

/// A trait as the API shows it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAttribute<'a> {
    user_id: &'a str,
    attribute_slug: &'a str,
    value: &'a Value<'a>,
}

/// All of a user's.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAttributes<'a> {
    user_id: &'a str,
    attributes: &'a Object<'a>,
}

/// What was done.
#[derive(Serialize, JsonSchema)]
pub struct AttributeWritten<'a> {
    message: &'static str,
    data: UserAttribute<'a>,
}

/// `PUT`: sets one trait; 201 for a new one, 200 for another value.
///
/// # Errors
/// 400 for a path or body that cannot be read, 415, 422 for a value that no trait has, 412.
pub async fn put_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (user, slug) = (call.user_id()?, call.slug()?);
    let value = body_value(&call)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let put = call.service.put_trait(call.tenant, &user, &slug, value.clone(), &author, &precondition).await?;
    let (status, message) = match put.created {
        true => (StatusCode::CREATED, "Attribute created"),
        false => (StatusCode::OK, "Attribute updated"),
    };
    let data = UserAttribute { user_id: user.as_str(), attribute_slug: slug.as_str(), value: &value };
    Ok(Reply::json(status, &AttributeWritten { message, data }).etag(put.tag).revision(put.revision))
}

/// `GET`: reads one trait.
///
/// # Errors
/// 400, 404.
pub async fn get_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (user, slug) = (call.user_id()?, call.slug()?);
    let found = call.service.get_trait(call.tenant, &user, &slug).await?;
    let data = UserAttribute { user_id: user.as_str(), attribute_slug: slug.as_str(), value: &found.field.value };
    Ok(Reply::json(StatusCode::OK, &data).etag(found.revision))
}

/// `DELETE`: takes one trait away; 204.
///
/// # Errors
/// 400, 404, 412.
pub async fn delete_attribute(call: Call<'_>) -> Result<Reply, Problem> {
    let (user, slug) = (call.user_id()?, call.slug()?);
    let (author, precondition) = (call.author(), call.precondition()?);
    let revision = call.service.delete_trait(call.tenant, &user, &slug, &author, &precondition).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision))
}

/// `GET` without a slug: all profile fields and traits.
///
/// # Errors
/// 400, 404.
pub async fn get_attributes(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    Ok(all(user.as_str(), call.service.fields(call.tenant, &user).await?))
}

/// `PATCH` without a slug: several at once, all or nothing, as a JSON merge patch (RFC 7396); what there is then.
///
/// # Errors
/// 400, 415, 422 with all that is wrong, 412, 409.
pub async fn patch_attributes(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    let patch = parse_patch(call.headers, call.body)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let after = call.service.patch_fields(call.tenant, &user, &patch, &author, &precondition).await?;
    let revision = after.revision;
    Ok(all(user.as_str(), after).revision(revision))
}

fn all(user_id: &str, fields: Fields) -> Reply {
    tagged(Reply::json(StatusCode::OK, &UserAttributes { user_id, attributes: &fields.values }), fields.tag)
}

/// With the entity tag of what there is, if there is anything.
pub(super) fn tagged(reply: Reply, tag: Option<String>) -> Reply {
    match tag {
        Some(tag) => reply.etag(tag),
        None => reply,
    }
}

/// The value of a body `{"value": ...}`.
pub(super) fn body_value<'r>(call: &Call<'r>) -> Result<Value<'r>, Problem> {
    let value = parse_object(call.headers, call.body)?.remove("value");
    let missing = "the body must have a member \"value\": {\"value\": ...}";
    value.ok_or_else(|| ServiceError::invalid("/value", "missing", missing).into())
}

/// `GET abac/my-attributes`: the traits of the user whose access token it is.
///
/// # Errors
/// 403 for a token that is no user's.
pub async fn my_attributes(call: Call<'_>) -> Result<Reply, Problem> {
    let Caller::User { id, .. } = call.caller.as_ref() else {
        return Err(Problem::new(StatusCode::FORBIDDEN, "only a user's own access token has attributes of its own"));
    };
    let user = call.service.user(call.tenant, id.as_str()).await?;
    let all = user.iter().flat_map(|record| record.traits().iter());
    let visible = |slug: &str| call.tenant.definitions.get(slug).is_none_or(|definition| definition.visible);
    let attributes: Object<'_> =
        all.filter(|(slug, _)| visible(slug)).map(|(slug, value)| (slug, value.to_value())).collect();
    Ok(Reply::json(StatusCode::OK, &UserAttributes { user_id: id.as_str(), attributes: &attributes }))
}
