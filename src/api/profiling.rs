//! `profiling/...`: rules, settings, the check at a login, preview and dry run.

use http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Consent, Identity, Object, ProfilingSettings, Rule, UserId};
use crate::service::{Checked, DocumentKind, Login, check_rules};
use crate::web::{Call, Problem, Reply, parse_body, parse_list};

use super::attributes::tagged;

/// `GET profiling/rules`; what stands in a file has no entity tag.
///
/// # Errors
/// None of its own.
pub async fn get_rules(call: Call<'_>) -> Result<Reply, Problem> {
    let in_force = call.tenant.rules()?;
    if in_force.file.is_none()
        && let Some((stored, tag)) = call.service.document(call.tenant, DocumentKind::Rules, "").await?
    {
        let stored: Vec<Rule> = stored;
        return Ok(Reply::json(StatusCode::OK, &stored).etag(tag));
    }
    let rules: Vec<&Rule> = in_force.rules.iter().map(|rule| &rule.rule).collect();
    Ok(Reply::json(StatusCode::OK, &rules))
}

/// `PUT profiling/rules`: replaces them.
///
/// # Errors
/// 409 if they stand in a file, 412, 422 with a pointer for each mistake.
pub async fn put_rules(call: Call<'_>) -> Result<Reply, Problem> {
    let rules: Vec<Rule> = parse_list(call.headers, call.body)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let (rules, revision) = call.service.put_rules(call.tenant, rules, &author, &precondition).await?;
    Ok(Reply::json(StatusCode::OK, &rules).etag(revision).revision(revision))
}

/// `GET profiling/rules/schema`
///
/// # Errors
/// None of its own.
pub async fn rules_schema(_: Call<'_>) -> Result<Reply, Problem> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<Vec<Rule>>();
    Ok(Reply { content_type: "application/schema+json", ..Reply::json(StatusCode::OK, &schema) })
}

/// `GET profiling/settings`
///
/// # Errors
/// None of its own.
pub async fn get_profiling_settings(call: Call<'_>) -> Result<Reply, Problem> {
    let stored = call.service.document(call.tenant, DocumentKind::Profiling, "").await?;
    let (settings, tag): (ProfilingSettings, _) =
        stored.map_or((call.tenant.profiling, None), |(settings, tag)| (settings, Some(tag)));
    Ok(tagged(Reply::json(StatusCode::OK, &settings), tag))
}

/// `PUT profiling/settings`
///
/// # Errors
/// 412, 422.
pub async fn put_profiling_settings(call: Call<'_>) -> Result<Reply, Problem> {
    let settings: ProfilingSettings = parse_body(call.headers, call.body)?;
    let (author, precondition) = (call.author(), call.precondition()?);
    let revision = call.service.put_profiling(call.tenant, settings, &author, &precondition).await?;
    Ok(Reply::json(StatusCode::OK, &settings).etag(revision).revision(revision))
}

/// A login, as an identity provider reports it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoginReport {
    user_id: UserId,
    /// Names the login: it is counted once, however often it is reported.
    login_id: String,
    /// Where the user goes from the page; of an origin that the tenant lists.
    #[serde(default)]
    return_to: String,
    /// Whether the user can be shown a page.
    #[serde(default = "yes")]
    interactive: bool,
    /// What the user signs in to.
    #[serde(default)]
    client: Option<String>,
    /// Profile fields that the provider knows.
    #[serde(default, deserialize_with = "owned")]
    profile: Object<'static>,
    #[serde(default)]
    identities: Vec<Identity>,
    #[serde(default)]
    consents: Vec<Consent>,
}

/// `POST profiling/check`: a login, and whether the identity provider may finish it.
///
/// # Errors
/// 422 with a pointer.
pub async fn check(call: Call<'_>) -> Result<Reply, Problem> {
    let body: LoginReport = parse_body(call.headers, call.body)?;
    let login = Login {
        user: body.user_id,
        login_id: &body.login_id,
        return_to: body.return_to.into(),
        interactive: body.interactive,
        client: body.client.as_deref(),
        profile: body.profile,
        identities: body.identities,
        consents: body.consents,
    };
    let checked = call.service.check_login(call.tenant, login, &call.author()).await?;
    Ok(Reply::json(StatusCode::OK, &LoginAnswer::from(&checked)))
}

/// Whether the login may go on, or what the user is asked first.
#[derive(Serialize, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginAnswer<'a> {
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a Object<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl<'a> From<&'a Checked> for LoginAnswer<'a> {
    fn from(checked: &'a Checked) -> Self {
        match checked {
            Checked::Complete(session) => Self { complete: true, session: Some(session), ..Self::default() },
            Checked::Incomplete { required, rule, fields, redirect_to } => Self {
                required: Some(*required),
                rule: Some(rule),
                fields: Some(fields),
                redirect_to: redirect_to.as_deref(),
                // OpenID Connect Core 1.0, section 3.1.2.6: what a client is told that allowed no page.
                error: redirect_to.is_none().then_some("interaction_required"),
                ..Self::default()
            },
        }
    }
}

fn owned<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Object<'static>, D::Error> {
    Ok(Object::<'de>::deserialize(deserializer)?.into_owned())
}

fn yes() -> bool {
    true
}

/// A link that is to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TicketWish {
    user_id: UserId,
    /// The id of the rule, as a decision names it.
    rule: String,
    /// Where the user goes from the page; of an origin that the tenant lists.
    #[serde(default)]
    return_to: String,
}

/// A link to the page that asks.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    redirect_to: String,
}

/// `POST profiling/tickets`: the link for a user who is asked on the first access to something; 201.
///
/// # Errors
/// 404 for a user whom nobody stored, 422 with a pointer.
pub async fn post_ticket(call: Call<'_>) -> Result<Reply, Problem> {
    let TicketWish { user_id, rule, return_to } = parse_body(call.headers, call.body)?;
    let redirect_to = call.service.make_ticket(call.tenant, &user_id, &rule, &return_to).await?;
    Ok(Reply::json(StatusCode::CREATED, &Ticket { redirect_to }))
}

/// What a rule would ask a user.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewedRule<'a> {
    rule: &'a str,
    asks: bool,
    why: &'a str,
}

/// `GET profiling/preview?userId=...`: what each rule would ask this user now, and why.
///
/// # Errors
/// 400, 404.
pub async fn preview(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["userId"])?;
    let user = call.query_param("userId").ok_or_else(|| Problem::bad_request("say whom: ?userId=..."))?;
    let user = UserId::parse(&user).map_err(|error| Problem::bad_request(format!("userId: {error}")))?;
    let verdicts = call.service.preview(call.tenant, &user).await?;
    let rows = verdicts.iter().map(|verdict| PreviewedRule { rule: verdict.id, asks: verdict.asks, why: &verdict.why });
    Ok(Reply::json(StatusCode::OK, &rows.collect::<Vec<_>>()))
}

/// How many users a draft would ask.
#[derive(Serialize, JsonSchema)]
pub struct DryRun {
    /// Those whom it would ask.
    asked: u64,
    /// All who are known.
    users: u64,
    /// What is odd about conditions, such as a trait that nobody defined.
    warnings: Vec<Oddity>,
}

/// What is odd about a rule.
#[derive(Serialize, JsonSchema)]
struct Oddity {
    /// The rule's condition, as a JSON pointer.
    pointer: String,
    detail: String,
}

/// `POST profiling/dry-run` with a draft of rules: how many known users it would ask at their next login.
///
/// # Errors
/// 422 with a pointer for each mistake.
pub async fn dry_run(call: Call<'_>) -> Result<Reply, Problem> {
    let rules: Vec<Rule> = parse_list(call.headers, call.body)?;
    let draft = check_rules(rules, call.tenant)?;
    let (asked, users) = call.service.dry_run(call.tenant, &draft).await?;
    let odd = draft.warnings(&call.tenant.definitions, &call.tenant.settings).into_iter();
    let warnings = odd.map(|odd| Oddity { pointer: odd.pointer, detail: odd.detail }).collect();
    Ok(Reply::json(StatusCode::OK, &DryRun { asked, users, warnings }))
}
