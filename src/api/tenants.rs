//! `/api/v1/tenants`: for those who run the instance.

use http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Moment, TenantId};
use crate::service::{ServiceError, TenantRow};
use crate::web::{InstanceCall, Problem, Reply, parse_body};

/// A tenant as it is shown.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    id: TenantId,
    #[schemars(with = "Moment")]
    created_at: Timestamp,
    suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    suspended_at: Option<Timestamp>,
}

impl From<TenantRow> for Tenant {
    fn from(TenantRow { id, created_at, suspended_at, .. }: TenantRow) -> Self {
        Self { id, created_at, suspended: suspended_at.is_some(), suspended_at }
    }
}

/// All of them.
#[derive(Serialize, JsonSchema)]
pub struct Tenants {
    tenants: Vec<Tenant>,
}

/// `GET`: all of them, by name.
///
/// # Errors
/// 503.
pub async fn list_tenants(call: InstanceCall<'_>) -> Result<Reply, Problem> {
    let tenants = call.service.stored_tenants().await?.into_iter().map(Tenant::from).collect();
    Ok(Reply::json(StatusCode::OK, &Tenants { tenants }))
}

/// A tenant that is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    #[schemars(with = "TenantId")]
    id: String,
}

/// `POST {"id": "acme"}`: makes one; 201.
///
/// # Errors
/// 400, 415, 422, 409 if there is one.
pub async fn post_tenant(call: InstanceCall<'_>) -> Result<Reply, Problem> {
    let NewTenant { id } = parse_body(call.headers, call.body)?;
    let id = TenantId::parse(&id).map_err(|error| ServiceError::invalid("/id", "not_a_tenant", error.to_string()))?;
    let tenant = call.service.create_tenant(&id).await?;
    Ok(Reply::json(StatusCode::CREATED, &Tenant::from(tenant)))
}

/// `GET {tenant}`: one of them.
///
/// # Errors
/// 404.
pub async fn get_tenant(call: InstanceCall<'_>) -> Result<Reply, Problem> {
    let tenant = call.service.stored_tenant(&call.tenant_id()?).await?;
    Ok(Reply::json(StatusCode::OK, &Tenant::from(tenant)))
}

/// What of a tenant can be changed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantPatch {
    suspended: bool,
}

/// `PATCH {tenant} {"suspended": true}`: suspends it, or lets it go on.
///
/// # Errors
/// 400, 415, 422, 404.
pub async fn patch_tenant(call: InstanceCall<'_>) -> Result<Reply, Problem> {
    let TenantPatch { suspended } = parse_body(call.headers, call.body)?;
    let tenant = call.service.suspend_tenant(&call.tenant_id()?, suspended, &call.author()).await?;
    Ok(Reply::json(StatusCode::OK, &Tenant::from(tenant)))
}

/// `DELETE {tenant}`: takes it away with all of its data; 204.
///
/// # Errors
/// 404, 409 while it has a folder of policies.
pub async fn delete_tenant(call: InstanceCall<'_>) -> Result<Reply, Problem> {
    call.service.delete_tenant(&call.tenant_id()?).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
