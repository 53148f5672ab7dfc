//! Settings of a tenant over the API: in the store, unless its files have them.

use http::Method;
use serde_json::{Value, json};

use crate::issuers::whose;
use crate::support::issuer::{Issuer, trusting};
use crate::support::{Client, Server, Setup, eventually};

const SETTINGS: &str = "/t/acme/api/v1/settings";

fn put(admin: &Client, body: Value) -> crate::support::Answer {
    admin.json(Method::PUT, SETTINGS, &body)
}

#[test]
fn settings_that_are_put_are_in_force_at_once_and_stay() {
    let issuer = Issuer::start();
    let mut server = Setup::new()
        .policy("acme/hours.policy", "allow now { action \"see\" resource \"zone\" when env.hour == 99 }")
        .start();
    let admin = server.app("admin");
    let first = admin.get(SETTINGS);
    assert_eq!((&first.json()["timeZone"], first.header("etag")), (&json!("UTC"), ""));
    let settings = json!({ "timeZone": "Asia/Tokyo", "issuers": [issuer.settings(json!({ "primary": true }))] });
    let answer = put(&admin, settings);
    assert_eq!(answer.status, 200, "{answer:?}");
    let tag = answer.header("etag").to_owned();
    assert_eq!(whose(&server, &issuer.token("alice")), Ok("alice".to_owned()));
    let shown = admin.get(SETTINGS);
    assert_eq!((&shown.json()["timeZone"], shown.header("etag")), (&json!("Asia/Tokyo"), tag.as_str()));

    let patch = admin.json(Method::PATCH, SETTINGS, &json!({ "returnOrigins": ["https://app.example"] }));
    assert_eq!(patch.status, 200, "{patch:?}");
    assert_eq!(patch.json()["timeZone"], "Asia/Tokyo");
    let stale = admin.send(
        Method::PUT,
        SETTINGS,
        &[("content-type", "application/json"), ("if-match", &tag)],
        json!({ "timeZone": "UTC" }).to_string(),
    );
    assert_eq!(stale.status, 412);
    server.restart();
    assert_eq!(server.admin().get(SETTINGS).json()["returnOrigins"][0], "https://app.example");
    assert_eq!(whose(&server, &issuer.token("alice")), Ok("alice".to_owned()));
    let trail = server.admin().get("/t/acme/api/v1/audit?action=settings.set").json();
    assert_eq!(trail["entries"].as_array().unwrap().len(), 2, "{trail}");
    // Trust ends with them.
    assert_eq!(put(&server.admin(), json!({})).status, 200);
    assert_eq!(whose(&server, &issuer.token("alice")), Err(401));
}

#[test]
fn settings_in_a_file_are_shown_and_changed_there() {
    let server = Setup::new().policy("acme/tenant.json", &trusting(&[])).start();
    let admin = server.admin();
    assert_eq!(admin.get(SETTINGS).json()["timeZone"], "UTC");
    let answer = put(&admin, json!({ "timeZone": "Asia/Tokyo" }));
    assert_eq!(answer.status, 409);
    assert!(answer.json()["detail"].as_str().unwrap().contains("tenant.json"), "{answer:?}");
    // Without the file, those of the store count.
    std::fs::remove_file(server.policies().join("acme/tenant.json")).unwrap();
    eventually("the store's", || put(&admin, json!({ "timeZone": "Asia/Tokyo" })).status == 200);
}

#[test]
fn another_sidecar_follows() {
    let first = Server::start();
    let second = Setup::new().beside(&first).start();
    assert_eq!(put(&first.admin(), json!({ "timeZone": "Asia/Tokyo" })).status, 200);
    let token = std::fs::read_to_string(first.data().join("admin-token")).unwrap();
    let other = second.client(Some(token.trim()));
    // What it has not heard of yet is not undone by it.
    let patched = other.json(Method::PATCH, SETTINGS, &json!({ "returnOrigins": ["https://app.example"] }));
    assert_eq!(patched.json()["timeZone"], "Asia/Tokyo", "{patched:?}");
    let shown = first.admin().get(SETTINGS).json();
    assert_eq!((&shown["timeZone"], &shown["returnOrigins"][0]), (&json!("Asia/Tokyo"), &json!("https://app.example")));
}

#[test]
fn settings_that_contradict_themselves_or_the_policies_are_refused() {
    let undefined = "allow a { action \"x\" resource \"y\" when user.traits.nobody_defined_it == 1 }";
    let server = Setup::new().policy("acme/undefined.policy", undefined).start();
    let admin = server.admin();
    for (body, pointer) in [
        (json!({ "timeZone": "Mars/Olympus" }), "/timeZone"),
        (json!({ "timeZone": 7 }), "/timeZone"),
        (json!({ "timezone": "UTC" }), "/timezone"),
        (json!({ "returnOrigins": ["https://a.example/path"] }), "/returnOrigins/0"),
        (json!({ "issuers": [{ "issuer": "https://id.example", "audiences": [] }] }), "/issuers/0/audiences"),
        (json!({ "definedTraitsOnly": true }), ""),
        (
            json!({ "portal": { "issuer": "https://id.example", "clientId": "c", "clientSecretEnv": "SIDEGATE_ADMIN_TOKEN", "admins": [] } }),
            "/portal/clientSecretEnv",
        ),
        (
            json!({ "issuers": [{ "issuer": "https://id.example", "audiences": ["a"] }], "signIn":
                { "issuer": "https://id.example", "clientId": "c", "clientSecretEnv": "SIDEGATE_ADMIN_TOKEN" } }),
            "/signIn/clientSecretEnv",
        ),
        (json!({ "signIn": { "issuer": "https://id.example", "clientId": "c" } }), "/signIn/issuer"),
        (
            json!({ "issuers": [{ "issuer": "https://id.example", "audiences": ["a"] }], "signIn":
                { "issuer": "https://id.example", "clientId": "c", "cookieDomain": ".example.com" } }),
            "/signIn/cookieDomain",
        ),
        (json!({ "proxies": { "identityHeader": "X-Auth-Subject" } }), "/proxies/identityHeader"),
        (json!({ "proxies": { "identityHeader": "authorization" } }), "/proxies/identityHeader"),
        (
            json!({ "issuers": [{ "issuer": "https://id.example", "audiences": ["a"], "introspection":
                { "url": "https://evil.example", "clientId": "c", "clientSecretEnv": "SIDEGATE_ADMIN_TOKEN" } }] }),
            "/issuers/0/introspection",
        ),
    ] {
        let answer = put(&admin, body.clone());
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {answer:?}");
    }
    assert_eq!(admin.get(SETTINGS).json()["timeZone"], "UTC");
}
