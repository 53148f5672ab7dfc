//! What the instance itself, its pages and the portal take and answer.

use serde_json::json;

use crate::api::bodies::{Health, NewTenant, ProtectedResource, Tenant, TenantPatch, Tenants};
use crate::authzen::Configuration;
use crate::proxy::Fields;
use crate::service::Readiness;

use super::super::routes::{InstanceEndpoint, Metadata, Operation, Page, PortalPage};
use crate::web::ProblemDetails;

use super::operation::{Described, HTML, PROBLEM, describe, object, shape, text};

pub(super) fn operation(operation: Operation) -> Described {
    match operation {
        Operation::Landing => describe("Say what this is").shows(200, "A page."),
        Operation::Problem => describe("Say what a kind of error means")
            .about("Where the `type` of a problem leads.")
            .shows(200, "What it means, and what to do about it.")
            .answers_as(404, "There is no such kind.", HTML, text),
        Operation::Stylesheet => describe("The style of all pages").answers_as(200, "The style.", "text/css", text),
        Operation::OpenApi => describe("This document").answers_as(200, "The document.", super::MEDIA_TYPE, object),
        Operation::Docs => describe("This document, to be read").shows(200, "A page."),
        Operation::Healthz => describe("Whether the process is alive").answers::<Health>(200, "It is."),
        Operation::Readyz => describe("Whether it can be asked")
            .answers::<Readiness>(200, "It can; `degraded` says that somebody should look, and why.")
            .answers::<Readiness>(503, "It cannot, and why."),
        Operation::Metrics => describe("Metrics").about("For Prometheus.").answers_as(
            200,
            "OpenMetrics text.",
            "application/openmetrics-text",
            text,
        ),
    }
}

pub(super) fn metadata(metadata: Metadata) -> Described {
    match metadata {
        Metadata::AuthZen => describe("Say where decisions are asked for")
            .about("AuthZEN Authorization API 1.0, section 9.")
            .answers::<Configuration>(200, "The metadata."),
        Metadata::ProtectedResource => describe("Say whose access tokens the tenant takes")
            .about("OAuth 2.0 Protected Resource Metadata (RFC 9728).")
            .answers::<ProtectedResource<'_>>(200, "The metadata."),
    }
}

pub(super) fn instance(endpoint: InstanceEndpoint) -> Described {
    match endpoint {
        InstanceEndpoint::ListTenants => describe("List tenants").answers::<Tenants>(200, "All of them, by name."),
        InstanceEndpoint::PostTenant => describe("Make a tenant")
            .about("It denies until it has policies.")
            .takes::<NewTenant>(json!({ "id": "globex" }))
            .answers::<Tenant>(201, "The tenant.")
            .refuses(&[409, 422]),
        InstanceEndpoint::GetTenant => {
            describe("Read about a tenant").answers::<Tenant>(200, "The tenant.").refuses(&[404])
        }
        InstanceEndpoint::PatchTenant => describe("Suspend a tenant, or let it go on")
            .takes::<TenantPatch>(json!({ "suspended": true }))
            .answers::<Tenant>(200, "The tenant.")
            .refuses(&[404, 422]),
        InstanceEndpoint::DeleteTenant => describe("Delete a tenant with all of its data")
            .about("Not while it has policies in a folder.")
            .answers_nothing(204, "Nothing of it is left.")
            .refuses(&[404, 409]),
    }
}

pub(super) fn proxy(fields: Fields) -> Described {
    let header = |described: Described, name: &'static str, example: &'static str| described.header(name, example);
    let described = match fields {
        Fields::Original => {
            let described = describe("Whether a request may pass, for nginx").about(
                "It may with 200; 401 and 403 say in `X-Auth-Location` and `X-Deny-Reason` what a browser is told.",
            );
            header(header(described, "X-Original-Method", "GET"), "X-Original-URL", "https://app.example.com/reports/7")
        }
        Fields::Forwarded => {
            let described = describe("Whether a request may pass, for Traefik, Caddy and HAProxy").about(
                "It may with 200; every other answer is for the client, and for a gRPC client in `grpc-status`.",
            );
            let described = header(header(described, "X-Forwarded-Method", "GET"), "X-Forwarded-Proto", "https");
            header(header(described, "X-Forwarded-Host", "app.example.com"), "X-Forwarded-Uri", "/reports/7")
        }
        Fields::Itself => {
            let described = describe("Whether a request may pass, for Envoy's HTTP service")
                .about("The request is the one that is asked about, below this path. It may with 200.");
            header(described, "X-Forwarded-Proto", "https")
        }
    };
    described
        .answers_nothing(200, "It may pass; `X-Auth-...` are for the app.")
        .answers_nothing(303, "The browser signs in first.")
        .shows(400, "It could be read in two ways.")
        .shows(403, "It may not pass.")
        .answers_as(400, "It could be read in two ways.", PROBLEM, shape::<ProblemDetails<'_>>)
        .answers_as(403, "It may not pass.", PROBLEM, shape::<ProblemDetails<'_>>)
}

pub(super) fn page(page: Page) -> Described {
    match page {
        Page::Appearance => {
            describe("The colours of the tenant's pages").answers_as(200, "The style.", "text/css", text)
        }
        Page::CompleteProfile => describe("Ask a user for what is missing")
            .query_optional(
                "ticket",
                "names the user and the rule; from `profiling/check`",
                json!({ "type": "string" }),
            )
            .shows(200, "The form, or what this page is for.")
            .shows(410, "The link is too old."),
        Page::PostCompleteProfile => describe("Take what a user has filled in")
            .takes_form(json!({}))
            .shows(200, "It was answered before, or nothing is missing any more.")
            .answers_nothing(303, "It is kept, and the user goes on.")
            .shows(410, "The link is too old.")
            .shows(422, "What cannot be, in the form."),
        Page::SignIn => describe("Sign in to the tenant's apps at its OpenID provider")
            .query_optional("returnTo", "where the browser was going", json!({ "type": "string" }))
            .shows(200, "Signed in already, without a way back.")
            .answers_nothing(303, "On to the provider; with a session, on to the app or to what is asked first.")
            .shows(400, "There is no such sign-in.")
            .shows(502, "The provider does not answer."),
        Page::SignedIn => describe("Come back from the OpenID provider, on the way to an app")
            .query_optional("state", "what was handed to the provider", json!({ "type": "string" }))
            .query_optional("code", "what the provider is asked about", json!({ "type": "string" }))
            .query_optional("error", "why the provider did not sign anybody in", json!({ "type": "string" }))
            .shows(200, "Signed in, without a way back.")
            .answers_nothing(303, "Signed in: on to the app, or to what is asked first.")
            .shows(400, "It did not work."),
        Page::SignOut => describe("Ask whether to sign out").shows(200, "The form, or that nobody is signed in."),
        Page::PostSignOut => {
            describe("Sign out of the tenant's apps").takes_form(json!({ "csrf": "..." })).shows(200, "Signed out.")
        }
        Page::PortalSignIn => describe("Ask an admin to sign in")
            .query_optional("link", "a one-time link", json!({ "type": "string" }))
            .shows(200, "The ways to sign in.")
            .shows(410, "The link does not count any more."),
        Page::PostPortalSignIn => describe("Sign in by a one-time link")
            .takes_form(json!({ "link": "..." }))
            .answers_nothing(303, "Signed in.")
            .shows(410, "The link does not count any more."),
        Page::StartPortalSignIn => describe("Sign in at the tenant's OpenID provider")
            .answers_nothing(303, "On to the provider.")
            .shows(502, "The provider does not answer."),
        Page::PortalCallback => describe("Come back from the OpenID provider").answers_nothing(303, "Signed in."),
    }
}

pub(super) fn portal(page: PortalPage) -> Described {
    match page {
        PortalPage::Home => describe("The portal").answers_nothing(303, "On to the list of users."),
        PortalPage::SignOut => describe("Sign out").takes_form(json!({})).shows(200, "Signed out."),
        PortalPage::Users => describe("Find users")
            .query_optional("q", "the start of an id, a name or an e-mail address", json!({ "type": "string" }))
            .shows(200, "A page of users.")
            .refuses(&[422]),
        PortalPage::User => describe("All that is known of a user").shows(200, "The page."),
        PortalPage::PostUser => describe("Change a trait of a user")
            .takes_form(json!({ "slug": "plan", "value": "enterprise" }))
            .answers_nothing(303, "It is changed: on to the page of the user.")
            .shows(422, "What cannot be, in the page."),
        PortalPage::Authentication => describe("Settings of progressive profiling").shows(200, "The page."),
        PortalPage::PostAuthentication => describe("Change settings of progressive profiling")
            .takes_form(json!({ "enabled": "true" }))
            .answers_nothing(303, "They are changed: on to the page.")
            .shows(422, "What cannot be, in the page."),
    }
}
