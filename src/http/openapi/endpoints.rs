//! What each endpoint of a tenant takes and answers.

use schemars::SchemaGenerator;
use serde_json::json;

use crate::api::bodies::{
    AttributeWritten, AuditPage, Check, Checked, Checks, Consents, DryRun, Identities, Issued, LoginAnswer,
    LoginReport, Logins, PreviewedRule, ResourceAttribute, ResourceAttributes, Results, Rotation, Ticket, TicketWish,
    Token, TokenPage, TokenWish, User, UserAttribute, UserAttributes, UserPage,
};
use crate::authzen::{Evaluated, Evaluations, Question};
use crate::model::{Definition, ProfilingSettings, Rule, TenantSettings};
use crate::service::{AuditVerdict, ImportReport};
use crate::web::{ExtendedProblem, ProblemDetails};

use super::super::routes::Endpoint;
use super::operation::{Described, JSON, PROBLEM, describe, new_value, object, shape, text};

/// What an endpoint takes and answers.
pub(super) fn described(endpoint: Endpoint) -> Described {
    match endpoint {
        Endpoint::Evaluation => describe("Decide whether a subject may")
            .about(
                "AuthZEN Authorization API 1.0, section 6. A deny is an answer like any other; so is \
             one that could not be made with all facts, whose `context.error` says so.",
            )
            .takes::<Question<'_>>(json!({
                "subject": { "type": "user", "id": "alice" },
                "action": { "name": "read" },
                "resource": { "type": "report", "id": "7" },
                "context": { "ip": "192.0.2.1" },
            }))
            .answers::<Evaluated<'_>>(200, "The decision."),
        Endpoint::Evaluations => describe("Decide several questions at once")
            .about(
                "AuthZEN Authorization API 1.0, section 7, up to 1,000. What a question lacks is taken from the \
                 body itself. `options.evaluations_semantic` says when to stop; without `evaluations`, the body is \
                 one question, and answered as such.",
            )
            .takes_as(JSON, questions, json!({
                "subject": { "type": "user", "id": "alice" },
                "action": { "name": "read" },
                "evaluations": [{ "resource": { "type": "report", "id": "7" } }, { "resource": { "type": "report", "id": "8" } }],
            }))
            .answers::<Evaluations<'_>>(200, "The decisions, in the order of the questions.")
            .answers::<Evaluated<'_>>(200, "The decision, if it was one question."),
        Endpoint::AbacCheck => describe("Decide, in LumoAuth's shape")
            .about(
                "With an access token, about its own subject; with a service token, about the \
             subject that is named.",
            )
            .takes::<Check<'_>>(json!({
                "subject": { "id": "alice" }, "action": "read", "resource": { "type": "report", "id": "7" },
            }))
            .answers::<Checked>(200, "The decision; a deny, too.")
            .refuses(&[422]),
        Endpoint::AbacCheckBulk => describe("Decide up to 100 questions, in LumoAuth's shape")
            .takes::<Checks<'_>>(json!({ "checks": [{
                "subject": { "id": "alice" }, "action": "read", "resource": { "type": "report", "id": "7" },
            }] }))
            .answers::<Results>(200, "The decisions, in the order of the questions.")
            .refuses(&[422]),

        Endpoint::ListUsers => describe("List users")
            .about("Everybody who is known, by id.")
            .query("q", "the start of an id, a name or an e-mail address", json!({ "type": "string" }), json!("ali"))
            .query(
                "trait",
                "`trait.SLUG=value` chooses those whose trait has that value",
                json!({
                    "type": "object",
                    "patternProperties": { "^trait\\.[a-z][a-z0-9_]{0,62}$": { "type": "string" } },
                    "additionalProperties": false,
                }),
                json!({ "trait.plan": "enterprise" }),
            )
            .paged()
            .answers::<UserPage>(200, "A page of users."),
        Endpoint::GetUser => describe("Read a user")
            .about("Profile fields and traits.")
            .answers::<User<'_>>(200, "What is known of the user.")
            .tagged(),
        Endpoint::EraseUser => describe("Erase a user")
            .about(
                "Takes away the user and all that is known of one; the audit trail keeps a \
             tombstone.",
            )
            .answers_nothing(204, "Nothing of the user is left.")
            .revises(),
        Endpoint::EndSessions => describe("Sign a user out of the tenant's apps, everywhere")
            .about("Of sessions that began at sidegate's own sign-in.")
            .answers_nothing(204, "No session of the user is left."),
        Endpoint::ExportUsers => describe("Export users")
            .about("All users of the tenant, as they are read.")
            .one_of("format", "how they are written", &["ndjson", "csv"])
            .answers_as(200, "All users, one on each line.", "application/x-ndjson", text)
            .answers_as(200, "All users, one on each line.", "text/csv", text),
        Endpoint::ImportUsers => describe("Import users")
            .about("Up to 1 GiB; `sidegate import` takes files of any size.")
            .query_optional(
                "format",
                "what the body is, whatever its Content-Type says",
                json!({ "enum": ["ndjson", "csv"] }),
            )
            .one_of("onError", "what becomes of the good lines of a file with bad ones", &["abort", "skip"])
            .query("dryRun", "whether the file is only checked", json!({ "type": "boolean" }), json!(false))
            .takes_as("application/x-ndjson", text, json!("{\"userId\": \"bob\", \"traits\": {\"plan\": \"pro\"}}\n"))
            .takes_as("text/csv", text, json!("userId,traits.plan\nbob,pro\n"))
            .answers::<ImportReport>(200, "What became of the file.")
            .answers_as(
                422,
                "Nothing was written because of lines that cannot be.",
                PROBLEM,
                shape::<ExtendedProblem<'_, ImportReport>>,
            )
            .answers_as(422, "The key was used for another request.", PROBLEM, shape::<ProblemDetails<'_>>)
            .revises()
            .refuses(&[409]),
        Endpoint::ListIdentities => describe("List the linked identities of a user")
            .answers::<Identities>(200, "Whom identity providers know the user as."),
        Endpoint::ListConsents => describe("List the consents of a user")
            .about("Those withdrawn, too.")
            .answers::<Consents>(200, "What the user has agreed to."),
        Endpoint::ListLogins => describe("List the logins of a user")
            .about("Those that were counted, newest first.")
            .query(
                "limit",
                "how many",
                json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 100 }),
                json!(20),
            )
            .answers::<Logins>(200, "The logins."),

        Endpoint::GetAttributes => describe("Read all traits and profile fields of a user")
            .answers::<UserAttributes<'_>>(200, "Their values.")
            .tagged(),
        Endpoint::PatchAttributes => describe("Change several traits of a user")
            .about("All or nothing. `null` takes one away; a user who is not there is created.")
            .takes_patch(json!({ "plan": "enterprise", "email_opt_in": true }))
            .answers::<UserAttributes<'_>>(200, "What there is then.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::PutAttribute => describe("Set a trait of a user")
            .about("A user who is not there is created.")
            .takes_as(JSON, new_value, json!({ "value": "enterprise" }))
            .answers::<AttributeWritten<'_>>(200, "It has another value.")
            .answers::<AttributeWritten<'_>>(201, "It is new.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::GetAttribute => {
            describe("Read a trait of a user").answers::<UserAttribute<'_>>(200, "Its value.").tagged()
        }
        Endpoint::DeleteAttribute => describe("Take a trait of a user away")
            .answers_nothing(204, "It is not there any more.")
            .revises()
            .conditional()
            .refuses(&[422]),
        Endpoint::MyAttributes => describe("Read one's own traits")
            .about("Those that the user may see.")
            .answers::<UserAttributes<'_>>(200, "Their values."),

        Endpoint::ListDefinitions => describe("List definitions")
            .about("Traits and profile fields, the standard ones among them.")
            .answers::<Vec<Definition>>(200, "All definitions."),
        Endpoint::PostDefinition => describe("Define a trait or a profile field")
            .takes::<Definition>(json!({ "slug": "region", "dataType": "string", "allowedValues": ["eu", "us"] }))
            .forced("whether values that do not fit may stay as they are")
            .answers::<Definition>(201, "It is defined.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::GetDefinition => describe("Read a definition").answers::<Definition>(200, "The definition.").tagged(),
        Endpoint::PutDefinition => describe("Define a trait, or define it anew")
            .about("`Sidegate-Touched` says how many values, policies and rules it touches.")
            .takes_as(JSON, definition_of_the_path, json!({ "dataType": "string", "name": "Plan" }))
            .forced("whether values that do not fit may stay as they are")
            .answers::<Definition>(200, "It is changed.")
            .answers::<Definition>(201, "It is new.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::PatchDefinition => describe("Change a definition")
            .takes_patch(json!({ "description": "What was bought" }))
            .forced("whether values that do not fit may stay as they are")
            .answers::<Definition>(200, "It is changed.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::DeleteDefinition => describe("Take a definition away")
            .about("A standard profile field is then as it was at first.")
            .forced("whether values, policies and rules may lose their definition")
            .answers_nothing(204, "It is not defined any more.")
            .revises()
            .conditional()
            .refuses(&[409, 422]),

        Endpoint::GetResource => describe("Read the stored attributes of a resource")
            .answers::<ResourceAttributes<'_>>(200, "All of them.")
            .tagged(),
        Endpoint::PutResource => describe("Replace the stored attributes of a resource")
            .takes_as(JSON, object, json!({ "owner": "alice", "classification": "internal" }))
            .answers::<ResourceAttributes<'_>>(200, "They are replaced.")
            .answers::<ResourceAttributes<'_>>(201, "They are the first.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[422]),
        Endpoint::PatchResource => describe("Change stored attributes of a resource")
            .about("All or nothing; `null` takes one away.")
            .takes_patch(json!({ "classification": "public" }))
            .answers::<ResourceAttributes<'_>>(200, "What there is then.")
            .answers::<ResourceAttributes<'_>>(201, "They are the first.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[422]),
        Endpoint::DeleteResource => describe("Take the stored attributes of a resource away")
            .answers_nothing(204, "Nothing is stored of it any more.")
            .revises()
            .conditional(),
        Endpoint::GetResourceAttribute => describe("Read one stored attribute of a resource")
            .answers::<ResourceAttribute<'_>>(200, "Its value.")
            .tagged(),
        Endpoint::PutResourceAttribute => describe("Set one stored attribute of a resource")
            .takes_as(JSON, new_value, json!({ "value": "alice" }))
            .answers::<ResourceAttributes<'_>>(200, "What there is then.")
            .answers::<ResourceAttributes<'_>>(201, "It is the first.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[422]),
        Endpoint::DeleteResourceAttribute => describe("Take one stored attribute of a resource away")
            .answers_nothing(204, "It is not there any more.")
            .revises()
            .conditional(),

        Endpoint::ListAudit => describe("Read the audit trail")
            .about("Newest first.")
            .query("user", "only what concerns this user", json!({ "type": "string" }), json!("alice"))
            .query("action", "only what was done by this action", json!({ "type": "string" }), json!("trait.set"))
            .paged()
            .answers::<AuditPage>(200, "A page of entries."),
        Endpoint::VerifyAudit => describe("Verify the audit trail")
            .about("Recomputes the chain from its first entry to its head.")
            .answers::<AuditVerdict>(200, "Whether every entry is as it was written, and what is not."),

        Endpoint::GetSettings => {
            describe("Read the settings of the tenant").answers::<TenantSettings>(200, "The settings.").tagged()
        }
        Endpoint::PutSettings => describe("Replace the settings of the tenant")
            .about("What is left out is as it was at first.")
            .takes::<TenantSettings>(
                json!({ "timeZone": "Europe/Berlin", "returnOrigins": ["https://app.example.com"] }),
            )
            .answers::<TenantSettings>(200, "The settings.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::PatchSettings => describe("Change settings of the tenant")
            .takes_patch(json!({ "corsOrigins": ["https://app.example.com"] }))
            .answers::<TenantSettings>(200, "The settings.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),

        Endpoint::ListTokens => describe("List service tokens")
            .about("Oldest first, those revoked and ended too; never the tokens themselves.")
            .paged()
            .answers::<TokenPage>(200, "A page of tokens."),
        Endpoint::PostToken => describe("Make a service token")
            .about("The answer shows the token; nothing shows it again.")
            .takes::<TokenWish>(json!({ "name": "shop", "scopes": ["decide"] }))
            .answers::<Issued>(201, "The token.")
            .refuses(&[409, 422]),
        Endpoint::GetToken => describe("Read about a service token").answers::<Token>(200, "All but the token itself."),
        Endpoint::RotateToken => describe("Replace a service token")
            .about("Makes another one like it, which the answer shows; the old one counts on.")
            .takes::<Rotation>(json!({ "overlapSeconds": 3600 }))
            .answers::<Issued>(201, "The new token.")
            .refuses(&[409, 422]),
        Endpoint::RevokeToken => describe("Revoke a service token").answers_nothing(204, "It does not count any more."),

        Endpoint::GetRules => {
            describe("Read the profiling rules").answers::<Vec<Rule>>(200, "The rules, in their order.").tagged()
        }
        Endpoint::PutRules => describe("Replace the profiling rules")
            .takes::<Vec<Rule>>(json!([
                { "id": "company-first", "fields": ["company"], "condition": "first_login", "required": true, "title": "Your company" },
            ]))
            .answers::<Vec<Rule>>(200, "The rules.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::RulesSchema => describe("Read the JSON Schema of profiling rules").about("For editors.").answers_as(
            200,
            "The schema.",
            "application/schema+json",
            object,
        ),
        Endpoint::GetProfilingSettings => describe("Read the settings of progressive profiling")
            .answers::<ProfilingSettings>(200, "The settings.")
            .tagged(),
        Endpoint::PutProfilingSettings => describe("Replace the settings of progressive profiling")
            .takes::<ProfilingSettings>(json!({ "enabled": true, "maxPromptsPerLogin": 1 }))
            .answers::<ProfilingSettings>(200, "The settings.")
            .tagged()
            .revises()
            .conditional()
            .refuses(&[409, 422]),
        Endpoint::CheckProfile => describe("Report a login, and ask whether it may go on")
            .about(
                "Takes in what the identity provider knows, counts the login once, and says what the \
             user is asked first.",
            )
            .takes::<LoginReport>(json!({
                "userId": "alice", "loginId": "login-1", "returnTo": "https://app.example.com/",
                "profile": { "name": "Alice Example" },
            }))
            .answers::<LoginAnswer<'_>>(200, "Whether the profile is complete, and where the user goes if it is not.")
            .refuses(&[409, 422]),
        Endpoint::PostTicket => describe("Make the link to the page that asks what a rule asks")
            .about("For a decision whose `context.code` is `profile_incomplete`, or that has an obligation.")
            .takes::<TicketWish>(json!({
                "userId": "alice", "rule": "company-first", "returnTo": "https://app.example.com/reports/7",
            }))
            .answers::<Ticket>(201, "The link.")
            .refuses(&[409, 422]),
        Endpoint::PreviewRules => describe("Ask what each rule would ask a user now, and why")
            .query("userId", "the user", json!({ "type": "string", "minLength": 1 }), json!("alice"))
            .answers::<Vec<PreviewedRule<'_>>>(200, "Each rule, and whether it asks."),
        Endpoint::DryRunRules => describe("Ask how many users a draft of rules would ask")
            .about("At their next login.")
            .takes::<Vec<Rule>>(json!([{ "fields": ["phone"], "condition": { "afterDays": 30 } }]))
            .answers::<DryRun>(200, "How many of how many.")
            .refuses(&[422]),
    }
}

/// Defaults, and questions that lack what these have.
fn questions(generator: &mut SchemaGenerator) -> schemars::Schema {
    let mut schema = shape::<Question<'_>>(generator);
    schema.remove("required");
    let one = schema.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.insert("evaluations".to_owned(), json!({ "type": "array", "maxItems": 1000, "items": one }));
        properties["options"]["properties"]["evaluations_semantic"] =
            json!({ "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] });
    }
    schema
}

/// A definition whose slug stands in the path.
fn definition_of_the_path(generator: &mut SchemaGenerator) -> schemars::Schema {
    let mut schema = shape::<Definition>(generator);
    let required = schema.get_mut("required").and_then(serde_json::Value::as_array_mut);
    required.into_iter().for_each(|required| required.retain(|member| member != "slug"));
    schema
}
