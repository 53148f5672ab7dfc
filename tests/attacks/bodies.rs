//! Bodies that say more than they may, and texts that would be something else where they are written down.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Server, Setup, eventually};

const USERS: &str = "/t/acme/api/v1/users";

#[test]
fn no_write_takes_more_than_it_is_for() {
    let server = Server::start();
    let admin = server.app("admin");
    admin.set("alice", "plan", json!("pro"));
    let json = [("content-type", "application/json")];
    // What would say who wrote, when, for whom, and how it was revised.
    let forged = json!({
        "tenant": "other", "userId": "mallory", "revision": 99, "writer": "nobody", "source": "idp", "actor": "root",
        "createdAt": "2000-01-01T00:00:00Z", "id": "forged", "scopes": ["admin"], "admin": true, "__proto__": { "a": 1 },
    });
    let with = |body: Value| {
        let mut all = forged.as_object().unwrap().clone();
        all.extend(body.as_object().unwrap().clone());
        Value::Object(all).to_string()
    };
    let definition = json!({ "slug": "seats", "dataType": "number" });
    let writes: [(Method, &str, Value); 9] = [
        (Method::PUT, "/t/acme/api/v1/abac/users/alice/attributes/plan", json!({ "value": "free" })),
        (Method::POST, "/t/acme/api/v1/abac/attributes", definition.clone()),
        (Method::PUT, "/t/acme/api/v1/abac/attributes/seats", definition),
        (Method::PUT, "/t/acme/api/v1/profiling/settings", json!({ "enabled": true })),
        (Method::PUT, "/t/acme/api/v1/settings", json!({ "timeZone": "UTC" })),
        (Method::POST, "/t/acme/api/v1/tokens", json!({ "scopes": ["decide"] })),
        (Method::PUT, "/t/acme/api/v1/profiling/rules", json!({})),
        (Method::PATCH, "/t/acme/api/v1/settings", json!({ "timeZone": "UTC" })),
        (Method::POST, "/t/acme/api/v1/tokens/none/rotate", json!({})),
    ];
    for (method, path, body) in writes {
        let answer = admin.send(method.clone(), path, &json, with(body));
        // A value is taken out of its body by name; everything else knows all of its members.
        let expected = if path.ends_with("/plan") { 200 } else { 422 };
        assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
    }
    let trail = admin.get("/t/acme/api/v1/audit").json();
    for entry in trail["entries"].as_array().unwrap() {
        assert!(!entry.to_string().contains("nobody") && entry["source"] == "admin", "{entry}");
    }
    assert_eq!(admin.get(&format!("{USERS}/mallory")).status, 404);
    // A login says what an identity provider may say, and nothing else of the user.
    let login = json!({ "userId": "bob", "loginId": "1", "returnTo": "/", "profile": { "plan": "enterprise", "email": "b@x.example" } });
    admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &login);
    let traits = admin.get(&format!("{USERS}/bob")).json();
    assert_eq!(traits["traits"].get("plan"), None, "{traits}");
}

#[test]
fn what_somebody_says_is_one_line_wherever_it_is_written_down() {
    let setup = Setup::new();
    let decisions = setup.folder().join("decisions.ndjson");
    let server = setup.args(&["--decision-log", decisions.to_str().unwrap()]).start();
    let admin = server.app("admin");
    let evil = "a\"}\n{\"decision\":true,\"level\":\"ERROR\"}\r\n\u{1b}[2J\u{2028}\u{202e}";
    let escaped = serde_json::to_string(evil).unwrap();
    let question = format!(
        r#"{{"subject":{{"type":{escaped},"id":{escaped}}},"action":{{"name":{escaped}}},"resource":{{"type":{escaped},"id":{escaped}}},"context":{{{escaped}:{escaped}}}}}"#
    );
    let headers = [("content-type", "application/json"), ("x-request-id", "a\tb{}\"x\"")];
    let answer = admin.send(Method::POST, "/t/acme/access/v1/evaluation", &headers, question);
    assert_eq!((answer.status.as_u16(), &answer.json()["decision"]), (200, &json!(false)), "{answer:?}");
    admin.set("alice", "note", json!(evil));
    admin.json(
        Method::POST,
        "/t/acme/api/v1/tokens",
        &json!({ "scopes": ["decide"], "name": "=HYPERLINK(\"http://evil\")" }),
    );
    eventually("the log", || std::fs::read_to_string(&decisions).is_ok_and(|text| !text.is_empty()));
    let log = std::fs::read_to_string(&decisions).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    let line: Value = serde_json::from_str(log.trim()).unwrap();
    assert_eq!(line["decision"], false, "{line}");
    for log in [log, server.log()] {
        assert!(!log.contains('\u{1b}') && !log.contains("\n{\"decision\":true"), "{log}");
    }
    // In the portal, it is text.
    let link = server.token(&["portal-link", "--tenant", "acme"]);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let secret = link.rsplit_once("?link=").unwrap().1;
    let signed_in = server.client(None).send(Method::POST, "/t/acme/portal/sign-in", &form, format!("link={secret}"));
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    admin.set("alice", "html", json!("<script>alert(1)</script>"));
    let page = server.client(None).send(Method::GET, "/t/acme/portal/users/alice/360", &[("cookie", &cookie)], "");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.status == 200 && !text.contains("<script>alert"), "{text}");
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
}
