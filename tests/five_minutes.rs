//! A newcomer's first five minutes, with the very commands that `serve` prints.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{Setup, postgres};

#[test]
fn the_printed_commands_do_what_they_say() {
    let server = Setup::sample().start();
    let (succeeded, out, err) = server.paste();
    assert!(succeeded, "{err}");
    let answers: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 6, "{out}");
    assert_eq!(answers[0]["data"], json!({"userId": "alice", "attributeSlug": "plan", "value": "enterprise"}));
    assert_eq!(answers[2]["data"]["value"], 500);
    assert_eq!(answers[3]["data"]["value"], json!({"theme": "dark", "locale": "en-US"}));
    assert_eq!(answers[4]["decision"], true);
    assert_eq!(answers[4]["context"]["policies"], json!(["enterprise_export"]));
    let attributes = json!({
        "plan": "enterprise", "email_opt_in": true, "credits": 500,
        "preferences": {"theme": "dark", "locale": "en-US"},
    });
    assert_eq!(answers[5], json!({"userId": "alice", "attributes": attributes}));

    let admin = server.admin();
    admin.set("alice", "plan", json!("free"));
    assert!(!server.app("decide").may("alice", "export", "report"));
}

#[test]
fn the_commands_are_right_for_a_folder_with_blanks_and_quotes() {
    let server = Setup::named("it's a \"folder\" $HOME ").start();
    let (succeeded, out, err) = server.paste();
    assert!(succeeded, "{err}");
    assert!(out.contains("\"decision\":true"), "{out}");
}

#[test]
fn the_admin_token_is_for_its_owner_alone() {
    let server = Setup::new().start();
    let mode = |name: &str| std::fs::metadata(server.data().join(name)).unwrap().permissions().mode() & 0o777;
    let database: &[&str] = if postgres::wanted() { &[] } else { &["sidegate.db", "sidegate.db-wal"] };
    for secret in ["admin-token", "token.key", "dev-token.key", "audit.key"].iter().chain(database) {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_eq!(mode("."), 0o700);
}
