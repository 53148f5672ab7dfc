//! `access/v1/evaluations`: several decisions at once (AuthZEN 1.0, section 7).

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::Query;
use crate::service::{Answer, Asks};
use crate::web::{Call, Problem, Reply};

use super::evaluation::{Evaluated, encode, one, read, wished};
use super::question::{Options, Question, Semantic};

/// So many questions are asked at once at most.
const MAX_EVALUATIONS: usize = 1000;

/// Bytes of defaults, for all questions together: each question has its own copy.
const MAX_DEFAULTS: usize = 4 << 20;

/// Decisions, in the order of the questions.
#[derive(Serialize, JsonSchema)]
pub struct Evaluations<'a> {
    evaluations: Vec<Evaluation<'a>>,
}

/// A decision, or why there is none.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Evaluation<'a> {
    Made(Evaluated<'a>),
    NotMade(NotMade),
}

/// A question that cannot be decided is not permitted.
#[derive(Serialize, JsonSchema)]
struct NotMade {
    decision: bool,
    context: Unusable,
}

#[derive(Serialize, JsonSchema)]
struct Unusable {
    /// `invalid_evaluation`
    error: &'static str,
    /// What is wrong with it.
    reason: String,
}

impl Evaluation<'_> {
    fn not_made(problem: &Problem) -> Self {
        let context = Unusable { error: "invalid_evaluation", reason: problem.detail.to_string() };
        Self::NotMade(NotMade { decision: false, context })
    }

    fn is_allow(&self) -> bool {
        matches!(self, Self::Made(Evaluated { decision: true, .. }))
    }
}

/// Several decisions. What the questions lack is taken from the body itself, each member whole; without `evaluations`, the
/// body is one question, and its answer that of `access/v1/evaluation`.
///
/// # Errors
/// 400 for a body that cannot be used as a whole; one question that cannot is a deny which says so.
pub async fn evaluations(call: Call<'_>) -> Result<Reply, Problem> {
    let defaults = read(&call, Question::of_a_batch)?;
    let items = items(&defaults, call.body.len())?;
    if items.is_empty() {
        return one(&call, defaults).await;
    }
    // The request itself was counted as one.
    for _ in 1..items.len() {
        call.tenant.admit(Asks::Decision, Some(&call.caller), None).map_err(Problem::too_many)?;
    }
    let options = defaults.options()?;
    let now = call.service.now();
    let queries: Vec<_> = items.into_iter().map(|item| query(item, &defaults, now)).collect::<Result<_, _>>()?;
    let (tenant, wish) = wished(&call, &options).await;
    let tenant = tenant.as_deref().unwrap_or(call.tenant);
    let mut answers: Vec<Answer<'_>> = Vec::with_capacity(queries.len());
    call.service
        .decide_each(tenant, before_the_end(&queries, &options), wish, |answer| {
            let allowed = answer.decision.is_allow();
            answers.push(answer);
            options.semantic.goes_on_after(allowed)
        })
        .await;
    Ok(Reply::json(StatusCode::OK, &merge(&queries, &answers, &options)))
}

/// The questions of a body of so many bytes.
fn items<'b>(defaults: &Question<'b>, body: usize) -> Result<Vec<&'b RawValue>, Problem> {
    let wrong = |_| Problem::bad_request("\"evaluations\" must be an array of objects");
    let items = defaults.items().map_err(wrong)?;
    let defaults = body - items.iter().map(|item| item.get().len()).sum::<usize>();
    if defaults * items.len() > MAX_DEFAULTS {
        let detail = "the defaults are too long to be taken for each of so many evaluations: ask fewer at once";
        return Err(Problem::bad_request(detail));
    }
    if items.len() > MAX_EVALUATIONS {
        let detail = format!("there are {} evaluations, and at most {MAX_EVALUATIONS} at once", items.len());
        return Err(Problem::bad_request(detail));
    }
    Ok(items)
}

/// The query of an item, or why it is none; an error that makes the whole body unusable.
fn query<'b>(
    item: &'b RawValue,
    defaults: &Question<'b>,
    now: jiff::Timestamp,
) -> Result<Result<Query<'b>, Problem>, Problem> {
    match Question::parse(item.get()) {
        Ok(question) => Ok(question.or(defaults).query(now)),
        // It is JSON, so what is wrong with an object is wrong with it wherever it stands: a key that is there twice.
        Err(error) if item.get().starts_with('{') => {
            Err(Problem::bad_request(format!("one of the evaluations is not usable: {error}")))
        }
        Err(_) => Ok(Err(Problem::bad_request("an evaluation is an object"))),
    }
}

/// Those that can be decided, up to the first that cannot where that ends it.
fn before_the_end<'q>(
    queries: &'q [Result<Query<'q>, Problem>],
    options: &Options,
) -> impl Iterator<Item = &'q Query<'q>> {
    let ends = options.semantic == Semantic::DenyOnFirstDeny;
    queries.iter().take_while(move |query| query.is_ok() || !ends).filter_map(|query| query.as_ref().ok())
}

/// All that was answered, in the order of the questions.
fn merge<'a>(
    queries: &'a [Result<Query<'a>, Problem>],
    answers: &'a [Answer<'_>],
    options: &Options,
) -> Evaluations<'a> {
    let mut answers = answers.iter();
    let mut evaluations = Vec::with_capacity(queries.len());
    for query in queries {
        let evaluation = match query {
            Err(problem) => Evaluation::not_made(problem),
            Ok(query) => match answers.next() {
                Some(answer) => Evaluation::Made(encode(answer, query)),
                None => break,
            },
        };
        let goes_on = options.semantic.goes_on_after(evaluation.is_allow());
        evaluations.push(evaluation);
        if !goes_on {
            break;
        }
    }
    Evaluations { evaluations }
}
