//! What sidegate takes: memory at rest, for policies, users and connections, and time to the first answer.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // a benchmark may panic

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use support::asking::Asking;
use support::{Sidegate, median, serve, summary, token, write_policies};

const CONNECTIONS: usize = 10_000;
/// So many that a megabyte more or less of what the allocator keeps is a few bytes for one.
const USERS: usize = 100_000;
const STARTS: usize = 7;

/// Of a crowd, each tenant with its policies and users.
const TENANTS: usize = 1000;
const USERS_OF_A_TENANT: usize = 1000;

const MIB: f64 = 1_048_576.0;

/// Of every user, as JSON.
const TRAITS: [(&str, &str); 10] = [
    ("plan", "\"enterprise\""),
    ("email_opt_in", "true"),
    ("credits", "500"),
    ("locale", "\"en-US\""),
    ("theme", "\"dark\""),
    ("score", "12.5"),
    ("suspended", "false"),
    ("region", "\"eu-west\""),
    ("seats", "7"),
    ("channel", "\"beta\""),
];

fn main() {
    let sidegate = Sidegate::start(1);
    println!("at rest                        {:.1} MiB", sidegate.process.memory() / MIB);
    connections(&sidegate);
    drop(sidegate);
    users();
    policies();
    cold_start();
    crowd();
}

/// Idle connections that have asked once.
fn connections(sidegate: &Sidegate) {
    let (question, before) = (sidegate.question(), sidegate.process.memory());
    let ask = |stream: &mut TcpStream| {
        stream.write_all(&question).unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
    };
    let mut open = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(sidegate.address).expect("file descriptors: ulimit -n 20000");
        ask(&mut stream);
        open.push(stream);
    }
    let memory = sidegate.process.memory();
    println!("with {CONNECTIONS} idle connections    {:.1} MiB", memory / MIB);
    println!("for one idle connection        {:.0} bytes", (memory - before) / CONNECTIONS as f64);
    // They are all still served.
    open.iter_mut().step_by(100).for_each(ask);
}

/// Users with ten small traits each, read into the cache by a decision about each.
fn users() {
    let sidegate = Sidegate::start(1);
    let users: Vec<String> = (0..USERS).map(|n| format!("user-{n:08}@example.com")).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store(&sidegate, &users));
    let connection = TcpStream::connect(sidegate.address).unwrap();
    let ask = |user: &str| {
        let mut stream = &connection;
        let question = support::QUESTION.replace("alice", user);
        let path = "/t/acme/access/v1/evaluation";
        stream.write_all(&support::request("POST", path, &sidegate.token, &question, "")).unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        let answer = String::from_utf8_lossy(&buffer[..read]);
        assert!(answer.contains("\"decision\":true"), "{user}: {answer}");
    };
    // Caches of the database are full when counting starts.
    let (first, rest) = users.split_at(USERS / 2);
    first.iter().for_each(|user| ask(user));
    let before = sidegate.process.memory();
    rest.iter().for_each(|user| ask(user));
    let each = (sidegate.process.memory() - before) / rest.len() as f64;
    println!("for one cached user            {each:.0} bytes (ten small traits)");
}

async fn store(sidegate: &Sidegate, users: &[String]) {
    let fields = || TRAITS.map(|(slug, value)| (slug, "traits", value)).to_vec();
    let database = sidegate.folder().join("data/sidegate.db");
    support::store(&database, users.iter().map(|user| (user.clone(), fields()))).await;
}

/// A million users of a thousand tenants, all in the memory of one sidecar.
fn crowd() {
    let folder = tempfile::tempdir().unwrap();
    let tenant = |number: usize| format!("tenant-{number}");
    write_policies(&folder.path().join("policies/acme"), 1, "");
    drop(serve(folder.path()));
    for number in 0..TENANTS {
        write_policies(&folder.path().join("policies").join(tenant(number)), 10, "");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store_crowd(&folder.path().join("data/sidegate.db"), (0..TENANTS).map(tenant)));

    let (process, address) = serve(folder.path());
    let admin = std::fs::read_to_string(folder.path().join("data/admin-token")).unwrap();
    let mut asking = Asking::new(address, admin.trim());
    let mut ask = |number: usize| {
        let question = support::QUESTION.replace("alice", &format!("user-{}@example.com", number / TENANTS));
        let path = format!("/t/{}/access/v1/evaluation", tenant(number % TENANTS));
        let (answer, took) = asking.ask("POST", &path, &question);
        assert!(answer.contains("\"decision\":true"), "{number}: {answer}");
        took.as_secs_f64() * 1e6
    };
    println!("with {TENANTS} tenants              {:.0} MiB (ten policies each)", process.memory() / MIB);
    let mut cold: Vec<f64> = (0..TENANTS * USERS_OF_A_TENANT).map(&mut ask).collect();
    println!("with a million users           {:.0} MiB (ten small traits each)", process.memory() / MIB);
    let mut warm: Vec<f64> = (0..TENANTS * USERS_OF_A_TENANT).step_by(7).map(&mut ask).collect();
    println!(
        "a decision about each          {:.0} us from SQLite, {:.0} us from memory",
        median(&mut cold),
        median(&mut warm)
    );
}

/// Written inside the database, which would else take longer than all that is measured.
async fn store_crowd(database: &Path, tenants: impl Iterator<Item = String>) {
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let traits: Vec<String> = TRAITS.iter().map(|(slug, value)| format!("('{slug}', '{value}')")).collect();
    let users = format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {USERS_OF_A_TENANT})
         INSERT INTO users (tenant, user_id, created_at)
         SELECT $1, 'user-' || i || '@example.com', '2026-01-01T00:00:00Z' FROM n"
    );
    let fields = format!(
        "WITH t (slug, value) AS (VALUES {})
         INSERT INTO fields (tenant, user_id, slug, bag, value, source, writer, revision, updated_at)
         SELECT tenant, user_id, slug, 'traits', value, 'admin', '', 1, created_at FROM users, t WHERE tenant = $1",
        traits.join(", ")
    );
    for tenant in tenants {
        let mut tx = pool.begin().await.unwrap();
        let tenants = "INSERT INTO tenants (id, revision, created_at) VALUES ($1, 1, '2026-01-01T00:00:00Z')";
        for statement in [tenants, &users, &fields] {
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&tenant).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    pool.close().await;
}

/// What ten thousand compiled policies take.
fn policies() {
    let (one, many) = (Sidegate::start(1), Sidegate::start(10_000));
    println!("for 10,000 policies            {:.1} MiB", (many.process.memory() - one.process.memory()) / MIB);
}

/// From the start of the process to its first decision, with 10,000 policies.
fn cold_start() {
    let folder = tempfile::tempdir().unwrap();
    write_policies(&folder.path().join("policies/acme"), 10_000, "");
    drop(serve(folder.path()));
    let token = token(folder.path(), "decide");
    let question = support::request("POST", "/t/acme/access/v1/evaluation", &token, support::QUESTION, "");
    let mut millis: Vec<f64> = (0..STARTS)
        .map(|_| {
            let start = Instant::now();
            let (_process, address) = serve(folder.path());
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&question).unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            let millis = start.elapsed().as_secs_f64() * 1e3;
            let answer = String::from_utf8_lossy(&buffer[..read]);
            assert!(answer.contains("\"decision\":false"), "alice is not known: {answer}");
            millis
        })
        .collect();
    println!("start to first decision        {} ms (10,000 policies)", summary(&mut millis));
}
