//! What the databases take: decisions about users who are not in memory, durable writes beside a bare fsync, searches, and
//! bytes. 100,000 users with ten traits, a name and an e-mail address, or as many as `SIDEGATE_BENCH_USERS` says.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a benchmark may panic

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports)] // it needs a part
mod harness;
mod support;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::postgres::Postgres;
use harness::{Client, Server, Setup, database, run, wait_for};
use support::asking::Asking;
use support::{median, summary};

/// How often each thing is measured.
const ROUNDS: usize = 5;

/// Decisions in a round.
const DECISIONS: usize = 1000;

/// How long writers write in a round.
const WRITING: Duration = Duration::from_secs(3);

/// How many users were read so far.
const MISSES: &str = r#"sidegate_user_lookups_total{outcome="miss"}"#;

/// Writers at once.
const WRITERS: usize = 16;

const API: &str = "/t/acme/api/v1";

fn main() {
    let users = std::env::var("SIDEGATE_BENCH_USERS").map_or(100_000, |users| users.parse().unwrap());
    for (name, setup) in
        [("SQLite", Setup::new().on_sqlite()), ("PostgreSQL", Setup::new().on(Postgres::shared().database()))]
    {
        println!("\n{name}, {users} users");
        let policy = "allow a { action any resource any when user.traits.n == 1 }";
        let setup = (0..WRITERS).fold(setup, |setup, tenant| setup.policy(&format!("t{tenant}/a.policy"), policy));
        let server = setup.args(&["--cache-mib", "4096"]).start();
        load(&server, users);
        cold(&server, users);
        search(&server, users);
        writes(&server);
    }
}

/// One user in two has the plan enterprise, one in a thousand vip.
fn plan(number: usize) -> &'static str {
    match number {
        number if number % 1000 == 7 => "vip",
        number if number % 2 == 0 => "enterprise",
        _ => "free",
    }
}

/// Takes users in by the command line, and tells what they take on the disk.
fn load(server: &Server, users: usize) {
    let path = server.folder().join("users.ndjson");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    for number in 0..users {
        let plan = plan(number);
        writeln!(
            file,
            "{{\"userId\":\"user-{number:07}\",\"profile\":{{\"name\":\"Name {number}\",\"email\":\"u{number}@example.com\"}},\
             \"traits\":{{\"plan\":\"{plan}\",\"email_opt_in\":true,\"credits\":{number},\"score\":12.5,\"region\":\"eu-west\",\
             \"seats\":7,\"channel\":\"beta\",\"tier\":\"gold\",\"signup\":\"2026-01-02\",\"newsletter\":false}}}}"
        )
        .unwrap();
    }
    file.flush().unwrap();
    let empty = bytes(server, "users, fields");
    let mut import = server.command(&["import", "--tenant", "acme", "--on-error", "skip"]);
    let (output, _, err) = run(import.arg(&path).arg("--policies").arg(server.policies()));
    assert!(output.status.success(), "{err}");
    std::fs::remove_file(path).unwrap();
    // What the import has left to be written would be in the way of all that is measured.
    assert!(run(&mut Command::new("sync")).0.status.success());
    assert_eq!(number(server, "SELECT COUNT(*) FROM fields"), 12 * users as i64);
    println!("bytes of a user              {:>8.0}", (bytes(server, "users, fields") - empty) as f64 / users as f64);
    println!("of the entry of its import   {:>8.0}", bytes(server, "audit") as f64 / users as f64);
}

/// What tables take with their indexes.
fn bytes(server: &Server, tables: &str) -> i64 {
    let names: Vec<String> = tables.split(", ").map(|table| format!("'{table}'")).collect();
    let names = names.join(", ");
    number(
        server,
        &match server.database() {
            sidegate::store::DatabaseAt::Sqlite(_) => format!(
                "SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN ({names}))"
            ),
            sidegate::store::DatabaseAt::Postgres(_) => {
                format!(
                    "SELECT SUM(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname IN ({names})"
                )
            }
        },
    )
}

fn number(server: &Server, query: &str) -> i64 {
    wait_for(database::numbers(&server.database(), query))[0]
}

/// Decides about a user; in how many microseconds.
fn may(app: &mut Asking, user: usize) -> f64 {
    let body = format!(
        "{{\"subject\":{{\"type\":\"user\",\"id\":\"user-{user:07}\"}},\"action\":{{\"name\":\"export\"}},\
         \"resource\":{{\"type\":\"report\",\"id\":\"7\"}}}}"
    );
    let (answer, took) = app.ask("POST", "/t/acme/access/v1/evaluation", &body);
    let expected = format!("{{\"decision\":{}", plan(user) == "enterprise");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&expected), "{answer}");
    took.as_secs_f64() * 1e6
}

/// Decisions about users who are not in memory, and about the same once they are.
fn cold(server: &Server, users: usize) {
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
    let mut app = Asking::new(server.address, &token);
    let (mut rounds, mut next) = ([[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]], 0);
    let before = server.metric(MISSES);
    // Neighbours on a page of the database are far apart.
    let mut some = |count: usize| {
        let chosen: Vec<usize> = (next..next + count).map(|number| number * 7919 % users).collect();
        next += count;
        chosen
    };
    for user in some(200) {
        may(&mut app, user);
    }
    for _ in 0..ROUNDS {
        let asked = some(DECISIONS);
        for times in &mut rounds {
            let mut micros: Vec<f64> = asked.iter().map(|user| may(&mut app, *user)).collect();
            times[0].push(median(&mut micros));
            times[1].push(micros[micros.len() * 99 / 100]);
        }
    }
    let read = (200 + ROUNDS * DECISIONS) as f64;
    assert_eq!(server.metric(MISSES) - before, read, "each was read once");
    for (what, [medians, tails]) in ["decision, user not in memory", "decision, user in memory"].iter().zip(&mut rounds)
    {
        println!("{what:<28} p50 {} µs, p99 {} µs", summary(medians), summary(tails));
    }
}

/// Users found by the start of a name and by traits: the first page and one half through.
fn search(server: &Server, users: usize) {
    let admin = server.admin();
    type Matches = fn(usize) -> bool;
    let start = |number: usize| number.to_string().starts_with("12");
    let queries: [(&str, Matches); 5] = [
        ("limit=50", |_| true),
        ("q=name+12", start),
        ("trait.plan=vip", |number| plan(number) == "vip"),
        ("trait.plan=enterprise", |number| plan(number) == "enterprise"),
        ("q=name+12&trait.plan=enterprise", |number| {
            plan(number) == "enterprise" && number.to_string().starts_with("12")
        }),
    ];
    for (query, matches) in queries {
        let expected: Vec<String> =
            (0..users).filter(|number| matches(*number)).map(|number| format!("user-{number:07}")).collect();
        let (found, middle) = walk(&admin, query, expected.len() / 2);
        assert_eq!(found, expected[..found.len()], "{query}");
        let list = |cursor: &str| {
            let mut millis: Vec<f64> = (0..50).map(|_| page(&admin, &format!("{query}{cursor}")).1).collect();
            median(&mut millis);
            summary(&mut millis)
        };
        println!("{query:<34} first page {} ms, in the middle {} ms", list(""), list(&middle));
    }
}

/// Reads pages until half of the users are read: their ids, and the cursor that goes on.
fn walk(admin: &Client, query: &str, half: usize) -> (Vec<String>, String) {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (body, _) = page(admin, &format!("{}{cursor}", query.replace("limit=50", "limit=500")));
        found.extend(body["users"].as_array().unwrap().iter().map(|user| user["userId"].as_str().unwrap().to_owned()));
        let Some(next) = body["next"].as_str() else { return (found, cursor) };
        cursor = format!("&cursor={next}");
        if found.len() >= half {
            return (found, cursor);
        }
    }
}

fn page(admin: &Client, query: &str) -> (serde_json::Value, f64) {
    let started = Instant::now();
    let answer = admin.get(&format!("{API}/users?{query}"));
    let millis = started.elapsed().as_secs_f64() * 1e3;
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.json(), millis)
}

/// Writes that are on the disk when they are acknowledged, beside what one synchronisation of a file on that disk takes.
fn writes(server: &Server) {
    let (mut bare, mut single, mut many, mut apart) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let entries = || number(server, "SELECT COUNT(*) FROM audit");
    let (entries_before, bytes_before) = (entries(), bytes(server, "audit"));
    for _ in 0..ROUNDS {
        bare.push(fsyncs(server));
        single.push(write(server, 1, |_| "acme".to_owned()));
        many.push(write(server, WRITERS, |_| "acme".to_owned()));
        apart.push(write(server, WRITERS, |writer| format!("t{writer}")));
    }
    println!("bare fsyncs                  {} a second", summary(&mut bare));
    println!("writes, 1 writer             {} a second", summary(&mut single));
    println!("writes, 16 writers           {} a second", summary(&mut many));
    println!("of 16 tenants                {} a second", summary(&mut apart));
    let (entries, bytes) = (entries() - entries_before, bytes(server, "audit") - bytes_before);
    println!("bytes of an audit entry      {:>8.0}", bytes as f64 / entries as f64);
}

fn fsyncs(server: &Server) -> f64 {
    let path = server.folder().join("fsync");
    let mut file = File::create(&path).unwrap();
    let (started, mut count) = (Instant::now(), 0.0);
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1.0;
    }
    std::fs::remove_file(path).unwrap();
    count / started.elapsed().as_secs_f64()
}

/// Writes of several writers in a second, each to a user of its own; what they wrote last must be there.
fn write(server: &Server, writers: usize, tenant: fn(usize) -> String) -> f64 {
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let (done, started) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|threads| {
        for writer in 0..writers {
            let (done, token) = (&done, &token);
            threads.spawn(move || {
                let mut admin = Asking::new(server.address, token.trim());
                let path = format!("/t/{}/api/v1/abac/users/writer-{writer}/attributes/n", tenant(writer));
                let mut last = 0;
                while started.elapsed() < WRITING {
                    last += 1;
                    let (answer, _) = admin.ask("PUT", &path, &format!("{{\"value\":{last}}}"));
                    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
                let (answer, _) = admin.ask("GET", &path, "");
                assert!(answer.contains(&format!("\"value\":{last}")), "{last}: {answer}");
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}
