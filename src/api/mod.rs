//! The JSON API of tenants: decode, call one use case, encode.

mod attributes;
mod audit;
mod check;
mod definitions;
mod metadata;
mod operations;
mod profiling;
mod resources;
mod settings;
mod tenants;
mod tokens;
mod transfer;
mod users;

/// What bodies hold, for whoever describes them.
pub mod bodies {
    pub use super::attributes::{AttributeWritten, UserAttribute, UserAttributes};
    pub use super::audit::AuditPage;
    pub use super::check::{Check, Checked, Checks, Results};
    pub use super::metadata::ProtectedResource;
    pub use super::operations::Health;
    pub use super::profiling::{DryRun, LoginAnswer, LoginReport, PreviewedRule, Ticket, TicketWish};
    pub use super::resources::{ResourceAttribute, ResourceAttributes};
    pub use super::tenants::{NewTenant, Tenant, TenantPatch, Tenants};
    pub use super::tokens::{Issued, Rotation, Token, TokenPage, TokenWish};
    pub use super::users::{Consents, Identities, Logins, User, UserPage};
}

pub use attributes::{delete_attribute, get_attribute, get_attributes, my_attributes, patch_attributes, put_attribute};
pub use audit::{list_audit, verify_audit};
pub use check::{abac_check, abac_check_bulk};
pub use definitions::{
    delete_definition, get_definition, list_definitions, patch_definition, post_definition, put_definition,
};
pub use metadata::protected_resource;
pub use operations::{healthz, metrics, readyz};
pub use profiling::{
    check, dry_run, get_profiling_settings, get_rules, post_ticket, preview, put_profiling_settings, put_rules,
    rules_schema,
};
pub use resources::{
    delete_resource, delete_resource_attribute, get_resource, get_resource_attribute, patch_resource, put_resource,
    put_resource_attribute,
};
pub use settings::{get_settings, patch_settings, put_settings};
pub use tenants::{delete_tenant, get_tenant, list_tenants, patch_tenant, post_tenant};
pub use tokens::{get_token, list_tokens, post_token, revoke_token, rotate_token};
pub use transfer::{export_users, import_users};
pub use users::{end_sessions, erase_user, get_user, list_consents, list_identities, list_logins, list_users};
