//! sidegate and Cedar, asked the same about the same policies and facts: in one process, alternating, so that noise
//! meets both. Run it with `cargo run --release` in this folder.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use sidegate::engine::{Program, RawFile, compile, decide};
use sidegate::model::{Action, Entity, Facts, Object, Query, UserRecord, Value};

const COUNTS: [usize; 4] = [1, 100, 1_000, 10_000];
const ROUNDS: usize = 9;

fn main() {
    println!("nanoseconds for one decision, medians of {ROUNDS} alternating rounds (least and greatest)\n");
    println!("| policies | told apart by | sidegate | Cedar | Cedar / sidegate |");
    println!("|---|---|---|---|---|");
    for apart in [Apart::Action, Apart::Trait] {
        for count in COUNTS {
            compare(apart, count);
        }
    }
}

/// What tells the policies of a set apart.
#[derive(Clone, Copy, PartialEq)]
enum Apart {
    /// They are about different actions.
    Action,
    /// They ask one trait for different values.
    Trait,
}

fn compare(apart: Apart, count: usize) {
    let ours = Ours::new(apart, count);
    let theirs = Theirs::new(apart, count);
    assert!(ours.ask() && theirs.ask(), "both allow it");
    // Rounds of about the same time, whatever one decision takes.
    let (our_times, their_times) = (times_in_a_round(|| ours.ask()), times_in_a_round(|| theirs.ask()));
    let (mut our, mut their) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our.push(nanoseconds(our_times, || ours.ask()));
        their.push(nanoseconds(their_times, || theirs.ask()));
    }
    let mut ratios: Vec<f64> = our.iter().zip(&their).map(|(our, their)| their / our).collect();
    let by = if apart == Apart::Action { "action" } else { "a trait" };
    let [our, their, ratio] = [&mut our, &mut their, &mut ratios].map(|values| spread(values));
    println!("| {count} | {by} | {our} | {their} | {ratio} |");
}

fn times_in_a_round(ask: impl Fn() -> bool) -> u32 {
    let once = nanoseconds(3, ask);
    (5e7 / once).clamp(3.0, 1e6) as u32
}

fn nanoseconds(times: u32, ask: impl Fn() -> bool) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        black_box(ask());
    }
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

fn spread(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.0} ({:.0}-{:.0})", values[values.len() / 2], values[0], values[values.len() - 1])
}

/// A set in our language, and what is asked of it.
struct Ours {
    program: Arc<Program>,
    query: Query<'static>,
    user: UserRecord,
}

impl Ours {
    fn new(apart: Apart, count: usize) -> Self {
        let mut files = Vec::new();
        let mut text = String::new();
        for number in 0..count {
            let (action, plan) = asked(apart, number);
            let _ = writeln!(
                text,
                "allow p{number} {{ action \"{action}\" resource \"Report\" \
                 when user.traits.plan == \"{plan}\" AND user.traits.email_opt_in == true }}"
            );
            if text.len() > 900_000 || number + 1 == count {
                let content = Ok(std::mem::take(&mut text).into_bytes());
                files.push(RawFile { name: format!("{number}.policy"), content });
            }
        }
        let program = compile(files, &Arc::default()).program.expect("the set compiles");
        let traits = [("plan", Value::Str("enterprise".into())), ("email_opt_in", Value::Bool(true))];
        let query = Query {
            subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
            action: Action { name: "export".into(), ..Action::default() },
            resource: Entity { kind: "Report".into(), id: "7".into(), ..Entity::default() },
            context: Object::new(),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        Self { program, query, user: UserRecord::new("alice", traits.into_iter().collect()) }
    }

    fn ask(&self) -> bool {
        let facts = Facts::of_user(&self.user);
        decide(&self.program, &self.query, &facts).is_allow()
    }
}

/// The same set in Cedar.
struct Theirs {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    request: Request,
}

impl Theirs {
    fn new(apart: Apart, count: usize) -> Self {
        let mut text = String::new();
        for number in 0..count {
            let (action, plan) = asked(apart, number);
            let _ = writeln!(
                text,
                "permit(principal is User, action == Action::\"{action}\", resource is Report) \
                 when {{ principal.plan == \"{plan}\" && principal.email_opt_in == true }};"
            );
        }
        let entities = r#"[
            {"uid": {"type": "User", "id": "alice"}, "attrs": {"plan": "enterprise", "email_opt_in": true}, "parents": []},
            {"uid": {"type": "Report", "id": "7"}, "attrs": {}, "parents": []}
        ]"#;
        let uid = |text: &str| -> EntityUid { text.parse().expect("an entity") };
        let request = Request::new(
            uid("User::\"alice\""),
            uid("Action::\"export\""),
            uid("Report::\"7\""),
            Context::empty(),
            None,
        );
        Self {
            authorizer: Authorizer::new(),
            policies: text.parse().expect("the set parses"),
            entities: Entities::from_json_str(entities, None).expect("the entities are read"),
            request: request.expect("a request"),
        }
    }

    fn ask(&self) -> bool {
        let answer = self.authorizer.is_authorized(&self.request, &self.policies, &self.entities);
        answer.decision() == Decision::Allow
    }
}

/// The action and the plan of a policy; the first is the one that applies.
fn asked(apart: Apart, number: usize) -> (String, String) {
    match (number, apart) {
        (0, _) => ("export".to_owned(), "enterprise".to_owned()),
        (_, Apart::Action) => (format!("a{number}"), "enterprise".to_owned()),
        (_, Apart::Trait) => ("export".to_owned(), format!("plan{number}")),
    }
}
