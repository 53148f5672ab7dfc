//! `POST access/v1/evaluation`: one decision.

use std::sync::Arc;

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::model::{Caller, Decision, Denial, PolicyRef, Query, Reason, Scope};
use crate::service::{Answer, Derivation, Reveal, Tenant, Wish, Without};
use crate::web::{BadJson, Call, Problem, Reply, json_text};

use super::question::{Options, Question};

/// The answer of AuthZEN 1.0 ("Access Evaluation API"), with a context of ours.
#[derive(Serialize, JsonSchema)]
pub struct Evaluated<'a> {
    pub(super) decision: bool,
    context: Context<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    #[serde(serialize_with = "in_words")]
    #[schemars(with = "String")]
    reason: Reason<'a>,
    #[serde(serialize_with = "names")]
    #[schemars(with = "Vec<String>")]
    policies: Option<PolicyRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_revision: Option<&'a str>,
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    data_revision: i64,
    decision_id: uuid::Uuid,
    /// Decided from memory while the store could not be asked for changes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Without>,
    /// Why a program should not ask again as it is: `profile_incomplete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The profiling rule that asks for something first.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obligations: Vec<Obligation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Derivation<'a>>,
}

/// What the PEP should do, though the decision stands without it.
#[derive(Serialize, JsonSchema)]
struct Obligation<'a> {
    /// `complete_profile`: show the user what the rule asks (`POST profiling/tickets` makes the link).
    r#type: &'static str,
    /// The profiling rule.
    rule: &'a str,
}

const COMPLETE_PROFILE: &str = "complete_profile";

/// One decision. A deny is a 200, too.
///
/// # Errors
/// 400 for whatever is wrong with the body, its media type included.
pub async fn evaluation(call: Call<'_>) -> Result<Reply, Problem> {
    one(&call, read(&call, Question::parse)?).await
}

/// Decides one question.
pub(super) async fn one(call: &Call<'_>, question: Question<'_>) -> Result<Reply, Problem> {
    let options = question.options()?;
    let query = question.query(call.service.now())?;
    let (tenant, wish) = wished(call, &options).await;
    let answer = call.service.decide(tenant.as_deref().unwrap_or(call.tenant), &query, wish).await;
    Ok(Reply::json(StatusCode::OK, &encode(&answer, &query)))
}

/// What a body asks, by one way of reading it. All that is wrong with it is a 400 (AuthZEN 1.0).
pub(super) fn read<'b>(
    call: &Call<'b>,
    parse: impl FnOnce(&'b str) -> Result<Question<'b>, serde_json::Error>,
) -> Result<Question<'b>, Problem> {
    let bad = |json: BadJson| Problem::bad_request(json.to_string());
    let text = json_text(call.headers, call.body).map_err(bad)?;
    parse(text).map_err(|error| bad(BadJson::unusable(&error)))
}

/// How to decide, and for the tenant as of which moment, if not this.
pub(super) async fn wished(call: &Call<'_>, options: &Options) -> (Option<Arc<Tenant>>, Wish<'static>) {
    let explain = options.explain.then(|| reveal(&call.caller));
    let Some(revision) = options.min_revision else {
        return (None, Wish { explain, ..Wish::default() });
    };
    let tenant = Box::pin(call.service.as_of(call.tenant, revision)).await;
    let unseen = tenant.is_none();
    (tenant, Wish { explain, unseen, claims: None })
}

/// What an explanation may show to a caller.
fn reveal(caller: &Caller) -> Reveal {
    let may = |scope| matches!(caller, Caller::Service(credential) if credential.scopes.permit(scope));
    if may(Scope::Admin) {
        Reveal::Sensitive
    } else if may(Scope::TraitsRead) {
        Reveal::Stored
    } else {
        Reveal::Request
    }
}

/// A decision as it is told.
pub(super) fn encode<'a>(answer: &'a Answer<'_>, query: &'a Query<'_>) -> Evaluated<'a> {
    let rule = match answer.decision {
        Decision::Deny(Denial::Incomplete { rule }) => Some(rule),
        _ => None,
    };
    Evaluated {
        decision: answer.decision.is_allow(),
        context: Context {
            reason: answer.decision.reason(&query.action.name, &query.resource.kind),
            policies: answer.decision.policy(),
            policy_revision: answer.policy_revision,
            data_revision: answer.data_revision,
            decision_id: answer.id,
            stale: answer.stale,
            error: answer.without,
            code: rule.map(|_| "profile_incomplete"),
            rule,
            obligations: answer.obligations.iter().map(|rule| Obligation { r#type: COMPLETE_PROFILE, rule }).collect(),
            explanation: answer.derivation.as_ref(),
        },
    }
}

fn in_words<S: Serializer>(reason: &Reason<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

/// The deciding policy as a list: an explanation names more.
fn names<S: Serializer>(policy: &Option<PolicyRef<'_>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(policy.iter().map(|policy| policy.name))
}

/// Revisions are opaque to clients, so they are strings.
fn as_text<S: Serializer>(revision: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(revision)
}
