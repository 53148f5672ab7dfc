//! Every route there is, in one table. A row without an access rule does not compile.

use http::Method;

use crate::model::Scope;

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
    /// Under `/t/{tenant}/api/v1`, and `/api/v1` for the default tenant; errors are RFC 9457.
    Api,
    /// Under `/t/{tenant}`, and `/` for the default tenant; errors are JSON strings.
    AuthZen,
}

/// Who may use a route, and what answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serve {
    /// Everybody may.
    Public(Operation),
    /// Callers of the tenant may, if they are who the rule says.
    Tenant(Access, Endpoint),
}

/// Who may use a route of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A service token of the tenant, or of the instance, with this scope.
    Scope(Scope),
    /// A user of the tenant, with an access token.
    User,
}

/// What needs neither caller nor tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum Operation {
    Healthz,
    Readyz,
    Metrics,
}

/// What answers for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of that name
pub enum Endpoint {
    Evaluation,
    PutAttribute,
    GetAttribute,
    DeleteAttribute,
    MyAttributes,
}

const ATTRIBUTE: &str = "/abac/users/{userId}/attributes/{slug}";

use Access::User;
use Family::{Api, AuthZen, Operations};
use Serve::{Public, Tenant};

const DECIDE: Access = Access::Scope(Scope::Decide);
const TRAITS_READ: Access = Access::Scope(Scope::TraitsRead);
const TRAITS_WRITE: Access = Access::Scope(Scope::TraitsWrite);

/// The table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    row(Method::GET,    Operations, "/healthz",              Public(Operation::Healthz)),
    row(Method::GET,    Operations, "/readyz",               Public(Operation::Readyz)),
    row(Method::GET,    Operations, "/metrics",              Public(Operation::Metrics)),
    row(Method::POST,   AuthZen,    "/access/v1/evaluation", Tenant(DECIDE,       Endpoint::Evaluation)),
    row(Method::PUT,    Api,        ATTRIBUTE,               Tenant(TRAITS_WRITE, Endpoint::PutAttribute)),
    row(Method::GET,    Api,        ATTRIBUTE,               Tenant(TRAITS_READ,  Endpoint::GetAttribute)),
    row(Method::DELETE, Api,        ATTRIBUTE,               Tenant(TRAITS_WRITE, Endpoint::DeleteAttribute)),
    row(Method::GET,    Api,        "/abac/my-attributes",   Tenant(User,         Endpoint::MyAttributes)),
];

const fn row(method: Method, family: Family, path: &'static str, serve: Serve) -> Route {
    Route { method, family, path, serve }
}

impl Route {
    /// The full paths under which it answers.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let below = match self.family {
            Family::Operations => return vec![self.path.to_owned()],
            Family::Api => format!("/api/v1{}", self.path),
            Family::AuthZen => self.path.to_owned(),
        };
        vec![format!("/t/{{tenant}}{below}"), below]
    }
}
