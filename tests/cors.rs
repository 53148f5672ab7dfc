//! Pages of other origins: none may ask, unless the tenant lists it.

use http::Method;
use serde_json::json;

use crate::support::client::question;
use crate::support::{Answer, Client, Setup};

const EVALUATION: &str = "/t/acme/access/v1/evaluation";

fn preflight(client: &Client, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization"),
    ];
    client.send(Method::OPTIONS, path, &headers, "")
}

fn allowed(answer: &Answer) -> &str {
    answer.header("access-control-allow-origin")
}

#[test]
fn pages_of_listed_origins_may_ask_the_api_and_no_others() {
    let origin = "https://app.acme.example";
    let settings = json!({ "corsOrigins": [origin] }).to_string();
    let server = Setup::new().policy("acme/tenant.json", &settings).policy("other/other.policy", "").start();
    let anybody = server.client(None);
    let asked = preflight(&anybody, EVALUATION, origin, "POST");
    assert_eq!((asked.status.as_u16(), allowed(&asked)), (204, origin), "{asked:?}");
    assert_eq!(asked.header("access-control-allow-methods"), "POST");
    assert!(asked.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(asked.header("access-control-allow-credentials"), "", "never cookies");
    for (path, origin, method) in [
        (EVALUATION, "https://app.acme.example.evil.example", "POST"),
        (EVALUATION, "http://app.acme.example", "POST"),
        (EVALUATION, "https://APP.acme.example", "POST"),
        (EVALUATION, "null", "POST"),
        (EVALUATION, origin, "DELETE"),
        ("/t/other/access/v1/evaluation", origin, "POST"),
        ("/t/nowhere/access/v1/evaluation", origin, "POST"),
        ("/t/acme/portal/users", origin, "GET"),
        ("/t/acme/account/complete-profile/", origin, "POST"),
        ("/healthz", origin, "GET"),
        ("/api/v1/tenants", origin, "GET"),
    ] {
        let answer = preflight(&anybody, path, origin, method);
        assert_eq!((answer.status.is_success(), allowed(&answer)), (false, ""), "{path} {origin} {method}: {answer:?}");
    }
    // The answers themselves, refusals too.
    let app = server.app("decide");
    let body = question("alice", "read", "report").to_string();
    let ask = |client: &Client, origin: &str| {
        client.send(Method::POST, EVALUATION, &[("content-type", "application/json"), ("origin", origin)], body.clone())
    };
    let answer = ask(&app, origin);
    assert_eq!((answer.status.as_u16(), allowed(&answer), answer.header("vary")), (200, origin, "origin"));
    let refused = ask(&anybody, origin);
    assert_eq!((refused.status.as_u16(), allowed(&refused)), (401, origin));
    let other = ask(&app, "https://evil.example");
    assert_eq!((other.status.as_u16(), allowed(&other)), (200, ""));
}

#[test]
fn pages_say_that_they_stay_with_https_if_that_is_how_they_are_reached() {
    let hsts = |setup: Setup| {
        let page = setup.start().client(None).get("/t/acme/portal/sign-in");
        page.header("strict-transport-security").to_owned()
    };
    assert_eq!(hsts(Setup::new()), "");
    assert_eq!(hsts(Setup::new().args(&["--public-url", "https://auth.acme.example"])), "max-age=31536000");
}
