//! The whole database as a file, and back: between SQLite and PostgreSQL, too.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Row};

use sidegate::store::{Kind, TABLES};

use crate::app_sign_in::{self, Browser};
use crate::support::bulk::{watched, write_users};
use crate::support::issuer::{Issuer, Key};
use crate::support::postgres::{self, Postgres};
use crate::support::{Server, Setup, count, run, sidegate, wait_for, with_input};

/// Tables of a database with their columns, each with its type, as the database itself has them; keys first.
fn schema(server: &Server) -> BTreeMap<String, Vec<(String, String)>> {
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let rows: Vec<(String, String, String)> = wait_for(async {
        match server.database() {
            sidegate::store::DatabaseAt::Sqlite(path) => {
                let url = format!("sqlite://{}", path.display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                let text = "SELECT t.name, c.name, c.type FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
                            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
                let rows = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
            }
            sidegate::store::DatabaseAt::Postgres(options) => {
                let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
                let text = "SELECT table_name::text, column_name::text, data_type::text
                            FROM information_schema.columns WHERE table_schema = 'public'";
                let rows = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
            }
        }
    });
    for (table, column, kind) in
        rows.into_iter().filter(|(table, ..)| !["_sqlx_migrations", "instance", "sidecars"].contains(&table.as_str()))
    {
        tables.entry(table).or_default().push((column, kind.to_lowercase()));
    }
    tables.values_mut().for_each(|columns| columns.sort());
    tables
}

#[test]
fn nothing_of_the_schema_is_left_out() {
    let listed = TABLES.iter().map(|table| {
        let kind = |kind: &Kind| match (kind, postgres::wanted()) {
            (Kind::Text, _) => "text",
            (Kind::Number, true) => "bigint",
            (Kind::Number, false) => "integer",
            (Kind::Bytes, true) => "bytea",
            (Kind::Bytes, false) => "blob",
        };
        let mut columns: Vec<_> =
            table.columns.iter().map(|(name, of)| ((*name).to_owned(), kind(of).to_owned())).collect();
        columns.sort();
        (table.name.to_owned(), columns)
    });
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), schema(&Server::start()));
}

/// A server with something in every table.
fn full() -> (Server, String) {
    let issuer = Issuer::with(Key::rsa());
    let settings = app_sign_in::settings(&issuer, json!({})).to_string();
    let setup = Setup::new().policy("other/a.policy", "allow a { action any resource any }");
    let server = setup.policy("acme/tenant.json", &settings).start();
    let admin = server.admin();
    assert_eq!(Browser::new(&server).sign_in(&issuer, "alice", json!({})).status, 303);
    for (slug, value) in
        [("plan", json!("enterprise")), ("email_opt_in", json!(true)), ("name", json!("Alice ü\u{1F600}"))]
    {
        admin.set("alice", slug, value);
    }
    admin.set("bob", "odd", json!({ "a": ["\u{0}", 1.0, 1e300, "\"\\"] }));
    let definition = json!({ "slug": "seats", "dataType": "number" });
    assert_eq!(admin.json(Method::POST, "/t/acme/api/v1/abac/attributes", &definition).status, 201);
    let keyed = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let bob = "/t/acme/api/v1/abac/users/bob/attributes";
    assert_eq!(admin.send(Method::PATCH, bob, &keyed, "{\"plan\": \"pro\"}").status, 200);
    let rules = json!([{ "fields": ["job_title"], "condition": "always" }]);
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/profiling/rules", &rules).status, 200);
    let settings = json!({ "enabled": true, "maxPromptsPerLogin": 1 });
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &settings).status, 200);
    let login = json!({
        "userId": "alice", "loginId": "l1", "returnTo": "https://app.example.com/", "client": "shop",
        "identities": [{ "provider": "github", "subject": "77" }], "consents": [{ "purpose": "ads" }],
    });
    let asked = admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &login);
    assert!(asked.json()["redirectTo"].is_string(), "{asked:?}");
    let owner = json!({ "owner": "alice" });
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/abac/resources/doc/7/attributes", &owner).status, 201);
    server.execute("INSERT INTO prompts (tenant, user_id, rule, skips) VALUES ('acme', 'alice', 'r1', 2)");
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "admin"]);
    (server, token)
}

fn backup(command: &mut Command) -> Vec<String> {
    let (output, out, err) = run(command);
    assert!(output.status.success(), "{err}");
    out.lines().map(str::to_owned).collect()
}

/// All but the time in the first line, and the hash, which is of that, too.
fn content(lines: &[String]) -> (Vec<&String>, Value) {
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    (lines[1..lines.len() - 1].iter().collect(), last["rows"].clone())
}

fn copy_keys(from: &Path, to: &Path) {
    for name in ["token.key", "dev-token.key", "ticket.key", "audit.key", "admin-token"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn everything_comes_back_and_goes_on() {
    let (mut server, token) = full();
    let whole = backup(&mut server.command(&["backup", "-"]));
    let (_, rows) = content(&whole);
    let file = server.folder().join("backup.ndjson");
    let (_, _, said) = run(&mut server.command(&["backup", file.to_str().unwrap()]));
    assert_eq!(said.trim(), format!("{} rows", whole.len() - 2), "all but the first line and the last");
    for table in TABLES {
        assert!(
            rows[table.name].as_u64().unwrap() > 0,
            "nothing in {}: the test would not see that it is lost",
            table.name
        );
    }
    let text = whole.join("\n") + "\n";
    let setup = Setup::new().policy("other/a.policy", "allow a { action any resource any }");
    let (status, out, err) = with_input(&mut setup.command(&["restore", "-"]), &text);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains(" rows of 20") && err.contains("holds no keys"), "{out}{err}");
    let data = setup.folder().join("data");
    copy_keys(&server.data(), &data);
    let again = backup(&mut setup.command(&["backup", "-"]));
    assert_eq!(content(&again), content(&whole));

    // And over the other kind of database, if there is one.
    if postgres::wanted() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = |args: &[&str]| {
            let mut command = sidegate();
            command.args(args).arg("--data").arg(folder.path());
            command
        };
        let (status, _, err) = with_input(&mut sqlite(&["restore", "-"]), &text);
        assert_eq!(status, 0, "{err}");
        copy_keys(&data, folder.path());
        let of_sqlite = backup(&mut sqlite(&["backup", "-"]));
        assert_eq!(content(&of_sqlite), content(&whole));
        let url = Postgres::shared().database();
        let other = |args: &[&str]| {
            let mut command = sidegate();
            command.args(args).arg("--data").arg(folder.path().join("other")).env("SIDEGATE_DATABASE", &url);
            command
        };
        let (status, _, err) = with_input(&mut other(&["restore", "-"]), &(of_sqlite.join("\n") + "\n"));
        assert_eq!(status, 0, "{err}");
        copy_keys(&data, &folder.path().join("other"));
        assert_eq!(content(&backup(&mut other(&["backup", "-"]))), content(&whole));
    }

    let trail = |server: &Server| server.client(Some(&token)).get("/t/acme/api/v1/audit?limit=500").json();
    let before = trail(&server);
    server.kill();
    let restored = setup.start();
    assert_eq!(trail(&restored), before);
    let client = restored.client(Some(&token));
    let app = restored.app("decide");
    assert!(app.may("alice", "export", "report"));
    assert_eq!(client.get("/t/acme/api/v1/users/bob").json()["traits"]["odd"]["a"][0], "\0");
    client.set("alice", "plan", json!("free"));
    assert!(!app.may("alice", "export", "report"), "changes go on after those that are there");
    let seq = |trail: &Value| trail["entries"][0]["seq"].as_u64().unwrap();
    assert_eq!(seq(&trail(&restored)), seq(&before) + 2, "the app's token, and the change");
}

#[test]
fn what_is_not_whole_is_not_taken() {
    let (server, _) = full();
    let lines = backup(&mut server.command(&["backup", "-"]));
    let text = lines.join("\n") + "\n";
    let setup = Setup::new();
    let restore = |text: &str| with_input(&mut setup.command(&["restore", "-"]), text);
    let refused = |text: &str, says: &str| {
        let (status, _, err) = restore(text);
        assert!(status == 1 && err.contains(says), "{says}: {err}");
    };
    for cut in (0..text.len()).step_by(text.len() / 20).chain([text.len() - 1]) {
        let says = if cut < lines[0].len() + 1 { "backup" } else { "cut off after line" };
        let cut = (0..=cut).rev().find(|cut| text.is_char_boundary(*cut)).unwrap();
        refused(&text[..cut], says);
    }
    let half: Vec<&str> = lines.iter().enumerate().filter(|(n, _)| *n != 5).map(|(_, line)| line.as_str()).collect();
    refused(&(half.join("\n") + "\n"), "counts other rows");
    refused(&text.replace("enterprise", "enterprisE"), "SHA-256");
    refused(&format!("{text}{text}"), "after its last line");
    refused(
        &text.replacen("[\"tenants\",\"acme\",", "[\"tenants\",7,", 1),
        "line 2 of the backup is damaged: tenants.id",
    );
    refused(&text.replacen("[\"tenants\",", "[\"tenant\",", 1), "names no table");
    refused(&text.replacen("\"schema\":", "\"schema\":9", 1), "restore it with the version that made it");
    refused(&text.replacen("\"format\":1", "\"format\":2", 1), "restore it with the version that made it");
    refused("", "no backup of sidegate");
    refused("{\"userId\":\"alice\"}\n", "no backup of sidegate");

    let (status, _, err) = restore(&text);
    assert_eq!(status, 0, "after all of that it is empty: {err}");
    refused(&text, "the database is not empty");
    copy_keys(&server.data(), &setup.folder().join("data"));
    assert_eq!(content(&backup(&mut setup.command(&["backup", "-"]))), content(&lines));
    let (status, _, err) = with_input(&mut setup.command(&["restore", "/nowhere"]), "");
    assert!(status == 1 && err.contains("cannot read /nowhere"), "{err}");
}

#[test]
fn a_backup_is_of_one_moment_and_takes_little_memory() {
    let server = Server::start();
    let (file, users) = (server.folder().join("all.backup"), server.folder().join("users.ndjson"));
    write_users(&users, count(2_000, 100_000));
    let mut import = server.command(&["import", "--tenant", "acme"]);
    assert!(run(import.arg(&users).arg("--policies").arg(server.policies())).0.status.success());
    ["aaa", "zzz"]
        .iter()
        .for_each(|user| ["one", "two"].iter().for_each(|slug| server.admin().set(user, slug, json!(0))));
    let over = AtomicBool::new(false);
    let memory = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (client, path) = (server.admin(), "/t/acme/api/v1/abac/users/aaa/attributes");
            for number in 0.. {
                // The same user first and last in the file: one moment has the same number in both.
                let patch = json!({ "one": number, "two": number });
                assert_eq!(client.json(Method::PATCH, path, &patch).status, 200);
                assert_eq!(client.json(Method::PATCH, &path.replace("aaa", "zzz"), &patch).status, 200);
                if over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let memory = watched(server.command(&["backup"]).arg(&file));
        over.store(true, Ordering::SeqCst);
        memory
    });
    assert!(memory < 150.0, "{memory} MiB");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    let text = std::fs::read_to_string(&file).unwrap();
    let value = |user: &str, slug: &str| {
        let start = format!("[\"fields\",\"acme\",\"{user}\",\"{slug}\",");
        text.lines().find(|line| line.starts_with(&start)).and_then(|line| line.split('"').nth(11)?.parse::<u64>().ok())
    };
    let (first, last) = (value("aaa", "one"), value("zzz", "one"));
    assert_eq!((first, last), (value("aaa", "two"), value("zzz", "two")));
    let (first, last) = (first.unwrap(), last.unwrap());
    assert!(first == last || first == last + 1, "{first}, {last}");

    let setup = Setup::new();
    let memory = watched(setup.command(&["restore"]).arg(&file).stdin(Stdio::null()));
    assert!(memory < 150.0, "{memory} MiB");
}
