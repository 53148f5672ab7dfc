//! Users out into files and in again, over HTTP and by the command line.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::support::bulk::{watched, write_users};
use crate::support::client::{Answer, Client};
use crate::support::{Server, Setup, count, eventually, run, with_input};

const ANYTHING: &str = "allow a { action any resource any }";

/// Definitions of both tenants: what a slug is decides how it stands in a table.
const DEFINITIONS: &str = r#"[
  {"slug": "bio", "dataType": "string", "format": "long_text"}, {"slug": "seats", "dataType": "number"},
  {"slug": "badge", "kind": "profile", "dataType": "string"}, {"slug": "ssn", "dataType": "string", "sensitive": true}
]"#;

fn two_tenants() -> Server {
    let setup = Setup::new().policy("acme/traits.json", DEFINITIONS).policy("other/a.policy", ANYTHING);
    setup.policy("other/traits.json", DEFINITIONS).start()
}

fn export(client: &Client, tenant: &str, format: &str) -> String {
    let answer = client.get(&format!("/t/{tenant}/api/v1/users:export?format={format}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn import(client: &Client, query: &str, file: impl Into<bytes::Bytes>) -> Answer {
    client.send(Method::POST, &format!("/t/{query}"), &[], file)
}

/// Takes in a file that must be good; created, updated, unchanged.
fn take(client: &Client, tenant: &str, format: &str, file: &str) -> [u64; 3] {
    let answer = import(client, &format!("{tenant}/api/v1/users:import?format={format}"), file.to_owned());
    assert_eq!(answer.status, 200, "{answer:?}");
    counts(&answer.json())
}

fn counts(report: &Value) -> [u64; 3] {
    ["created", "updated", "unchanged"].map(|count| report[count].as_u64().unwrap())
}

/// A command on the data of a server, with its policies.
fn command(server: &Server, args: &[&str]) -> Command {
    let mut command = server.command(args);
    command.arg("--policies").arg(server.policies());
    command
}

/// Users with everything that a user can have, and with texts that look like something else.
fn fill(admin: &Client) {
    let texts = [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\tx",
        "\rx",
        "'=1",
        "'x",
        "\"",
        "\"x\"",
        "",
        " ",
        "null",
        "true",
        "12",
        "1e5",
        "007",
        "[1]",
        "{",
        "a,b",
        "a\nb",
        "a\r\nb",
        "ü\u{1F600}",
        "a\u{0}b",
        "\u{feff}x",
        "{x}",
        "1e999",
        "-x",
    ];
    for (number, text) in texts.iter().enumerate() {
        let user = format!("text{number:02}");
        admin.set(&user, "any", json!(text));
        if !text.contains('\0') {
            admin.set(&user, "bio", json!(text));
        }
    }
    let values = [json!(0), json!(-5), json!(1.0), json!(-2.5e-7), json!(i64::MAX), json!(true), json!([1, "a", null])];
    for (number, value) in values.iter().enumerate() {
        admin.set(&format!("value{number}"), "any", value.clone());
        admin.set(&format!("value{number}"), "nested", json!({ "a": { "b": [value] }, "": value }));
    }
    for user in ["=cmd", "'=cmd", "auth0%7C6%2F4", "%22q%22", "null", "a%2Cb"] {
        admin.set(user, "seats", json!(7));
    }
    let login = json!({
        "userId": "alice", "loginId": "l1", "client": "shop",
        "profile": { "email": "alice@example.com", "name": "Alice \"A\" Ng", "address": { "country": "DE" } },
        "identities": [{ "provider": "github", "subject": "77" }, { "kind": "enterprise", "provider": "okta", "subject": "a" }],
        "consents": [
            { "purpose": "newsletter", "version": "2", "givenAt": "2026-01-02T03:04:05.123456789Z" },
            { "purpose": "ads", "givenAt": "2026-01-02T03:04:05Z", "withdrawnAt": "2026-02-02T03:04:05Z" },
        ],
    });
    assert_eq!(admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &login).status, 200);
    admin.set("alice", "ssn", json!("078-05-1120"));
}

#[test]
fn what_goes_out_as_lines_comes_in_as_it_was() {
    let server = two_tenants();
    let admin = server.admin();
    assert_eq!(export(&admin, "acme", "ndjson"), "", "nobody");
    assert_eq!(take(&admin, "acme", "ndjson", ""), [0, 0, 0]);
    fill(&admin);
    let said_it = r#"{"userId":"bob","createdAt":"2020-01-01T00:00:00Z","traits":{"plan":"pro"},"#.to_owned()
        + r#""origins":{"traits.plan":{"source":"user","writer":"bob","at":"2021-01-01T00:00:00Z"}}}"#;
    assert_eq!(take(&admin, "acme", "ndjson", &said_it), [1, 0, 0], "without a line's end");
    let lines = export(&admin, "acme", "ndjson");
    assert!(lines.contains(&said_it), "{lines}");
    let alice = lines.lines().find(|line| line.contains("\"userId\":\"alice\"")).unwrap();
    let alice: Value = serde_json::from_str(alice).unwrap();
    assert_eq!(alice["origins"]["profile.email"]["source"], "idp", "{alice}");
    assert_eq!(alice["logins"][0]["loginId"], "l1");
    assert_eq!(alice["traits"]["ssn"], "078-05-1120", "as the API shows it to those who may read traits");

    let users = lines.lines().count() as u64;
    assert_eq!(take(&admin, "other", "ndjson", &lines), [users, 0, 0]);
    assert_eq!(export(&admin, "other", "ndjson"), lines);
    assert_eq!(take(&admin, "other", "ndjson", &lines), [0, 0, users], "a second time");
    let shuffled: Vec<&str> = lines.lines().rev().collect();
    assert_eq!(take(&admin, "other", "ndjson", &format!("\u{feff}{}", shuffled.join("\r\n\r\n"))), [0, 0, users]);

    let (output, out, err) = run(&mut command(&server, &["export", "--tenant", "other"]));
    assert!(output.status.success(), "{err}");
    assert_eq!(out, lines);
    assert!(err.starts_with(&format!("{users} users in ")), "{err}");
    // Lists and searches know who came in.
    let found = admin.get("/t/other/api/v1/users?q=alice%20%22").json();
    assert_eq!(found["users"][0], json!({ "userId": "alice", "name": "Alice \"A\" Ng", "email": "alice@example.com" }));
}

#[test]
fn what_goes_out_as_a_table_comes_in_as_it_was() {
    let server = two_tenants();
    let admin = server.admin();
    fill(&admin);
    let table = export(&admin, "acme", "csv");
    let header = table.lines().next().unwrap();
    assert!(header.starts_with("userId,profile.address,profile.badge,"), "{header}");
    assert!(header.ends_with(",traits.any,traits.bio,traits.nested,traits.seats,traits.ssn"), "{header}");
    for part in ["'=1+1,", "\n'=cmd,", "\"\"\"'=1\"\"\"", ",-5,", ",-2.5e-7,", ",007,", "\"\"\"12\"\"\",12,"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let users = admin.get("/t/acme/api/v1/users?limit=500").json()["users"].as_array().unwrap().len() as u64;
    assert_eq!(take(&admin, "other", "csv", &table), [users, 0, 0]);
    assert_eq!(export(&admin, "other", "csv"), table);
    for user in ["text00", "text23", "value3", "%27%3Dcmd", "alice"] {
        let of = |tenant: &str| admin.get(&format!("/t/{tenant}/api/v1/users/{user}")).json();
        assert_eq!(of("acme"), of("other"));
    }
    // The same values, of which a table does not say where they came from: that stays as it is known.
    let lines = export(&admin, "acme", "ndjson");
    assert_eq!(take(&admin, "acme", "csv", &format!("\u{feff}{table}")), [0, 0, users]);
    assert_eq!(export(&admin, "acme", "ndjson"), lines);
    // As spreadsheets write it: carriage returns, other columns, another order, no end of the last line.
    let edited = "traits.seats,userId\r\n8,alice\r\n,bob\r\nnull,\"\"\"null\"\"\"";
    assert_eq!(take(&admin, "acme", "csv", edited), [1, 2, 0]);
    assert_eq!(admin.get("/t/acme/api/v1/users/alice").json()["traits"], json!({ "seats": 8, "ssn": "078-05-1120" }));
    assert_eq!(admin.get("/t/acme/api/v1/users/null").json()["traits"], json!({}));
}

#[test]
fn a_line_changes_what_it_names_and_decisions_follow() {
    let server = two_tenants();
    let (admin, app) = (server.admin(), server.app("decide"));
    for (slug, value) in [("plan", json!("enterprise")), ("email_opt_in", json!(true)), ("ssn", json!("1"))] {
        admin.set("alice", slug, value);
    }
    assert!(app.may("alice", "export", "report"));
    let line = r#"{"userId":"alice","profile":{"name":"Alice"},"traits":{"plan":"free","ssn":null,"gone":null}}"#;
    assert_eq!(take(&admin, "acme", "ndjson", line), [0, 1, 0]);
    assert!(!app.may("alice", "export", "report"), "the very next decision");
    let expected = json!({ "userId": "alice", "profile": { "name": "Alice" }, "traits": { "email_opt_in": true, "plan": "free" } });
    assert_eq!(admin.get("/t/acme/api/v1/users/alice").json(), expected);
    let entries = admin.get("/t/acme/api/v1/audit?user=alice&action=user.import").json();
    let (before, after) = (&entries["entries"][0]["before"], &entries["entries"][0]["after"]);
    assert_eq!(
        (before, after),
        (&json!({ "traits.plan": "enterprise" }), &json!({ "name": "Alice", "traits.plan": "free" }))
    );
    let secret = &entries["entries"][1];
    assert_eq!((&secret["sensitive"], entries["entries"].as_array().unwrap().len()), (&json!(true), 2), "{entries}");
    assert!(secret["before"].as_str().unwrap().starts_with("sha256:"), "{secret}");

    // By another process: by the feed.
    let line = r#"{"userId":"alice","traits":{"plan":"enterprise"}}"#;
    let (status, out, err) = with_input(&mut command(&server, &["import", "--tenant", "acme", "-", "--json"]), line);
    assert_eq!(status, 0, "{err}");
    assert_eq!(counts(&serde_json::from_str(&out).unwrap()), [0, 1, 0]);
    eventually("the server knows", || app.may("alice", "export", "report"));

    // Lines of one user follow one on the other, beside each other or not.
    let lines = "{\"userId\":\"a\",\"traits\":{\"x\":1,\"y\":1}}\n{\"userId\":\"a\",\"traits\":{\"x\":2,\"z\":1}}\n\
                 {\"userId\":\"b\"}\n{\"userId\":\"a\",\"traits\":{\"x\":3}}\n";
    assert_eq!(take(&admin, "acme", "ndjson", lines), [2, 1, 0]);
    assert_eq!(admin.get("/t/acme/api/v1/users/a").json()["traits"], json!({ "x": 3, "y": 1, "z": 1 }));

    for (scope, method, path) in
        [("traits:write", Method::GET, "export?format=csv"), ("traits:read", Method::POST, "import?format=csv")]
    {
        let path = format!("/t/acme/api/v1/users:{path}");
        assert_eq!(server.app(scope).send(method, &path, &[], "userId\na").status, 403);
    }
    for path in
        ["export?format=xml", "export?fromat=csv", "import?format=csv&onError=ignore", "import?format=csv&dryRun=1"]
    {
        let method = if path.starts_with("export") { Method::GET } else { Method::POST };
        assert_eq!(admin.send(method, &format!("/t/acme/api/v1/users:{path}"), &[], "userId\na").status, 400, "{path}");
    }
    let typed =
        |media: &str| admin.send(Method::POST, "/t/acme/api/v1/users:import", &[("content-type", media)], "userId\na");
    assert_eq!((typed("text/csv; charset=utf-8").status.as_u16(), typed("text/plain").status.as_u16()), (200, 415));
}

#[test]
fn users_of_many_lines_are_written_and_read_in_parts() {
    let server = two_tenants();
    let admin = server.admin();
    let value = "x".repeat(60_000);
    let traits = |numbers: std::ops::Range<usize>| {
        let traits: serde_json::Map<String, Value> = numbers.map(|n| (format!("t{n}"), json!(value))).collect();
        json!({ "userId": "large", "traits": traits }).to_string()
    };
    let whole = [traits(0..10), traits(10..25), traits(25..40)].join("\n");
    assert_eq!(take(&admin, "acme", "ndjson", &whole), [1, 0, 0]);
    for format in ["ndjson", "csv"] {
        let parts = export(&admin, "acme", format);
        assert!(parts.lines().count() >= 4 && parts.lines().all(|line| line.len() <= 1 << 20));
        let created = if format == "ndjson" { [1, 0, 0] } else { [0, 0, 1] };
        assert_eq!(take(&admin, "other", format, &parts), created);
        assert_eq!(export(&admin, "other", format), parts);
    }
}

/// What takes longer than a client may take for a request is still read and written to its end, as long as it goes on.
#[test]
fn slow_clients_get_all_and_are_heard_to_the_end() {
    use std::io::{Read, Write};
    let server = Setup::new().args(&["--client-timeout", "1"]).start();
    let value = "x".repeat(60_000);
    let lines: Vec<String> =
        (0..300).map(|n| json!({ "userId": format!("u{n}"), "traits": { "x": value } }).to_string() + "\n").collect();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "admin"]);
    let size: usize = lines.iter().map(String::len).sum();
    let begin = |what: &str, header: &str| {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        let head =
            format!("{what} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut upload = begin("POST /t/acme/api/v1/users:import?format=ndjson", &format!("Content-Length: {size}\r\n"));
    for part in lines.chunks(60) {
        std::thread::sleep(Duration::from_millis(400));
        upload.write_all(part.concat().as_bytes()).unwrap();
    }
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"created\":300"), "{answer}");

    let mut download = begin("GET /t/acme/api/v1/users:export", "");
    let mut whole = Vec::new();
    while Read::by_ref(&mut download).take(4 << 20).read_to_end(&mut whole).unwrap() > 0 {
        std::thread::sleep(Duration::from_millis(400));
    }
    assert!(whole.ends_with(b"\r\n0\r\n\r\n"), "to the last chunk");
    assert!(whole.len() > size);
}

#[test]
fn many_users_take_no_more_memory_and_others_are_served_meanwhile() {
    let server = two_tenants();
    let admin = server.admin();
    let users = count(2_000, 200_000);
    let (file, back) = (server.folder().join("users.ndjson"), server.folder().join("back.csv"));
    write_users(&file, users);
    let over = AtomicBool::new(false);
    let (memory, slowest) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let client = server.admin();
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::SeqCst) {
                let started = Instant::now();
                client.set("somebody", "n", json!(1));
                client.set("somebody", "n", json!(2));
                slowest = slowest.max(started.elapsed());
            }
            slowest
        });
        let memory = watched(command(&server, &["import", "--tenant", "acme"]).arg(&file));
        over.store(true, Ordering::SeqCst);
        (memory, writing.join().unwrap())
    });
    assert!(memory < 150.0, "{memory} MiB");
    assert!(slowest < Duration::from_secs(4), "a write waited for {slowest:?}");
    let memory = watched(command(&server, &["export", "--tenant", "acme"]).arg("--output").arg(&back));
    assert!(memory < 150.0, "{memory} MiB");
    let table = std::fs::read_to_string(&back).unwrap();
    assert_eq!(table.lines().count(), users + 2, "a header, and somebody");
    assert!(table.ends_with(",,\n") || table.lines().last().unwrap().starts_with("user-"), "whole");
    assert_eq!(export(&admin, "acme", "csv"), table);
    assert_eq!(admin.get("/t/acme/api/v1/users/user-00001234").json()["traits"]["seats"], 1234);
}

#[test]
fn an_import_that_is_killed_leaves_users_whole_and_goes_on() {
    let server = two_tenants();
    let users = count(4_000, 100_000);
    let file = server.folder().join("users.ndjson");
    write_users(&file, users);
    let stored = || export(&server.admin(), "acme", "ndjson").lines().count();
    let mut killed = 0;
    for round in 0..count(4, 12) {
        let before = stored();
        let mut import = command(&server, &["import", "--tenant", "acme", "--on-error", "skip"]);
        let mut child = import.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("some more are in, or all", || stored() > before || child.try_wait().unwrap().is_some());
        std::thread::sleep(Duration::from_millis(13 * round as u64));
        killed += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(killed > 0, "each was over before it was killed");
    for line in export(&server.admin(), "acme", "ndjson").lines() {
        let user: Value = serde_json::from_str(line).unwrap();
        let sizes = ["profile", "traits", "origins"].map(|part| user[part].as_object().unwrap().len());
        assert_eq!(sizes, [2, 3, 5], "{line}");
    }
    let (output, out, err) = run(command(&server, &["import", "--tenant", "acme", "--json"]).arg(&file));
    assert!(output.status.success(), "{err}");
    let [created, updated, unchanged] = counts(&serde_json::from_str(&out).unwrap());
    assert_eq!((created + unchanged, updated), (users as u64, 0));
    assert_eq!(stored(), users);
    let trail = server.admin().get("/t/acme/api/v1/audit?limit=1").json();
    assert_eq!(trail["entries"][0]["seq"].as_u64(), Some(users as u64), "an entry for each, without gaps");
}
