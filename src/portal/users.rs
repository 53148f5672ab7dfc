//! `portal/users`: search, page by page.

use askama::Template;
use http::StatusCode;
use url::form_urlencoded::Serializer;

use crate::service::ServiceError;
use crate::web::Reply;

use super::frame::{Admitted, Frame};

/// Users on one page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "users.html", config = "src/web/askama.toml")]
struct Page<'a> {
    frame: Frame<'a>,
    query: &'a str,
    users: Vec<Row>,
    next: Option<String>,
}

struct Row {
    href: String,
    id: String,
    name: String,
    email: String,
}

/// `GET`
///
/// # Errors
/// The store's.
pub async fn users(admitted: Admitted<'_>) -> Result<Reply, ServiceError> {
    let call = &admitted.call;
    let query = call.query_param("q").unwrap_or_default();
    let after = call.query_param("after").unwrap_or_default();
    // One more than is shown tells whether there is another page.
    let mut listed = call.service.list_users(call.tenant, query.trim(), &after, PAGE as i64 + 1).await?;
    let more = listed.len() > PAGE;
    listed.truncate(PAGE);
    let next = listed.last().filter(|_| more).map(|last| {
        let params = Serializer::new(String::new()).append_pair("q", &query).append_pair("after", &last.id).finish();
        format!("?{params}")
    });
    let base = admitted.base();
    let row = |user: crate::service::ListedUser| Row {
        href: user_page(&base, &user.id),
        name: user.name.unwrap_or_default(),
        email: user.email.unwrap_or_default(),
        id: user.id,
    };
    let users = listed.into_iter().map(row).collect();
    Ok(Reply::html(StatusCode::OK, &Page { frame: admitted.frame("users"), query: &query, users, next }))
}

/// The address of a user's page.
pub(super) fn user_page(base: &str, user: &str) -> String {
    let user = percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
    format!("{base}/users/{user}/360")
}
