//! `abac/check` and `abac/check-bulk`: decisions in the shape of LumoAuth, for callers that come from there.

use std::borrow::Cow;

use http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::model::{Action, Caller, Entity, Moment, Object, Query};
use crate::service::{Answer, Asks, ServiceError, Wish, Without};
use crate::web::{Call, Problem, Reply, parse_body};

/// So many questions are asked at once at most.
const MAX_CHECKS: usize = 100;

/// A question: about the resource as a member or as two, by the caller or about a subject that is named.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check<'b> {
    #[serde(borrow)]
    subject: Option<Party<'b>>,
    action: Cow<'b, str>,
    #[serde(borrow)]
    resource: Option<Party<'b>>,
    resource_type: Option<Cow<'b, str>>,
    resource_id: Option<Cow<'b, str>>,
    #[serde(borrow)]
    #[schemars(with = "Option<Object<'static>>")]
    context: Option<&'b RawValue>,
    #[serde(borrow)]
    #[schemars(with = "Option<Object<'static>>")]
    environment: Option<&'b RawValue>,
}

/// A subject or a resource.
#[derive(Default, Deserialize, JsonSchema)]
struct Party<'b> {
    r#type: Option<Cow<'b, str>>,
    id: Option<Cow<'b, str>>,
    #[serde(borrow)]
    #[schemars(with = "Option<Object<'static>>")]
    attributes: Option<&'b RawValue>,
}

/// An answer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    allowed: bool,
    reason: String,
    /// The policy that decided, as a list.
    #[serde(serialize_with = "as_list")]
    #[schemars(with = "Vec<Matched>")]
    matched_policies: Option<Matched>,
    evaluation_context: EvaluationContext,
}

/// The policy that decided.
#[derive(Serialize, JsonSchema)]
struct Matched {
    name: String,
    effect: &'static str,
}

/// What it was decided upon.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EvaluationContext {
    subject: Named,
    action: String,
    resource: Named,
    #[schemars(with = "Moment")]
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_revision: Option<String>,
    data_revision: String,
    decision_id: Uuid,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Without>,
}

#[derive(Serialize, JsonSchema)]
struct Named {
    r#type: String,
    id: String,
}

/// Questions.
#[derive(Deserialize, JsonSchema)]
pub struct Checks<'b> {
    #[serde(borrow)]
    #[schemars(length(min = 1, max = MAX_CHECKS))]
    checks: Vec<Check<'b>>,
}

/// Their answers, in their order.
#[derive(Serialize, JsonSchema)]
pub struct Results {
    results: Vec<Checked>,
}

/// `POST abac/check`: one question. A deny is a 200, too.
///
/// # Errors
/// 400, 415, 422 with a pointer; 403 for a user who asks about somebody else.
pub async fn abac_check(call: Call<'_>) -> Result<Reply, Problem> {
    let check: Check<'_> = parse_body(call.headers, call.body)?;
    let query = query(&call, check, "")?;
    Ok(Reply::json(StatusCode::OK, &decide(&call, &query).await))
}

/// `POST abac/check-bulk`: up to 100 questions, answered in their order.
///
/// # Errors
/// Those of [`abac_check`]; then none of them is answered.
pub async fn abac_check_bulk(call: Call<'_>) -> Result<Reply, Problem> {
    let Checks { checks } = parse_body(call.headers, call.body)?;
    if checks.is_empty() || checks.len() > MAX_CHECKS {
        let detail = format!("there must be 1 to {MAX_CHECKS} checks, and there are {}", checks.len());
        return Err(ServiceError::invalid("/checks", "out_of_range", detail).into());
    }
    // The request itself was counted as one.
    for _ in 1..checks.len() {
        call.tenant.admit(Asks::Decision, Some(&call.caller), None).map_err(Problem::too_many)?;
    }
    let query = |(place, check)| query(&call, check, &format!("/checks/{place}"));
    let queries = checks.into_iter().enumerate().map(query).collect::<Result<Vec<_>, _>>()?;
    let mut results = Vec::with_capacity(queries.len());
    for query in &queries {
        results.push(decide(&call, query).await);
    }
    Ok(Reply::json(StatusCode::OK, &Results { results }))
}

fn query<'b>(call: &Call<'_>, check: Check<'b>, at: &str) -> Result<Query<'b>, Problem> {
    let subject = subject(&call.caller, check.subject.unwrap_or_default(), at)?;
    let flat = Party { r#type: check.resource_type, id: check.resource_id, attributes: None };
    let Party { r#type, id, attributes } = check.resource.unwrap_or(flat);
    let kind = r#type.ok_or_else(|| missing(at, "resource", "name the type of the resource"))?;
    let mut context = object(check.context, || format!("{at}/context"))?;
    // The time is ours to say. Of an environment, only the address of the client is taken.
    let environment = object(check.environment, || format!("{at}/environment"))?;
    if let (Some(address), None) = (environment.get("ip"), context.get("ip")) {
        context.set("ip", address.clone());
    }
    if attributes.is_some() && !matches!(*call.caller, Caller::Service(_)) {
        return Err(no_attributes());
    }
    let properties = object(attributes, || format!("{at}/resource/attributes"))?;
    Ok(Query {
        subject,
        action: Action { name: check.action, properties: Object::new() },
        resource: Entity { kind, id: id.unwrap_or_default(), properties },
        context,
        now: call.service.now(),
    })
}

/// Whom it is about: a user or a client asks for itself, a service token about whomever it names.
fn subject<'b>(caller: &Caller, named: Party<'b>, at: &str) -> Result<Entity<'b>, Problem> {
    let Party { r#type, id, attributes } = named;
    let Some((own_kind, own)) = caller.subject() else {
        let properties = object(attributes, || format!("{at}/subject/attributes"))?;
        let id = id.ok_or_else(|| missing(at, "subject/id", "a service token must name the subject"))?;
        return Ok(Entity { kind: r#type.unwrap_or(Cow::Borrowed("user")), id, properties });
    };
    if id.is_some_and(|id| id != own) || r#type.is_some_and(|kind| kind != own_kind) {
        let detail =
            "an access token asks about its own subject; a service token of the scope decide asks about others";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    if attributes.is_some() {
        return Err(no_attributes());
    }
    Ok(Entity { kind: Cow::Borrowed(own_kind), id: Cow::Owned(own.to_owned()), properties: Object::new() })
}

/// Whoever asks about themselves does not say what is known of anything.
fn no_attributes() -> Problem {
    let detail = "attributes are taken from service tokens of the scope decide alone; for an access token, what is stored decides";
    Problem::new(StatusCode::FORBIDDEN, detail)
}

fn missing(at: &str, member: &str, detail: &str) -> Problem {
    ServiceError::invalid(format!("{at}/{member}"), "missing", detail.to_owned()).into()
}

fn object<'b>(given: Option<&'b RawValue>, pointer: impl Fn() -> String) -> Result<Object<'b>, Problem> {
    let Some(given) = given else { return Ok(Object::new()) };
    let unusable = |error: serde_json::Error| ServiceError::invalid(pointer(), "not_as_expected", error.to_string());
    Ok(Object::parse(given.get()).map_err(unusable)?)
}

async fn decide(call: &Call<'_>, query: &Query<'_>) -> Checked {
    let wish = Wish { claims: call.caller.claims(), ..Wish::default() };
    let answer = call.service.decide(call.tenant, query, wish).await;
    let Answer { decision, policy_revision, data_revision, id, stale, without, .. } = &answer;
    let effect = if decision.is_allow() { "allow" } else { "deny" };
    let named = |entity: &Entity<'_>| Named { r#type: entity.kind.to_string(), id: entity.id.to_string() };
    Checked {
        allowed: decision.is_allow(),
        reason: decision.reason(&query.action.name, &query.resource.kind).to_string(),
        matched_policies: decision.policy().map(|policy| Matched { name: policy.name.to_owned(), effect }),
        evaluation_context: EvaluationContext {
            subject: named(&query.subject),
            action: query.action.name.to_string(),
            resource: named(&query.resource),
            time: query.now,
            policy_revision: policy_revision.map(str::to_owned),
            data_revision: data_revision.to_string(),
            decision_id: *id,
            stale: *stale,
            error: *without,
        },
    }
}

fn as_list<S: Serializer>(matched: &Option<Matched>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(matched)
}
