//! In-process decisions: `engine::decide` with the facts in hand, for the mission's condition among 1, 100 and
//! 10,000 policies. The others lie on other actions and resource types, as they do in real sets.

#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros, and a benchmark may panic

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sidegate::engine::{Program, RawFile, compile, decide};
use sidegate::model::{Action, Entity, Facts, Object, Query, UserRecord, Value};

const COUNTS: [usize; 3] = [1, 100, 10_000];

const CONDITION: &str = "user.traits.plan == \"enterprise\" AND user.traits.email_opt_in == true";

/// A set of `count` policies: the one that is asked about, and others on a hundred actions.
fn policies(count: usize) -> Vec<RawFile> {
    let mut text = format!("allow mission {{ action \"export\" resource \"report\" when {CONDITION} }}\n");
    for number in 1..count {
        let (action, kind) = (number % 100, number / 100);
        let _ = writeln!(text, "allow p{number} {{ action \"a{action}\" resource \"t{kind}\" when {CONDITION} }}");
    }
    // A file holds a mebibyte at most, so a large set is several.
    let lines: Vec<&str> = text.lines().collect();
    let files = lines.chunks(5_000).enumerate().map(|(number, chunk)| RawFile {
        name: format!("{number}.policy"),
        content: Ok(chunk.join("\n").into_bytes()),
    });
    files.collect()
}

fn program(count: usize) -> Arc<Program> {
    compile(policies(count), &Arc::default()).program.unwrap()
}

fn alice() -> UserRecord {
    let traits = [
        ("credits", Value::Int(500)),
        ("email_opt_in", Value::Bool(true)),
        ("plan", Value::Str("enterprise".into())),
        ("region", Value::Str("eu".into())),
    ];
    UserRecord::new("alice", traits.into_iter().collect())
}

fn query(action: &'static str) -> Query<'static> {
    Query {
        subject: Entity { kind: "user".into(), id: "alice".into(), ..Entity::default() },
        action: Action { name: action.into(), ..Action::default() },
        resource: Entity { kind: "report".into(), id: "7".into(), ..Entity::default() },
        context: Object::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn decisions(criterion: &mut Criterion) {
    let user = alice();
    let facts = Facts::of_user(&user);
    let (allowed, refused) = (query("export"), query("delete"));
    let mut group = criterion.benchmark_group("decide");
    for count in COUNTS {
        let program = program(count);
        assert!(decide(&program, &allowed, &facts).is_allow() && !decide(&program, &refused, &facts).is_allow());
        group.bench_function(BenchmarkId::new("allow", count), |bencher| {
            bencher.iter(|| decide(black_box(&program), black_box(&allowed), black_box(&facts)).is_allow());
        });
        group.bench_function(BenchmarkId::new("no policy", count), |bencher| {
            bencher.iter(|| decide(black_box(&program), black_box(&refused), black_box(&facts)).is_allow());
        });
    }
    group.finish();
}

/// So many policies on one action and type, told apart by equality on a trait: what the value picks out is evaluated.
fn told_apart(criterion: &mut Criterion) {
    let user = UserRecord::new("alice", [("team", Value::Str("t7".into()))].into_iter().collect());
    let facts = Facts::of_user(&user);
    let query = query("export");
    let mut group = criterion.benchmark_group("told apart");
    for count in [10, 100, 1_000, 10_000] {
        let policy =
            |n| format!("allow p{n} {{ action \"export\" resource \"report\" when user.traits.team == \"t{n}\" }}\n");
        let text: Vec<String> = (0..count).map(policy).collect();
        let files = text.chunks(5_000).enumerate().map(|(number, chunk)| RawFile {
            name: format!("{number}.policy"),
            content: Ok(chunk.concat().into_bytes()),
        });
        let program = compile(files.collect(), &Arc::default()).program.unwrap();
        assert_eq!(decide(&program, &query, &facts).policy().unwrap().name, "p7");
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| decide(black_box(&program), black_box(&query), black_box(&facts)).is_allow());
        });
    }
    group.finish();
}

fn compilation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for count in COUNTS {
        let (files, standard) = (policies(count), Arc::default());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| compile(black_box(files.clone()), &standard).program.unwrap().policy_count());
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, told_apart, compilation);
criterion_main!(benches);
