//! `audit`: who changed what, and when.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::AuditEntry;
use crate::web::{Call, Problem, Reply};

/// A page of the trail.
#[derive(Serialize, JsonSchema)]
pub struct AuditPage {
    entries: Vec<AuditEntry>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET audit`: entries, newest first; `user` and `action` choose, `cursor` goes on where a page ended.
///
/// # Errors
/// 400 for a parameter that there is not, or that cannot be used.
pub async fn list_audit(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["user", "action", "limit", "cursor"])?;
    let (user, action) = (call.query_param("user"), call.query_param("action"));
    let page = call.page(&format!("audit {user:?} {action:?}"))?;
    let before = page.after.as_deref().and_then(|seq| seq.parse().ok()).unwrap_or(i64::MAX);
    let of = (user.as_deref(), action.as_deref());
    let entries = call.service.audit(call.tenant, of, before, page.fetch()).await?;
    let (entries, next) = page.cut(&call, entries, |entry| entry.seq.to_string());
    Ok(Reply::json(StatusCode::OK, &AuditPage { entries, next }))
}

/// `GET audit/verify`: whether every entry is as it was written, with the head of the chain to be kept elsewhere.
///
/// # Errors
/// 400 for a parameter, 503 if the database does not answer.
pub async fn verify_audit(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&[])?;
    Ok(Reply::json(StatusCode::OK, &call.service.verify_audit(call.tenant).await?))
}
