//! Every route there is, in one table. A row without an access rule does not compile.

use http::Method;

use crate::model::Scope;
use crate::proxy::Fields;

/// A method on a path.
#[derive(Debug)]
pub struct Route {
    /// The method; `GET` answers `HEAD`, too.
    pub method: Method,
    /// Whose paths it is under, and in which form it reports errors.
    pub family: Family,
    /// The path below that of the family.
    pub path: &'static str,
    /// Who may, and what answers.
    pub serve: Serve,
}

/// Where a route lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// At the root; no tenant, no caller.
    Operations,
    /// Under `/api/v1`; no tenant; errors are RFC 9457.
    Instance,
    /// Under `/t/{tenant}/api/v1`, and `/api/v1` for the default tenant; errors are RFC 9457.
    Api,
    /// Under `/t/{tenant}`, and `/` for the default tenant; errors are JSON strings.
    AuthZen,
    /// The path comes before `/t/{tenant}`, and alone for the default tenant; errors are RFC 9457.
    WellKnown,
    /// Under `/t/{tenant}`, and `/` for the default tenant; answers are HTML.
    Pages,
    /// Under `/t/{tenant}`, and `/` for the default tenant, for every method: a request may be the one that is asked about.
    Proxies,
}

/// Who may use a route, and what answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serve {
    /// Everybody may.
    Public(Operation),
    /// Callers of the tenant may, if they are who the rule says.
    Tenant(Access, Endpoint),
    /// Admins of the instance may.
    Instance(InstanceEndpoint),
    /// Proxies that are trusted may; they ask in these fields.
    Proxy(Fields),
    /// Everybody may: it says what there is.
    Metadata(Metadata),
    /// Everybody may: the page itself asks for a ticket or a link.
    Page(Page),
    /// Admins who are signed in to the portal of the tenant may.
    Portal(PortalPage),
}

/// Who may use a route of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A service token of the tenant, or of the instance, with this scope.
    Scope(Scope),
    /// A user of the tenant, with an access token.
    User,
    /// A user or a client with an access token, for itself, or a service token with this scope.
    Own(Scope),
}

impl Access {
    /// Whether it is a question whose answer may be no: of a tenant that is suspended, too.
    #[must_use]
    pub fn is_for_decisions(self) -> bool {
        matches!(self, Access::Scope(Scope::Decide) | Access::Own(_))
    }
}

/// What needs neither caller nor tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum Operation {
    Landing,
    OpenApi,
    Docs,
    Problem,
    Stylesheet,
    Healthz,
    Readyz,
    Metrics,
}

/// What is for those who run the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum InstanceEndpoint {
    ListTenants,
    PostTenant,
    GetTenant,
    PatchTenant,
    DeleteTenant,
}

/// What everybody may know of a tenant, to be found at a well-known path (RFC 8615).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// Whose access tokens it takes (RFC 9728).
    ProtectedResource,
    /// Where it is asked for decisions (AuthZEN 1.0, section 9).
    AuthZen,
}

/// Pages for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum Page {
    Appearance,
    CompleteProfile,
    PostCompleteProfile,
    SignIn,
    SignedIn,
    SignOut,
    PostSignOut,
    PortalSignIn,
    PostPortalSignIn,
    StartPortalSignIn,
    PortalCallback,
}

/// Pages of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum PortalPage {
    Home,
    SignOut,
    Users,
    User,
    PostUser,
    Authentication,
    PostAuthentication,
}

/// What answers for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum Endpoint {
    Evaluation,
    Evaluations,
    GetResource,
    PutResource,
    PatchResource,
    DeleteResource,
    GetResourceAttribute,
    PutResourceAttribute,
    DeleteResourceAttribute,
    ListAudit,
    VerifyAudit,
    ListUsers,
    ExportUsers,
    ImportUsers,
    GetUser,
    EraseUser,
    EndSessions,
    ListIdentities,
    ListConsents,
    ListLogins,
    GetAttributes,
    PatchAttributes,
    PutAttribute,
    GetAttribute,
    DeleteAttribute,
    MyAttributes,
    ListDefinitions,
    PostDefinition,
    GetDefinition,
    PutDefinition,
    PatchDefinition,
    DeleteDefinition,
    AbacCheck,
    AbacCheckBulk,
    GetSettings,
    PutSettings,
    PatchSettings,
    ListTokens,
    PostToken,
    GetToken,
    RotateToken,
    RevokeToken,
    GetRules,
    PutRules,
    RulesSchema,
    GetProfilingSettings,
    PutProfilingSettings,
    CheckProfile,
    PostTicket,
    PreviewRules,
    DryRunRules,
}

const ATTRIBUTES: &str = "/abac/users/{userId}/attributes";
const ATTRIBUTE: &str = "/abac/users/{userId}/attributes/{slug}";

const DEFINITION: &str = "/abac/attributes/{slug}";
const RESOURCE: &str = "/abac/resources/{type}/{id}/attributes";
const RESOURCE_ATTRIBUTE: &str = "/abac/resources/{type}/{id}/attributes/{slug}";
const IDENTITIES: &str = "/users/{userId}/identities";
const CONSENTS: &str = "/users/{userId}/consents";
const LOGINS: &str = "/users/{userId}/logins";
/// Where one reads which issuers a tenant trusts (RFC 9728).
pub(super) const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// Where one reads where decisions are asked for.
pub(super) const AUTHZEN_CONFIGURATION: &str = "/.well-known/authzen-configuration";
const COMPLETE_PROFILE: &str = "/account/complete-profile/";
const USER_PAGE: &str = "/portal/users/{userId}/360";
const AUTHENTICATION: &str = "/portal/settings/authentication";

use Access::User;
use Family::{Api, AuthZen, Instance, Operations, Pages, Proxies, WellKnown};
use Serve::{Instance as Runs, Metadata as Says, Page as ForAll, Portal, Proxy, Public, Tenant};

const DECIDE: Access = Access::Scope(Scope::Decide);
const OWN: Access = Access::Own(Scope::Decide);
const TRAITS_READ: Access = Access::Scope(Scope::TraitsRead);
const TRAITS_WRITE: Access = Access::Scope(Scope::TraitsWrite);
const ADMIN: Access = Access::Scope(Scope::Admin);
const RULES_WRITE: Access = Access::Scope(Scope::RulesWrite);
const AUDIT_READ: Access = Access::Scope(Scope::AuditRead);
const PROFILING: Access = Access::Scope(Scope::Profiling);

/// The table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    row(Method::GET,    Operations, "/",                       Public(Operation::Landing)),
    row(Method::GET,    Operations, "/openapi.json",           Public(Operation::OpenApi)),
    row(Method::GET,    Operations, "/docs",                   Public(Operation::Docs)),
    row(Method::GET,    Operations, "/problems/{name}",        Public(Operation::Problem)),
    row(Method::GET,    Operations, "/assets/sidegate.css",    Public(Operation::Stylesheet)),
    row(Method::GET,    Operations, "/healthz",                Public(Operation::Healthz)),
    row(Method::GET,    Operations, "/readyz",                 Public(Operation::Readyz)),
    row(Method::GET,    Operations, "/metrics",                Public(Operation::Metrics)),
    row(Method::GET,    Instance,   "/tenants",                Runs(InstanceEndpoint::ListTenants)),
    row(Method::POST,   Instance,   "/tenants",                Runs(InstanceEndpoint::PostTenant)),
    row(Method::GET,    Instance,   "/tenants/{id}",           Runs(InstanceEndpoint::GetTenant)),
    row(Method::PATCH,  Instance,   "/tenants/{id}",           Runs(InstanceEndpoint::PatchTenant)),
    row(Method::DELETE, Instance,   "/tenants/{id}",           Runs(InstanceEndpoint::DeleteTenant)),
    row(Method::GET,    WellKnown,  PROTECTED_RESOURCE,        Says(Metadata::ProtectedResource)),
    row(Method::GET,    WellKnown,  AUTHZEN_CONFIGURATION,     Says(Metadata::AuthZen)),
    row(Method::POST,   AuthZen,    "/access/v1/evaluation",   Tenant(DECIDE,       Endpoint::Evaluation)),
    row(Method::POST,   AuthZen,    "/access/v1/evaluations",  Tenant(DECIDE,       Endpoint::Evaluations)),
    row(Method::GET,    Proxies,    "/authz/auth-request",     Proxy(Fields::Original)),
    row(Method::GET,    Proxies,    "/authz/forward-auth",     Proxy(Fields::Forwarded)),
    row(Method::GET,    Proxies,    "/authz/ext-authz/",       Proxy(Fields::Itself)),
    row(Method::GET,    Proxies,    "/authz/ext-authz/{*rest}", Proxy(Fields::Itself)),
    row(Method::GET,    Api,        RESOURCE,                  Tenant(TRAITS_READ,  Endpoint::GetResource)),
    row(Method::PUT,    Api,        RESOURCE,                  Tenant(TRAITS_WRITE, Endpoint::PutResource)),
    row(Method::PATCH,  Api,        RESOURCE,                  Tenant(TRAITS_WRITE, Endpoint::PatchResource)),
    row(Method::DELETE, Api,        RESOURCE,                  Tenant(TRAITS_WRITE, Endpoint::DeleteResource)),
    row(Method::GET,    Api,        RESOURCE_ATTRIBUTE,        Tenant(TRAITS_READ,  Endpoint::GetResourceAttribute)),
    row(Method::PUT,    Api,        RESOURCE_ATTRIBUTE,        Tenant(TRAITS_WRITE, Endpoint::PutResourceAttribute)),
    row(Method::DELETE, Api,        RESOURCE_ATTRIBUTE,        Tenant(TRAITS_WRITE, Endpoint::DeleteResourceAttribute)),
    row(Method::GET,    Api,        "/audit",                  Tenant(AUDIT_READ,   Endpoint::ListAudit)),
    row(Method::GET,    Api,        "/audit/verify",           Tenant(AUDIT_READ,   Endpoint::VerifyAudit)),
    row(Method::POST,   Api,        "/abac/check",             Tenant(OWN,          Endpoint::AbacCheck)),
    row(Method::POST,   Api,        "/abac/check-bulk",        Tenant(OWN,          Endpoint::AbacCheckBulk)),
    row(Method::GET,    Api,        "/settings",               Tenant(ADMIN,        Endpoint::GetSettings)),
    row(Method::PUT,    Api,        "/settings",               Tenant(ADMIN,        Endpoint::PutSettings)),
    row(Method::PATCH,  Api,        "/settings",               Tenant(ADMIN,        Endpoint::PatchSettings)),
    row(Method::GET,    Api,        "/tokens",                 Tenant(ADMIN,        Endpoint::ListTokens)),
    row(Method::POST,   Api,        "/tokens",                 Tenant(ADMIN,        Endpoint::PostToken)),
    row(Method::GET,    Api,        "/tokens/{id}",            Tenant(ADMIN,        Endpoint::GetToken)),
    row(Method::DELETE, Api,        "/tokens/{id}",            Tenant(ADMIN,        Endpoint::RevokeToken)),
    row(Method::POST,   Api,        "/tokens/{id}/rotate",     Tenant(ADMIN,        Endpoint::RotateToken)),
    row(Method::GET,    Api,        "/users",                  Tenant(TRAITS_READ,  Endpoint::ListUsers)),
    row(Method::GET,    Api,        "/users:export",           Tenant(TRAITS_READ,  Endpoint::ExportUsers)),
    row(Method::POST,   Api,        "/users:import",           Tenant(TRAITS_WRITE, Endpoint::ImportUsers)),
    row(Method::GET,    Api,        "/users/{userId}",         Tenant(TRAITS_READ,  Endpoint::GetUser)),
    row(Method::DELETE, Api,        "/users/{userId}",         Tenant(TRAITS_WRITE, Endpoint::EraseUser)),
    row(Method::DELETE, Api,        "/users/{userId}/sessions", Tenant(TRAITS_WRITE, Endpoint::EndSessions)),
    row(Method::GET,    Api,        IDENTITIES,                Tenant(TRAITS_READ,  Endpoint::ListIdentities)),
    row(Method::GET,    Api,        CONSENTS,                  Tenant(TRAITS_READ,  Endpoint::ListConsents)),
    row(Method::GET,    Api,        LOGINS,                    Tenant(TRAITS_READ,  Endpoint::ListLogins)),
    row(Method::GET,    Api,        ATTRIBUTES,                Tenant(TRAITS_READ,  Endpoint::GetAttributes)),
    row(Method::PATCH,  Api,        ATTRIBUTES,                Tenant(TRAITS_WRITE, Endpoint::PatchAttributes)),
    row(Method::PUT,    Api,        ATTRIBUTE,                 Tenant(TRAITS_WRITE, Endpoint::PutAttribute)),
    row(Method::GET,    Api,        ATTRIBUTE,                 Tenant(TRAITS_READ,  Endpoint::GetAttribute)),
    row(Method::DELETE, Api,        ATTRIBUTE,                 Tenant(TRAITS_WRITE, Endpoint::DeleteAttribute)),
    row(Method::GET,    Api,        "/abac/my-attributes",     Tenant(User,         Endpoint::MyAttributes)),
    row(Method::GET,    Api,        "/abac/attributes",        Tenant(TRAITS_READ,  Endpoint::ListDefinitions)),
    row(Method::POST,   Api,        "/abac/attributes",        Tenant(TRAITS_WRITE, Endpoint::PostDefinition)),
    row(Method::GET,    Api,        DEFINITION,                Tenant(TRAITS_READ,  Endpoint::GetDefinition)),
    row(Method::PUT,    Api,        DEFINITION,                Tenant(TRAITS_WRITE, Endpoint::PutDefinition)),
    row(Method::PATCH,  Api,        DEFINITION,                Tenant(TRAITS_WRITE, Endpoint::PatchDefinition)),
    row(Method::DELETE, Api,        DEFINITION,                Tenant(TRAITS_WRITE, Endpoint::DeleteDefinition)),
    row(Method::GET,    Api,        "/profiling/rules",        Tenant(RULES_WRITE,  Endpoint::GetRules)),
    row(Method::PUT,    Api,        "/profiling/rules",        Tenant(RULES_WRITE,  Endpoint::PutRules)),
    row(Method::GET,    Api,        "/profiling/rules/schema", Tenant(RULES_WRITE,  Endpoint::RulesSchema)),
    row(Method::GET,    Api,        "/profiling/settings",     Tenant(RULES_WRITE,  Endpoint::GetProfilingSettings)),
    row(Method::PUT,    Api,        "/profiling/settings",     Tenant(RULES_WRITE,  Endpoint::PutProfilingSettings)),
    row(Method::POST,   Api,        "/profiling/check",        Tenant(PROFILING,    Endpoint::CheckProfile)),
    row(Method::POST,   Api,        "/profiling/tickets",      Tenant(PROFILING,    Endpoint::PostTicket)),
    row(Method::GET,    Api,        "/profiling/preview",      Tenant(RULES_WRITE,  Endpoint::PreviewRules)),
    row(Method::POST,   Api,        "/profiling/dry-run",      Tenant(RULES_WRITE,  Endpoint::DryRunRules)),
    row(Method::GET,    Pages,      "/account/appearance.css", ForAll(Page::Appearance)),
    row(Method::GET,    Pages,      COMPLETE_PROFILE,          ForAll(Page::CompleteProfile)),
    row(Method::POST,   Pages,      COMPLETE_PROFILE,          ForAll(Page::PostCompleteProfile)),
    row(Method::GET,    Pages,      "/account/sign-in",        ForAll(Page::SignIn)),
    row(Method::GET,    Pages,      "/account/callback",       ForAll(Page::SignedIn)),
    row(Method::GET,    Pages,      "/account/sign-out",       ForAll(Page::SignOut)),
    row(Method::POST,   Pages,      "/account/sign-out",       ForAll(Page::PostSignOut)),
    row(Method::GET,    Pages,      "/portal/sign-in",         ForAll(Page::PortalSignIn)),
    row(Method::POST,   Pages,      "/portal/sign-in",         ForAll(Page::PostPortalSignIn)),
    row(Method::GET,    Pages,      "/portal/sign-in/start",   ForAll(Page::StartPortalSignIn)),
    row(Method::GET,    Pages,      "/portal/callback",        ForAll(Page::PortalCallback)),
    row(Method::GET,    Pages,      "/portal/",                Portal(PortalPage::Home)),
    row(Method::POST,   Pages,      "/portal/sign-out",        Portal(PortalPage::SignOut)),
    row(Method::GET,    Pages,      "/portal/users",           Portal(PortalPage::Users)),
    row(Method::GET,    Pages,      USER_PAGE,                 Portal(PortalPage::User)),
    row(Method::POST,   Pages,      USER_PAGE,                 Portal(PortalPage::PostUser)),
    row(Method::GET,    Pages,      AUTHENTICATION,            Portal(PortalPage::Authentication)),
    row(Method::POST,   Pages,      AUTHENTICATION,            Portal(PortalPage::PostAuthentication)),
];

const fn row(method: Method, family: Family, path: &'static str, serve: Serve) -> Route {
    Route { method, family, path, serve }
}

impl Route {
    /// Whether it is for those who look after the tenant, and nothing that apps, identity providers or users ask for.
    #[must_use]
    pub fn is_administration(&self) -> bool {
        match self.serve {
            Serve::Public(_)
            | Serve::Proxy(_)
            | Serve::Metadata(_)
            | Serve::Page(Page::Appearance | Page::CompleteProfile | Page::PostCompleteProfile)
            | Serve::Page(Page::SignIn | Page::SignedIn | Page::SignOut | Page::PostSignOut) => false,
            Serve::Tenant(Access::User | Access::Own(_) | Access::Scope(Scope::Decide | Scope::Profiling), _) => false,
            Serve::Instance(_) | Serve::Tenant(Access::Scope(_), _) | Serve::Page(_) | Serve::Portal(_) => true,
        }
    }

    /// The full paths under which it answers.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let below = match self.family {
            Family::Operations => return vec![self.path.to_owned()],
            Family::Instance => return vec![format!("/api/v1{}", self.path)],
            Family::WellKnown => return vec![format!("{}/t/{{tenant}}", self.path), self.path.to_owned()],
            Family::Api => format!("/api/v1{}", self.path),
            Family::AuthZen | Family::Pages | Family::Proxies => self.path.to_owned(),
        };
        vec![format!("/t/{{tenant}}{below}"), below]
    }
}
