//! Who is known: lists with cursors, and what is known of one.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{Server, Setup, postgres};

const USERS: &str = "/t/acme/api/v1/users";

fn ids(page: &Value) -> Vec<&str> {
    page["users"].as_array().unwrap().iter().map(|user| user["userId"].as_str().unwrap()).collect()
}

/// The pages of a list; between them, `meanwhile` happens.
fn pages(client: &Client, query: &str, meanwhile: impl Fn(usize)) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        let answer = client.get(&format!("{USERS}?{query}{cursor}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        all.extend(ids(&body).into_iter().map(str::to_owned));
        match body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
        meanwhile(page);
    }
    unreachable!()
}

#[test]
fn pages_stay_in_step_while_users_come_and_go() {
    let server = Server::start();
    let admin = server.admin();
    let users: Vec<String> = (0..25).map(|number| format!("user{number:02}")).collect();
    users.iter().for_each(|user| admin.set(user, "plan", json!("pro")));
    let listed = pages(&admin, "limit=10", |page| {
        // One before where the page ended, one far behind: the first is not seen, nobody is seen twice or left out.
        admin.set(&format!("aaa{page}"), "plan", json!("pro"));
        admin.set(&format!("zzz{page}"), "plan", json!("pro"));
    });
    let expected: Vec<String> = users.iter().cloned().chain(["zzz0".to_owned(), "zzz1".to_owned()]).collect();
    assert_eq!(listed, expected);
    assert_eq!(pages(&admin, "q=user1&limit=3", |_| {}), &users[10..20]);
    assert_eq!(pages(&admin, "limit=500", |_| {}).len(), 29);
}

#[test]
fn a_cursor_counts_for_its_own_tenant_and_list_only() {
    let server = Setup::new().policy("other/a.policy", "allow a { action any resource any }").start();
    let admin = server.admin();
    for user in ["alice", "bob", "carol"] {
        admin.set(user, "plan", json!("pro"));
    }
    let page = admin.get(&format!("{USERS}?limit=1")).json();
    let cursor = page["next"].as_str().unwrap();
    assert_eq!(ids(&admin.get(&format!("{USERS}?limit=2&cursor={cursor}")).json()), ["bob", "carol"]);
    let mut tampered = cursor.to_owned();
    let last = if tampered.pop() == Some('A') { 'Q' } else { 'A' };
    tampered.push(last);
    let refused = [
        format!("{USERS}?q=a&cursor={cursor}"),
        format!("/t/other/api/v1/users?cursor={cursor}"),
        format!("{USERS}?cursor={tampered}"),
        format!("{USERS}?cursor=alice"),
        format!("{USERS}?cursor="),
        format!("{USERS}?limit=0"),
        format!("{USERS}?limit=501"),
        format!("{USERS}?limit=many"),
        format!("{USERS}?traits.plan=pro"),
        format!("{USERS}?q=a&q=b"),
    ];
    for path in refused {
        assert_eq!(admin.get(&path).status, 400, "{path}");
    }
    assert_eq!(server.app("decide").get(USERS).status, 403);
    assert_eq!(server.app("traits:read").get(USERS).status, 200);
}

#[test]
fn what_is_known_of_a_user_is_shown() {
    let server = Server::start();
    let admin = server.admin();
    for path in ["", "/identities", "/consents"] {
        assert_eq!(admin.get(&format!("{USERS}/alice{path}")).status, 404, "nobody has stored alice");
    }
    admin.set("alice", "plan", json!("pro"));
    admin.set("alice", "email", json!("alice@example.com"));
    let login = json!({
        "userId": "alice", "loginId": "l1",
        "identities": [{ "provider": "github", "subject": "77" }],
        "consents": [{ "purpose": "newsletter", "version": "2", "givenAt": "2026-01-02T03:04:05Z" }],
    });
    admin.json(http::Method::POST, "/t/acme/api/v1/profiling/check", &login);
    let user = admin.get(&format!("{USERS}/alice"));
    let expected = json!({
        "userId": "alice", "profile": { "email": "alice@example.com" }, "traits": { "plan": "pro" },
    });
    assert_eq!(user.json(), expected);
    assert!(!user.header("etag").is_empty());
    let identities = admin.get(&format!("{USERS}/alice/identities")).json();
    assert_eq!(identities["identities"][0]["provider"], "github", "{identities}");
    let consents = admin.get(&format!("{USERS}/alice/consents")).json();
    assert_eq!(consents["consents"][0]["purpose"], "newsletter", "{consents}");
}

/// Whether some bytes stand in a file below a folder.
fn in_files(folder: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let content = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn an_erased_user_is_gone_from_decisions_lists_and_the_disk() {
    const SECRET: &str = "a-value-that-nobody-else-has";
    let policy = "allow x { action \"a\" resource \"r\" when has(user.traits.secret) }";
    let mut server = Setup::new().policy("acme/acme.policy", policy).start();
    let admin = server.admin();
    let path = format!("{USERS}/alice");
    assert_eq!(admin.delete(&path).status, 404);
    admin.set("bob", "secret", json!("of bob"));
    admin.set("alice", "secret", json!(format!("{SECRET}-1")));
    admin.set("alice", "secret", json!(format!("{SECRET}-2")));
    let login = json!({
        "userId": "alice", "loginId": "l1", "profile": { "email": format!("{SECRET}@example.com") },
        "identities": [{ "provider": "github", "subject": format!("{SECRET}-3") }],
        "consents": [{ "purpose": "newsletter", "version": format!("{SECRET}-4") }],
    });
    assert_eq!(admin.json(http::Method::POST, "/t/acme/api/v1/profiling/check", &login).status, 200);
    let app = server.app("decide");
    assert!(app.may("alice", "a", "r"));
    assert_eq!(server.app("traits:read").delete(&path).status, 403);

    let erased = admin.delete(&path);
    assert_eq!(erased.status, 204, "{erased:?}");
    assert!(!erased.header("sidegate-revision").is_empty());
    assert!(!app.may("alice", "a", "r"), "the very next decision knows nobody");
    assert!(app.may("bob", "a", "r"));
    assert_eq!(ids(&admin.get(USERS).json()), ["bob"]);
    for below in ["", "/identities", "/consents"] {
        assert_eq!(admin.get(&format!("{path}{below}")).status, 404);
    }
    assert_eq!(admin.delete(&path).status, 404, "once");

    admin.set("alice", "plan", json!("new"));
    assert_eq!(admin.get(&path).json()["traits"], json!({ "plan": "new" }), "a new user of that name starts anew");
    let identities = admin.get(&format!("{path}/identities")).json();
    assert_eq!(identities["identities"], json!([]));

    server.signal("-TERM");
    assert!(server.wait().0.success());
    // PostgreSQL's files keep what was deleted until they are vacuumed: there, what is left to be read counts.
    let holds = |text: &str| match postgres::wanted() {
        true => server.rows().contains(text),
        false => in_files(&server.data(), text.as_bytes()),
    };
    assert!(holds("of bob"), "the search finds what is there");
    assert!(!holds(SECRET), "what was erased is not on the disk");
}

#[test]
fn the_audit_trail_is_read_page_by_page() {
    let traits = r#"[{"slug": "ssn", "dataType": "string", "sensitive": true}]"#;
    let server = Setup::new()
        .policy("acme/traits.json", traits)
        .policy("other/a.policy", "allow a { action any resource any }")
        .start();
    let admin = server.admin();
    for number in 0..5 {
        admin.set("alice", "plan", json!(number));
        admin.set("bob", "ssn", json!(format!("secret {number}")));
    }
    admin.delete("/t/acme/api/v1/abac/users/alice/attributes/plan");
    let trail = "/t/acme/api/v1/audit";
    let all = admin.get(trail).json();
    let numbers: Vec<i64> = all["entries"].as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=11).rev().collect::<Vec<_>>(), "newest first, without gaps");
    assert_eq!(all["next"], Value::Null);
    assert!(!all.to_string().contains("secret"), "values of sensitive fields are left out");
    let last = &all["entries"][0];
    assert_eq!(
        (last["action"].as_str(), last["before"].as_i64(), last["userId"].as_str()),
        (Some("field.delete"), Some(4), Some("alice"))
    );

    let first = admin.get(&format!("{trail}?user=alice&action=field.set&limit=3")).json();
    let values =
        |page: &Value| page["entries"].as_array().unwrap().iter().map(|e| e["after"].clone()).collect::<Vec<_>>();
    assert_eq!(values(&first), [json!(4), json!(3), json!(2)]);
    let cursor = first["next"].as_str().unwrap();
    admin.set("alice", "plan", json!("new"));
    let second = admin.get(&format!("{trail}?user=alice&action=field.set&cursor={cursor}")).json();
    assert_eq!((values(&second), &second["next"]), (vec![json!(1), json!(0)], &Value::Null));
    for path in [
        format!("{trail}?user=bob&action=field.set&cursor={cursor}"),
        format!("/t/other/api/v1/audit?user=alice&action=field.set&cursor={cursor}"),
        format!("{trail}?usr=alice"),
    ] {
        assert_eq!(admin.get(&path).status, 400, "{path}");
    }
    assert_eq!(server.app("traits:read").get(trail).status, 403);
    assert_eq!(server.app("audit:read").get(trail).status, 200);
    assert_eq!(admin.get("/t/other/api/v1/audit").json()["entries"], json!([]));
}

#[test]
fn users_are_found_by_what_their_traits_are() {
    let server = Setup::new().policy("other/a.policy", "allow a { action any resource any }").start();
    let admin = server.admin();
    let long = "x".repeat(70);
    for (user, plan, seats) in
        [("a", json!("pro"), json!(5)), ("b", json!("pro"), json!(5.0)), ("c", json!("5"), json!(7))]
    {
        admin.set(user, "plan", plan);
        admin.set(user, "seats", seats);
        admin.set(user, "note", json!(format!("{long}{user}")));
        admin.set(user, "beta", json!(user == "a"));
    }
    let found = |query: &str| -> Vec<String> {
        let page = admin.get(&format!("{USERS}?{query}")).json();
        ids(&page).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(found("trait.plan=pro"), ["a", "b"]);
    assert_eq!(found("trait.plan=5"), ["c"]);
    assert_eq!(found("trait.seats=5"), ["a", "b"], "5 and 5.0 are one number");
    assert_eq!(found("trait.plan=pro&trait.beta=true"), ["a"]);
    assert_eq!(found("trait.beta=false&q=b"), ["b"]);
    assert_eq!(found(&format!("trait.note={long}c")), ["c"], "beyond what the index has");
    assert!(found("trait.plan=Pro").is_empty());
    let first = admin.get(&format!("{USERS}?trait.plan=pro&limit=1")).json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(found(&format!("trait.plan=pro&limit=1&cursor={next}")), ["b"]);
    assert_eq!(admin.get(&format!("{USERS}?trait.plan=5&limit=1&cursor={next}")).status, 400, "of another list");
    for bad in ["trait.=x", "trait.No%20slug=x", "trait=x", "trait.plan=a&trait.plan=b"] {
        assert_eq!(admin.get(&format!("{USERS}?{bad}")).status, 400, "{bad}");
    }
    assert_eq!(ids(&admin.get("/t/other/api/v1/users?trait.plan=pro").json()), [""; 0]);
}

#[test]
fn logins_are_shown_newest_first() {
    let server = Setup::new().start();
    let admin = server.admin();
    assert_eq!(admin.get(&format!("{USERS}/alice/logins")).status, 404);
    for (login, client) in [("l1", "shop"), ("l2", "desk"), ("l2", "desk")] {
        let login = json!({ "userId": "alice", "loginId": login, "client": client });
        assert_eq!(admin.json(http::Method::POST, "/t/acme/api/v1/profiling/check", &login).status, 200);
    }
    let logins = admin.get(&format!("{USERS}/alice/logins")).json();
    let clients: Vec<&str> =
        logins["logins"].as_array().unwrap().iter().map(|login| login["client"].as_str().unwrap()).collect();
    assert_eq!(clients, ["desk", "shop"]);
    assert_eq!(admin.get(&format!("{USERS}/alice/logins?limit=1")).json()["logins"].as_array().unwrap().len(), 1);
}
