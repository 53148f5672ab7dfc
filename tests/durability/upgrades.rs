//! From the first schema to the newest: nothing is lost, whoever starts, however many at once, and however it ends.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use sidegate::model::{Author, Origin, Source, TenantId, UserId, Value};
use sidegate::store::{ChangeKind, DatabaseAt};

use crate::support::{Server, Setup, count, database, root, wait_for};

/// Users of the old database: enough for a migration to take a while.
const USERS: i64 = 5000;

/// The folder of the migrations of a database.
fn migrations(at: &DatabaseAt) -> PathBuf {
    let kind = match at {
        DatabaseAt::Sqlite(_) => "sqlite",
        DatabaseAt::Postgres(_) => "postgres",
    };
    root().join("src/store/migrations").join(kind)
}

/// The numbers of all migrations.
fn versions(at: &DatabaseAt) -> Vec<i64> {
    let names =
        std::fs::read_dir(migrations(at)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<i64> = names.map(|name| name.split('_').next().unwrap().parse().unwrap()).collect();
    versions.sort_unstable();
    versions
}

/// Folders with the database of the first version that there was, with rows in it.
fn old() -> Setup {
    let setup = Setup::new();
    std::fs::DirBuilder::new().mode(0o700).create(setup.folder().join("data")).unwrap();
    make_old(&setup.database(), setup.folder());
    setup
}

fn make_old(at: &DatabaseAt, folder: &Path) {
    let first = folder.join("first");
    std::fs::create_dir(&first).unwrap();
    let name = std::fs::read_dir(migrations(at)).unwrap().map(|entry| entry.unwrap().file_name()).min().unwrap();
    std::fs::copy(migrations(at).join(&name), first.join(&name)).unwrap();
    let (fields, bytes) = match at {
        DatabaseAt::Postgres(_) => (
            "INSERT INTO fields (tenant, user_id, slug, bag, value, source, writer, revision, updated_at)
             SELECT tenant, user_id, slug, 'traits', value, 'admin', '', revision, created_at",
            "BYTEA",
        ),
        DatabaseAt::Sqlite(_) => (
            "INSERT INTO traits (tenant, user_id, slug, value, revision, updated_at)
             SELECT tenant, user_id, slug, value, revision, created_at",
            "BLOB",
        ),
    };
    let statements = format!(
        r#"INSERT INTO tenants VALUES ('acme', {USERS}, '2026-01-01T00:00:00Z'), ('other', 1, '2026-01-01T00:00:00Z');
        INSERT INTO users (tenant, user_id, created_at)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {USERS})
            SELECT 'acme', 'u' || i, '2026-01-02T03:04:05.000000000Z' FROM n;
        INSERT INTO users (tenant, user_id, created_at) VALUES ('other', 'u1', '2026-01-02T03:04:05Z');
        {fields} FROM (SELECT tenant, user_id, created_at, 'plan' AS slug, '"pro ' || user_id || '"' AS value, 7 AS revision
                       FROM users WHERE tenant = 'acme') AS made;
        {fields} FROM (SELECT tenant, user_id, created_at, 'name' AS slug, '"\u00c4nne ' || user_id || '"' AS value,
                              8 AS revision FROM users) AS made;
        INSERT INTO changes (tenant, revision, kind, key, at) VALUES ('acme', 8, 'user', 'u1', '2026-01-02T03:04:05Z');
        INSERT INTO tokens (id, tenant, hash, scopes, created_at)
            VALUES ('old', 'acme', CAST('0123456789' AS {bytes}), 'decide', '2026-01-02T03:04:05Z');"#,
    );
    wait_for(async {
        database::migrate(at, &first).await;
        database::execute(at, &statements).await;
    });
}

/// Insists that all of it is there, at the newest schema.
fn nothing_is_lost(at: &DatabaseAt) {
    wait_for(async {
        let found = database::numbers(at, "SELECT version FROM _sqlx_migrations ORDER BY version").await;
        assert_eq!(found, versions(at), "each once");
        let (store, acme) = (database::open(at).await.unwrap(), TenantId::parse("acme").unwrap());
        let tenants: Vec<_> = store.tenants().await.unwrap().into_iter().map(|row| (row.id, row.revision)).collect();
        assert_eq!(tenants, [(acme.clone(), USERS), (TenantId::parse("other").unwrap(), 1)]);
        let records = store.records_after(&acme, "", USERS + 9).await.unwrap();
        assert_eq!(records.len() as i64, USERS);
        for (id, record) in &records {
            let traits = record.traits().to_object();
            assert_eq!(traits.get("plan"), Some(&Value::Str(format!("pro {id}").into())), "{id}");
            assert_eq!(traits.get("name"), Some(&Value::Str(format!("\u{c4}nne {id}").into())), "{id}");
            assert!(record.self_asserted().is_empty(), "{id}");
        }
        let u1 = UserId::parse("u1").unwrap();
        let fields = store.fields(&acme, &u1).await.unwrap();
        assert_eq!(fields.iter().map(|stored| stored.revision).collect::<Vec<_>>(), [8, 7]);
        assert_eq!((fields[0].field.source, &*fields[0].field.writer), (Source::Admin, ""));
        assert_eq!(store.changes_since(0, 9).await.unwrap()[0].kind, ChangeKind::User);
        assert_eq!(store.find_token(b"0123456789").await.unwrap().unwrap().id, "old");
        assert_eq!(store.list_users(&TenantId::parse("other").unwrap(), "", "", 9).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn the_first_schema_becomes_the_newest_with_all_its_rows() {
    let setup = old();
    let at = setup.database();
    wait_for(async { database::open(&at).await.unwrap().close().await });
    nothing_is_lost(&at);
    // And what hangs together still does: an erased user takes the fields along.
    wait_for(async {
        let (store, acme) = (database::open(&at).await.unwrap(), TenantId::parse("acme").unwrap());
        let author = Author {
            source: Source::Admin,
            actor: "test".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            origin: Origin::default(),
        };
        let erased = store.erase_user(&acme, &UserId::parse("u1").unwrap(), &author).await.unwrap().unwrap();
        assert_eq!((erased.revision, erased.seq > 1), (USERS + 1, true));
        store.close().await;
        let left = database::numbers(&at, "SELECT COUNT(*) FROM fields WHERE tenant = 'acme' AND user_id = 'u1'").await;
        assert_eq!(left, [0]);
    });
    let server = setup.start();
    let admin = server.admin();
    admin.set("u2", "email_opt_in", json!(true));
    admin.set("u2", "plan", json!("enterprise"));
    assert!(server.app("decide").may("u2", "export", "report"));
}

#[test]
fn names_of_the_first_schema_are_found_whatever_their_case() {
    // On SQLite whatever is wanted: PostgreSQL came with the schema that looks for names.
    let folder = tempfile::tempdir().unwrap();
    let at = DatabaseAt::Sqlite(folder.path().join("sidegate.db"));
    make_old(&at, folder.path());
    for _start in 0..2 {
        wait_for(async {
            let (store, acme) = (database::open(&at).await.unwrap(), TenantId::parse("acme").unwrap());
            for prefix in ["\u{c4}NNE u777", "\u{e4}nne U777"] {
                let found = store.list_users(&acme, prefix, "", 9).await.unwrap();
                assert_eq!(found.len(), 1, "{prefix}");
                assert_eq!(found[0].name.as_deref(), Some("\u{c4}nne u777"));
            }
            store.close().await;
        });
    }
}

#[test]
fn a_server_that_is_killed_while_it_migrates_loses_nothing() {
    let newest = |setup: &Setup| {
        let at = setup.database();
        wait_for(database::numbers(&at, "SELECT MAX(version) FROM _sqlx_migrations")).pop() == versions(&at).pop()
    };
    // How long it takes, so that the kills fall before, into and after it.
    let setup = old();
    let (start, mut child) = (Instant::now(), setup.spawn());
    while !newest(&setup) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let whole = start.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    for round in 0..count(6, 100) {
        let setup = old();
        let mut child = setup.spawn();
        std::thread::sleep(whole.mul_f64((round * 5 % 12 + 3) as f64 / 12.0));
        child.kill().unwrap();
        child.wait().unwrap();
        let server = setup.start();
        let read = server.admin().get("/t/acme/api/v1/users/u1");
        assert_eq!(read.status, 200, "{read:?}");
        nothing_is_lost(&server.database());
    }
}

/// Starts several on one set of folders at once.
fn together(first: Setup) -> Vec<Server> {
    let others: Vec<Setup> = (0..3).map(|_| Setup::new().on_data_of(&first)).collect();
    std::thread::scope(|scope| {
        let starting: Vec<_> =
            std::iter::once(first).chain(others).map(|setup| scope.spawn(|| setup.start())).collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    })
}

#[test]
fn several_that_start_together_migrate_once() {
    for _ in 0..count(1, 20) {
        let servers = together(old());
        nothing_is_lost(&servers[0].database());
        let servers = together(Setup::new());
        let at = servers[0].database();
        let found = wait_for(database::numbers(&at, "SELECT version FROM _sqlx_migrations ORDER BY version"));
        assert_eq!(found, versions(&at));
        // They are one: the token that one of them made counts at all, and so does what one of them is told.
        let token = std::fs::read_to_string(servers[0].data().join("admin-token")).unwrap();
        let app = servers[0].token(&["service-token", "--tenant", "acme", "--scope", "decide"]);
        servers[0].admin().set("alice", "plan", json!("enterprise"));
        let path = "/t/acme/api/v1/abac/users/alice/attributes/email_opt_in";
        for (number, server) in servers.iter().enumerate() {
            let admin = server.client(Some(token.trim()));
            let put = admin.json(Method::PUT, path, &json!({ "value": true }));
            assert_eq!(put.status, if number == 0 { 201 } else { 200 });
            assert!(server.client(Some(&app)).may("alice", "export", "report"));
        }
    }
}
