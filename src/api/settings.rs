//! `settings`: those of the tenant, which stand in its `tenant.json` or in the store.

use http::StatusCode;

use crate::model::TenantSettings;
use crate::service::{DocumentKind, ServiceError};
use crate::web::{Call, Problem, Reply, parse_body, parse_patch, parse_value, patched};

/// `GET settings`; what stands in a file has no entity tag.
///
/// # Errors
/// None of its own.
pub async fn get_settings(call: Call<'_>) -> Result<Reply, Problem> {
    let in_force = call.tenant.settings.as_ref();
    let stored = match in_force.file {
        Some(_) => None,
        None => call.service.document::<TenantSettings>(call.tenant, DocumentKind::Settings, "").await?,
    };
    Ok(match stored {
        Some((settings, tag)) => Reply::json(StatusCode::OK, &settings).etag(tag),
        None => Reply::json(StatusCode::OK, in_force),
    })
}

/// `PUT settings`: replaces them.
///
/// # Errors
/// 409 if they stand in a file, 412, 422 with a pointer for each mistake.
pub async fn put_settings(call: Call<'_>) -> Result<Reply, Problem> {
    let settings: TenantSettings = parse_body(call.headers, call.body)?;
    change(call, |_| Ok(TenantSettings::clone(&settings))).await
}

/// `PATCH settings`: changes some of them, as a JSON merge patch (RFC 7396).
///
/// # Errors
/// As for `PUT`.
pub async fn patch_settings(call: Call<'_>) -> Result<Reply, Problem> {
    let patch = parse_patch(call.headers, call.body)?;
    change(call, |before| parse_value(&patched(before, &patch))).await
}

async fn change(
    call: Call<'_>,
    edit: impl Fn(&TenantSettings) -> Result<TenantSettings, ServiceError>,
) -> Result<Reply, Problem> {
    let (author, precondition) = (call.author(), call.precondition()?);
    let (settings, revision) = call.service.change_settings(call.tenant, edit, &author, &precondition).await?;
    Ok(Reply::json(StatusCode::OK, &settings).etag(revision).revision(revision))
}
