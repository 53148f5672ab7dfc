//! Which function answers for which row of the table.

use crate::api;
use crate::authzen;
use crate::web::{Call, Problem, Reply};

use super::routes::Endpoint;

/// A connection keeps room for the largest future that it may have to hold, and moves it for every request: what is not
/// asked on every request of an app is boxed. (So an idle connection takes less than half the memory.)
pub(super) async fn answer(endpoint: Endpoint, call: Call<'_>) -> Result<Reply, Problem> {
    match endpoint {
        Endpoint::Evaluation => authzen::evaluation(call).await,
        other => Box::pin(answer_rarely(other, call)).await,
    }
}

async fn answer_rarely(endpoint: Endpoint, call: Call<'_>) -> Result<Reply, Problem> {
    match endpoint {
        Endpoint::Evaluation => authzen::evaluation(call).await,
        Endpoint::GetResource => api::get_resource(call).await,
        Endpoint::PutResource => api::put_resource(call).await,
        Endpoint::PatchResource => api::patch_resource(call).await,
        Endpoint::DeleteResource => api::delete_resource(call).await,
        Endpoint::GetResourceAttribute => api::get_resource_attribute(call).await,
        Endpoint::PutResourceAttribute => api::put_resource_attribute(call).await,
        Endpoint::DeleteResourceAttribute => api::delete_resource_attribute(call).await,
        Endpoint::ListAudit => api::list_audit(call).await,
        Endpoint::ListUsers => api::list_users(call).await,
        Endpoint::GetUser => api::get_user(call).await,
        Endpoint::EraseUser => api::erase_user(call).await,
        Endpoint::ListIdentities => api::list_identities(call).await,
        Endpoint::ListConsents => api::list_consents(call).await,
        Endpoint::GetAttributes => api::get_attributes(call).await,
        Endpoint::PatchAttributes => api::patch_attributes(call).await,
        Endpoint::PutAttribute => api::put_attribute(call).await,
        Endpoint::GetAttribute => api::get_attribute(call).await,
        Endpoint::DeleteAttribute => api::delete_attribute(call).await,
        Endpoint::MyAttributes => api::my_attributes(call).await,
        Endpoint::ListDefinitions => api::list_definitions(call).await,
        Endpoint::PostDefinition => api::post_definition(call).await,
        Endpoint::GetDefinition => api::get_definition(call).await,
        Endpoint::PutDefinition => api::put_definition(call).await,
        Endpoint::DeleteDefinition => api::delete_definition(call).await,
        Endpoint::GetRules => api::get_rules(call).await,
        Endpoint::PutRules => api::put_rules(call).await,
        Endpoint::RulesSchema => api::rules_schema(call).await,
        Endpoint::GetProfilingSettings => api::get_profiling_settings(call).await,
        Endpoint::PutProfilingSettings => api::put_profiling_settings(call).await,
        Endpoint::CheckProfile => api::check(call).await,
        Endpoint::PreviewRules => api::preview(call).await,
        Endpoint::DryRunRules => api::dry_run(call).await,
    }
}
