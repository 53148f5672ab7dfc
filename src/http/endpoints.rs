//! Which function answers for which row of the table.

use std::pin::Pin;

use crate::api;
use crate::authzen;
use crate::web::{Call, InstanceCall, Problem, Reply};

use super::routes::{Endpoint, InstanceEndpoint};

type Answering<'r> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'r>>;

/// A connection keeps room for the largest future that it may have to hold, and moves it for every request: what is not
/// asked on every request of an app is boxed. (An idle connection takes 4 KiB less for it.)
pub(super) async fn answer(endpoint: Endpoint, call: Call<'_>) -> Result<Reply, Problem> {
    let answering: Answering<'_> = match endpoint {
        Endpoint::Evaluation => return authzen::evaluation(call).await,
        Endpoint::Evaluations => Box::pin(authzen::evaluations(call)),
        Endpoint::GetResource => Box::pin(api::get_resource(call)),
        Endpoint::PutResource => Box::pin(api::put_resource(call)),
        Endpoint::PatchResource => Box::pin(api::patch_resource(call)),
        Endpoint::DeleteResource => Box::pin(api::delete_resource(call)),
        Endpoint::GetResourceAttribute => Box::pin(api::get_resource_attribute(call)),
        Endpoint::PutResourceAttribute => Box::pin(api::put_resource_attribute(call)),
        Endpoint::DeleteResourceAttribute => Box::pin(api::delete_resource_attribute(call)),
        Endpoint::ListAudit => Box::pin(api::list_audit(call)),
        Endpoint::VerifyAudit => Box::pin(api::verify_audit(call)),
        Endpoint::AbacCheck => Box::pin(api::abac_check(call)),
        Endpoint::AbacCheckBulk => Box::pin(api::abac_check_bulk(call)),
        Endpoint::GetSettings => Box::pin(api::get_settings(call)),
        Endpoint::PutSettings => Box::pin(api::put_settings(call)),
        Endpoint::PatchSettings => Box::pin(api::patch_settings(call)),
        Endpoint::ListTokens => Box::pin(api::list_tokens(call)),
        Endpoint::PostToken => Box::pin(api::post_token(call)),
        Endpoint::GetToken => Box::pin(api::get_token(call)),
        Endpoint::RotateToken => Box::pin(api::rotate_token(call)),
        Endpoint::RevokeToken => Box::pin(api::revoke_token(call)),
        Endpoint::ListUsers => Box::pin(api::list_users(call)),
        Endpoint::GetUser => Box::pin(api::get_user(call)),
        Endpoint::ExportUsers => Box::pin(api::export_users(call)),
        Endpoint::ImportUsers => Box::pin(api::import_users(call)),
        Endpoint::EraseUser => Box::pin(api::erase_user(call)),
        Endpoint::EndSessions => Box::pin(api::end_sessions(call)),
        Endpoint::ListIdentities => Box::pin(api::list_identities(call)),
        Endpoint::ListConsents => Box::pin(api::list_consents(call)),
        Endpoint::ListLogins => Box::pin(api::list_logins(call)),
        Endpoint::GetAttributes => Box::pin(api::get_attributes(call)),
        Endpoint::PatchAttributes => Box::pin(api::patch_attributes(call)),
        Endpoint::PutAttribute => Box::pin(api::put_attribute(call)),
        Endpoint::GetAttribute => Box::pin(api::get_attribute(call)),
        Endpoint::DeleteAttribute => Box::pin(api::delete_attribute(call)),
        Endpoint::MyAttributes => Box::pin(api::my_attributes(call)),
        Endpoint::ListDefinitions => Box::pin(api::list_definitions(call)),
        Endpoint::PostDefinition => Box::pin(api::post_definition(call)),
        Endpoint::GetDefinition => Box::pin(api::get_definition(call)),
        Endpoint::PutDefinition => Box::pin(api::put_definition(call)),
        Endpoint::PatchDefinition => Box::pin(api::patch_definition(call)),
        Endpoint::DeleteDefinition => Box::pin(api::delete_definition(call)),
        Endpoint::GetRules => Box::pin(api::get_rules(call)),
        Endpoint::PutRules => Box::pin(api::put_rules(call)),
        Endpoint::RulesSchema => Box::pin(api::rules_schema(call)),
        Endpoint::GetProfilingSettings => Box::pin(api::get_profiling_settings(call)),
        Endpoint::PutProfilingSettings => Box::pin(api::put_profiling_settings(call)),
        Endpoint::CheckProfile => Box::pin(api::check(call)),
        Endpoint::PostTicket => Box::pin(api::post_ticket(call)),
        Endpoint::PreviewRules => Box::pin(api::preview(call)),
        Endpoint::DryRunRules => Box::pin(api::dry_run(call)),
    };
    answering.await
}

pub(super) async fn answer_instance(endpoint: InstanceEndpoint, call: InstanceCall<'_>) -> Result<Reply, Problem> {
    match endpoint {
        InstanceEndpoint::ListTenants => api::list_tenants(call).await,
        InstanceEndpoint::PostTenant => api::post_tenant(call).await,
        InstanceEndpoint::GetTenant => api::get_tenant(call).await,
        InstanceEndpoint::PatchTenant => api::patch_tenant(call).await,
        InstanceEndpoint::DeleteTenant => api::delete_tenant(call).await,
    }
}
