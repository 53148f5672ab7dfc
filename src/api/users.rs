//! `users`: who is known, and what is known of one.

use std::borrow::Cow;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Bag, Consent, Identity, Object, Slug};
use crate::service::ListedUser;
use crate::web::{Call, Problem, Reply};

use super::attributes::tagged;

/// A user in a list.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Listed {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// A page of users.
#[derive(Serialize, JsonSchema)]
pub struct UserPage {
    users: Vec<Listed>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET users`: by id, those whose id, name or e-mail starts with `q`, and of whom the trait of `trait.SLUG` has that
/// value; `cursor` goes on where a page ended.
///
/// # Errors
/// 400 for a parameter that there is not, or that cannot be used.
pub async fn list_users(call: Call<'_>) -> Result<Reply, Problem> {
    let filters = trait_filters(&call)?;
    let query = call.query_param("q").unwrap_or_default();
    let page = call.page(&format!("users {query} {filters:?}"))?;
    let after = page.after.clone().unwrap_or_default();
    let listed = call.service.find_users(call.tenant, &query, &filters, &after, page.fetch()).await?;
    let (listed, next) = page.cut(&call, listed, |last| last.id.clone());
    let row = |ListedUser { id, name, email }| Listed { user_id: id, name, email };
    Ok(Reply::json(StatusCode::OK, &UserPage { users: listed.into_iter().map(row).collect(), next }))
}

/// The traits that the query names, and how it writes their values.
fn trait_filters(call: &Call<'_>) -> Result<Vec<(Slug, String)>, Problem> {
    call.only_params(&["q", "limit", "cursor", "trait."])?;
    let params = url::form_urlencoded::parse(call.query.as_bytes());
    let filter = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        let slug = Slug::parse(name.strip_prefix("trait.")?);
        Some(slug.map(|slug| (slug, value.into_owned())).map_err(|error| Problem::bad_request(error.to_string())))
    };
    params.filter_map(filter).collect()
}

/// What is known of a user.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User<'a> {
    user_id: &'a str,
    profile: Object<'a>,
    traits: Object<'a>,
}

/// `GET users/{userId}`: profile fields and traits.
///
/// # Errors
/// 400, 404.
pub async fn get_user(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    let fields = call.service.fields(call.tenant, &user).await?;
    let of = |bag: Bag| {
        let of_bag = fields.values.iter().filter(|(slug, _)| call.tenant.definitions.bag(slug) == bag);
        of_bag.map(|(slug, value)| (slug, value.clone())).collect::<Object<'_>>()
    };
    let body = User { user_id: user.as_str(), profile: of(Bag::Profile), traits: of(Bag::Traits) };
    Ok(tagged(Reply::json(StatusCode::OK, &body), fields.tag.clone()))
}

/// `DELETE users/{userId}`: erases the user and all that is known of one; 204.
///
/// # Errors
/// 400, 404.
pub async fn erase_user(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    let revision = call.service.erase_user(call.tenant, &user, &call.author()).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT).revision(revision))
}

/// `DELETE users/{userId}/sessions`: signs the user out of the tenant's apps; 204.
///
/// # Errors
/// 400, 404.
pub async fn end_sessions(call: Call<'_>) -> Result<Reply, Problem> {
    call.service.end_sessions(call.tenant, &call.user_id()?, &call.author()).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Linked identities of a user.
#[derive(Serialize, JsonSchema)]
pub struct Identities {
    identities: Vec<Identity>,
}

/// `GET users/{userId}/identities`: linked identities.
///
/// # Errors
/// 400, 404.
pub async fn list_identities(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    Ok(Reply::json(StatusCode::OK, &Identities { identities: call.service.identities(call.tenant, &user).await? }))
}

/// Consents of a user.
#[derive(Serialize, JsonSchema)]
pub struct Consents {
    consents: Vec<Consent>,
}

/// `GET users/{userId}/consents`: consents, those withdrawn too.
///
/// # Errors
/// 400, 404.
pub async fn list_consents(call: Call<'_>) -> Result<Reply, Problem> {
    let user = call.user_id()?;
    Ok(Reply::json(StatusCode::OK, &Consents { consents: call.service.consents(call.tenant, &user).await? }))
}

/// A login that was counted.
#[derive(Serialize, JsonSchema)]
struct Login {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

/// Logins of a user.
#[derive(Serialize, JsonSchema)]
pub struct Logins {
    logins: Vec<Login>,
}

/// `GET users/{userId}/logins`: logins that were counted, newest first; `limit` 1 to 500.
///
/// # Errors
/// 400, 404.
pub async fn list_logins(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["limit"])?;
    let (user, page) = (call.user_id()?, call.page("logins")?);
    let logins = call.service.logins(call.tenant, &user, page.fetch() - 1).await?;
    let logins = logins.into_iter().map(|(at, client)| Login { at, client }).collect();
    Ok(Reply::json(StatusCode::OK, &Logins { logins }))
}
