//! What must stand nowhere: values that are sensitive, and what is in memory when the process crashes. (Tokens are looked
//! for by every test, in whatever its server wrote.)

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Client, Setup, eventually};

const TRAITS: &str = r#"[
  {"slug": "ssn", "dataType": "string", "sensitive": true, "writableBy": ["admin", "idp"], "visible": false},
  {"slug": "pin", "dataType": "number", "sensitive": true, "allowedValues": [417263548, 991827364]}
]"#;

const POLICY: &str = r#"
allow known {
  action "read"
  resource "file"
  when user.traits.ssn == "nobody's 9911" OR user.traits.pin == 991827364 OR resource.properties.owner == user.id
}
"#;

/// Every value that is used, and none of which is in the policies.
const VALUES: [&str; 5] =
    ["set-5310-9431", "patched-6621-8842", "imported-7731-7753", "reported-8841-6664", "417263548"];

fn tell_nobody(text: &str, what: &str) {
    for value in VALUES {
        assert!(!text.contains(value), "{value} stands in {what}: {text}");
    }
}

fn write_all(admin: &Client) {
    let attributes = "/t/acme/api/v1/abac/users/alice/attributes";
    let put = |slug: &str, value: Value| {
        let answer = admin.json(Method::PUT, &format!("{attributes}/{slug}"), &json!({ "value": value }));
        tell_nobody(&answer.headers.iter().map(|(_, value)| value.to_str().unwrap()).collect::<String>(), "a header");
        answer
    };
    assert_eq!(put("ssn", json!(VALUES[0])).status, 201);
    assert_eq!(put("pin", json!(417_263_548)).status, 201);
    assert_eq!(admin.json(Method::PATCH, attributes, &json!({ "ssn": VALUES[1] })).status, 200);
    let line = format!("{{\"userId\": \"bob\", \"traits\": {{\"ssn\": \"{}\"}}}}\n", VALUES[2]);
    let ndjson = [("content-type", "application/x-ndjson")];
    assert_eq!(admin.send(Method::POST, "/t/acme/api/v1/users:import", &ndjson, line.clone()).status, 200);
    let login = json!({ "userId": "carol", "loginId": "1", "profile": { "ssn": VALUES[3] } });
    assert_eq!(admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &login).status, 200);
    // What is refused is not told either: a value of the wrong type, one that is none of those allowed, a bad line.
    for (slug, value) in [("pin", json!(VALUES[0])), ("ssn", json!([VALUES[0]])), ("pin", json!(4_172_635_480_u64))] {
        let refused = put(slug, value);
        assert_eq!(refused.status, 422, "{refused:?}");
        let text = String::from_utf8(refused.body.to_vec()).unwrap();
        assert!(!text.contains(VALUES[0]), "{text}");
    }
    let bad = line.replace("bob", "").replace("\"ssn\"", "\"ssn\": 1, \"ssn\"");
    let refused = admin.send(Method::POST, "/t/acme/api/v1/users:import", &ndjson, bad);
    assert_eq!(refused.status, 422, "{refused:?}");
    tell_nobody(std::str::from_utf8(&refused.body).unwrap(), "a refused import");
}

#[test]
fn values_that_are_sensitive_are_told_to_nobody_who_may_not_know_them() {
    let setup = Setup::new().policy("acme/traits.json", TRAITS).policy("acme/known.policy", POLICY);
    let decisions = setup.folder().join("decisions.log");
    let server = setup.env("SIDEGATE_LOG", "debug").args(&["--decision-log", decisions.to_str().unwrap()]).start();
    VALUES.iter().for_each(|value| server.keep_secret(value));
    let admin = server.app("admin");
    write_all(&admin);
    // Whoever may read traits may not read these in an explanation; whoever may only ask, none at all.
    for scope in ["decide", "decide,traits:read"] {
        let scopes: Vec<&str> = scope.split(',').flat_map(|scope| ["--scope", scope]).collect();
        let app = server.client(Some(&server.token(&[&["service-token", "--tenant", "acme"], &scopes[..]].concat())));
        for user in ["alice", "bob", "carol"] {
            let question = json!({
                "subject": { "type": "user", "id": user }, "action": { "name": "read" },
                "resource": { "type": "file", "id": "7" }, "options": { "explain": true },
            });
            let answer = app.json(Method::POST, "/t/acme/access/v1/evaluation", &question);
            assert_eq!(answer.status, 200, "{answer:?}");
            let text = answer.json().to_string();
            assert!(text.contains("user.traits.ssn") && text.contains("\"masked\":true"), "{text}");
            tell_nobody(&text, "an explanation");
        }
    }
    eventually("all decisions in the log", || std::fs::read_to_string(&decisions).unwrap().lines().count() == 6);
    assert!(server.log().contains("DEBUG"), "{}", server.log());
    for path in ["/t/acme/api/v1/audit?limit=500", "/metrics", "/readyz", "/t/acme/api/v1/audit/verify"] {
        let answer = admin.get(path);
        assert_eq!(answer.status, 200, "{answer:?}");
        tell_nobody(std::str::from_utf8(&answer.body).unwrap(), path);
    }
    let own = server.user("alice").get("/t/acme/api/v1/abac/my-attributes").json();
    assert_eq!(own["attributes"].get("ssn"), None, "{own}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_crash_leaves_no_core() {
    let mut server = Setup::new().start();
    let folder = server.folder().to_owned();
    // Another program leaves one here.
    let other = Command::new("sh").args(["-c", "ulimit -c unlimited; kill -ABRT $$"]).current_dir(&folder).status();
    assert!(other.unwrap().core_dumped(), "this machine writes no cores, so that the test shows nothing");
    let limit = Command::new("prlimit").args(["--core=unlimited", "--pid", &server.pid().to_string()]).status();
    assert!(limit.unwrap().success());
    server.signal("-ABRT");
    let (ended, _) = server.wait();
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
}
