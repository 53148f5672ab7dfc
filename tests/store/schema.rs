//! Schemas: the newest is made, an older one is brought up to date, a newer one is refused.

use sidegate::store::StoreError;

use crate::support::{Database, Setup, database, run, wait_for};

use super::{add_tenants, change, edit, tenant, text, user};

/// As a later version would leave it.
const LATER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 9999, 'of a later version', success, checksum, 0 FROM _sqlx_migrations
    WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let database = Database::new();
    wait_for(async {
        let store = database.open().await;
        add_tenants(&store, &["acme"]).await;
        edit(&store, &tenant("acme"), &user("alice"), &[change("plan", Some(text("pro")))]).await;
        store.close().await;
        database.execute(LATER).await;
        let refused = database::open(database.at()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Newer(9999)), "{refused:?}");
        assert!(refused.to_string().contains("a newer version of sidegate (schema 9999)"), "{refused}");
        database.execute("DELETE FROM _sqlx_migrations WHERE version = 9999").await;
        let store = database.open().await;
        assert_eq!(store.fields(&tenant("acme"), &user("alice")).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn every_command_says_that_the_schema_is_newer() {
    let mut server = Setup::new().start();
    server.kill();
    wait_for(database::execute(&server.database(), LATER));
    let folder = server.policies();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--policies", folder.to_str().unwrap()];
    let token = ["service-token", "--tenant", "acme", "--scope", "decide"];
    for command in [&serve[..], &token] {
        let (output, out, err) = run(&mut server.command(command));
        assert!(!output.status.success(), "{command:?}");
        assert!(err.contains("newer version of sidegate (schema 9999)") && out.is_empty(), "{command:?}: {out}{err}");
    }
}

#[test]
fn a_changed_migration_is_refused() {
    let database = Database::new();
    wait_for(async {
        database.open().await.close().await;
        database.execute("UPDATE _sqlx_migrations SET checksum = substr(checksum, 2)").await;
        let refused = database::open(database.at()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Migrate(_)), "{refused:?}");
    });
}
