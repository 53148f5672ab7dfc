//! The audit trail's chain: whoever changes the trail past the program is found out, and told where.

use serde_json::{Value, json};

use crate::support::{Server, Setup, run};

const TRAITS: &str = r#"[{"slug": "ssn", "dataType": "string", "sensitive": true}]"#;

/// What erasing does to an entry.
const EMPTY: &str = "salt = NULL, before = NULL, after = NULL, target = '', request_id = NULL, address = NULL";

/// A server whose tenant acme has ten entries and one user who was erased.
fn server() -> Server {
    let server = Setup::new().policy("acme/traits.json", TRAITS).start();
    let admin = server.admin();
    admin.set("bob", "plan", json!("pro"));
    admin.set("bob", "ssn", json!("078-05-1120"));
    assert_eq!(admin.delete("/t/acme/api/v1/users/bob").status, 204);
    for number in 0..7 {
        admin.set("alice", "plan", json!(number));
    }
    server
}

fn verdict(server: &Server) -> Value {
    server.admin().get("/t/acme/api/v1/audit/verify").json()
}

/// The faults that a trail has after somebody did this to it.
fn faults(statement: &str) -> Value {
    let server = server();
    server.execute(statement);
    let verdict = verdict(&server);
    assert_eq!(verdict["valid"], false, "{statement}: {verdict}");
    let (output, out, _) = run(&mut server.command(&["audit", "verify", "--tenant", "acme"]));
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("NOT as they were written"), "{out}");
    verdict["faults"].clone()
}

#[test]
fn an_untouched_trail_is_valid_and_holds_no_secret() {
    let server = server();
    let first = verdict(&server);
    assert_eq!((&first["valid"], &first["entries"]), (&json!(true), &json!(10)));
    assert_eq!(first["head"]["last"], 10);
    let admin = server.admin();
    admin.set("carol", "ssn", json!("078-05-1120"));
    admin.set("carol", "ssn", json!("219-09-9999"));
    let trail = admin.get("/t/acme/api/v1/audit?user=carol").json();
    let (newer, older) = (&trail["entries"][0], &trail["entries"][1]);
    assert_eq!((&newer["sensitive"], &newer["credential"]), (&json!(true), &json!("admin's token")));
    assert_eq!(newer["address"], "127.0.0.1");
    assert!(newer["after"].as_str().unwrap().starts_with("sha256:"), "{newer}");
    assert_ne!(newer["before"], older["after"], "the salt is the entry's own");
    assert!(!trail.to_string().contains("078-05") && !trail.to_string().contains("219-09"), "{trail}");
    let (output, out, err) = run(&mut server.command(&["audit", "verify", "--tenant", "acme"]));
    assert!(output.status.success() && out.contains("12 entries: all as they were written"), "{out}{err}");
}

#[test]
fn what_somebody_did_to_the_trail_is_found_and_where() {
    let where_seq = |seq: i64| format!("WHERE tenant = 'acme' AND seq = {seq}");
    let changed = |entry: i64| json!([{ "fault": "changed", "entry": entry }]);
    assert_eq!(faults(&format!("UPDATE audit SET after = '99' {}", where_seq(5))), changed(5));
    assert_eq!(faults(&format!("UPDATE audit SET actor = 'nobody' {}", where_seq(10))), changed(10));
    assert_eq!(faults(&format!("UPDATE audit SET sensitive = 1 {}", where_seq(4))), changed(4));
    assert_eq!(
        faults(&format!("DELETE FROM audit {}", where_seq(6))),
        json!([{ "fault": "removed", "from": 6, "to": 6 }])
    );
    assert_eq!(
        faults("DELETE FROM audit WHERE tenant = 'acme' AND seq > 8"),
        json!([{ "fault": "removed", "from": 9, "to": 10 }])
    );
    assert_eq!(faults("DELETE FROM audit WHERE tenant = 'acme'"), json!([{ "fault": "removed", "from": 1, "to": 10 }]));
    assert_eq!(faults(&format!("UPDATE audit SET salt = NULL, after = NULL {}", where_seq(5))), changed(5));
    let emptied = |entries: &[i64]| -> Value {
        entries.iter().map(|entry| json!({ "fault": "emptied", "entry": entry })).collect()
    };
    assert_eq!(faults(&format!("UPDATE audit SET {EMPTY} {}", where_seq(5))), emptied(&[5]));
    // As if it had been somebody's who was erased: whether before or after the erasure.
    assert_eq!(faults(&format!("UPDATE audit SET {EMPTY}, user_id = 'bob' {}", where_seq(5))), emptied(&[5]));
    // What stays of entries that were emptied is what stayed.
    assert_eq!(faults(&format!("UPDATE audit SET actor = 'nobody' {}", where_seq(1))), emptied(&[1, 2]));
    assert_eq!(faults(&format!("UPDATE audit SET user_id = 'carol' {}", where_seq(1))), emptied(&[2, 1]));
    assert_eq!(faults(&format!("UPDATE audit SET after = '1' {}", where_seq(1)))[0], changed(1)[0]);
    let without = json!([{ "fault": "removed", "from": 3, "to": 3 }, emptied(&[1])[0], emptied(&[2])[0]]);
    assert_eq!(faults(&format!("DELETE FROM audit {}", where_seq(3))), without, "without the erasure, nobody may");
    // Entry 4 goes, and those after it move up: the numbers are whole, the links are not.
    assert_eq!(
        faults(
            "DELETE FROM audit WHERE tenant = 'acme' AND seq = 4;
             UPDATE audit SET seq = -(seq - 1) WHERE tenant = 'acme' AND seq > 4;
             UPDATE audit SET seq = -seq WHERE tenant = 'acme' AND seq < 0"
        )[0],
        json!({ "fault": "out_of_chain", "entry": 4 })
    );
    let copy = "INSERT INTO audit (tenant, seq, at, source, actor, action, user_id, target, salt, digest, link)
                SELECT tenant, 11, at, source, actor, action, user_id, target, salt, digest, link FROM audit";
    assert_eq!(faults(&format!("{copy} {}", where_seq(10))), json!([{ "fault": "added", "entry": 11 }]));
    for below in [0, i64::MIN] {
        let copy = copy.replace("11", &below.to_string());
        assert_eq!(faults(&format!("{copy} {}", where_seq(10))), json!([{ "fault": "added", "entry": below }]));
    }
}

#[test]
fn a_user_may_be_erased_come_back_and_be_erased_again() {
    let server = server();
    let admin = server.admin();
    for plan in ["pro", "free"] {
        admin.set("bob", "plan", json!(plan));
        assert_eq!(admin.delete("/t/acme/api/v1/users/bob").status, 204);
    }
    admin.set("bob", "plan", json!("pro"));
    let verdict = verdict(&server);
    assert_eq!((&verdict["faults"], &verdict["entries"]), (&json!([]), &json!(15)));
}

#[test]
fn a_head_cannot_be_made_without_the_key() {
    // The last entry goes, and the head is set back as if it had never been.
    let shortened = faults(
        "UPDATE audit_heads SET last = 9, link = (SELECT link FROM audit WHERE tenant = 'acme' AND seq = 9)
             WHERE tenant = 'acme';
         DELETE FROM audit WHERE tenant = 'acme' AND seq = 10",
    );
    assert!(shortened.as_array().unwrap().contains(&json!({ "fault": "head_forged" })), "{shortened}");
    let without = faults("DELETE FROM audit_heads");
    assert_eq!(without, json!([{ "fault": "head_missing" }]));
}

#[test]
fn what_was_done_to_the_trail_still_shows_after_the_next_write() {
    let shortened = "UPDATE audit_heads SET last = 9, link = (SELECT link FROM audit WHERE tenant = 'acme' AND seq = 9)
                         WHERE tenant = 'acme';
                     DELETE FROM audit WHERE tenant = 'acme' AND seq = 10";
    let cases = [
        (shortened, 10),
        ("DELETE FROM audit WHERE tenant = 'acme' AND seq = 10", 11),
        ("DELETE FROM audit_heads", 11),
        ("UPDATE audit SET salt = NULL, digest = NULL, link = NULL; DELETE FROM audit_heads", 11),
        ("UPDATE audit_heads SET mac = link", 11),
        // As if there had been nothing: what there was is only out of sight.
        ("UPDATE audit SET seq = -seq; UPDATE audit SET seq = seq + 1; DELETE FROM audit_heads", 1),
    ];
    for (statement, entry) in cases {
        let server = server();
        server.execute(statement);
        for number in [100, 101] {
            server.admin().set("alice", "plan", json!(number));
        }
        let faults = verdict(&server)["faults"].clone();
        let unvouched: Vec<&Value> =
            faults.as_array().unwrap().iter().filter(|fault| fault["fault"] == "unvouched").collect();
        assert_eq!(unvouched, [&json!({ "fault": "unvouched", "entry": entry })], "{statement}: {faults}");
        let noted = server.admin().get("/t/acme/api/v1/audit?action=audit.unvouched").json();
        let noted = &noted["entries"][0];
        assert_eq!((&noted["seq"], &noted["actor"]), (&json!(entry), &json!("sidegate")), "{statement}");
    }
}

#[test]
fn a_key_that_was_replaced_shows() {
    let mut server = server();
    server.kill();
    std::fs::write(server.data().join("audit.key"), "0123456789abcdef0123456789abcdef").unwrap();
    server.restart();
    assert_eq!(verdict(&server)["faults"], json!([{ "fault": "head_forged" }]));
    server.admin().set("alice", "plan", json!("new"));
    assert_eq!(verdict(&server)["faults"], json!([{ "fault": "unvouched", "entry": 11 }]));
}

#[test]
fn a_head_that_was_kept_shows_a_trail_that_was_set_back_as_a_whole() {
    let server = server();
    let kept = server.folder().join("head.json");
    let keep = |server: &Server| {
        let (output, out, err) = run(&mut server.command(&["audit", "head", "--tenant", "acme"]));
        assert!(output.status.success(), "{err}");
        std::fs::write(&kept, out).unwrap();
    };
    let check = || {
        let kept = kept.to_str().unwrap();
        let (output, out, err) =
            run(&mut server.command(&["audit", "verify", "--tenant", "acme", "--json", "--head", kept]));
        let verdict: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        assert_eq!(verdict["valid"], output.status.success());
        verdict["faults"].clone()
    };
    server
        .execute("CREATE TABLE old_audit AS SELECT * FROM audit; CREATE TABLE old_heads AS SELECT * FROM audit_heads;");
    server.admin().set("alice", "plan", json!("new"));
    keep(&server);
    server.admin().set("alice", "plan", json!("newer"));
    assert_eq!(check(), json!([]), "it has only gone on");
    // Everything back to where it was: the key vouches for that, too.
    server.execute(
        "DELETE FROM audit; INSERT INTO audit SELECT * FROM old_audit;
         DELETE FROM audit_heads; INSERT INTO audit_heads SELECT * FROM old_heads;",
    );
    assert_eq!(verdict(&server)["valid"], true);
    assert_eq!(check(), json!([{ "fault": "not_the_kept_chain" }]));
    std::fs::write(&kept, "{}").unwrap();
    let (output, _, err) = run(&mut server.command(&["audit", "verify", "--tenant", "acme", "--head", "/nowhere"]));
    assert_eq!(output.status.code(), Some(1), "{err}");
}
