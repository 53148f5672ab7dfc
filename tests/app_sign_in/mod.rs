//! Users who sign in to the apps behind proxies at sidegate itself.

mod providers;

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::complete_profile::Page;
use crate::support::issuer::{Issuer, Key};
use crate::support::preload::wrong_clock;
use crate::support::{Answer, Client, Server, Setup, eventually};

const POLICY: &str = r#"
route GET "/open" => "read" on "page"
route GET "/reports" => "read" on "report"
allow everybody { action "read" resource "page" }
allow users { action "read" resource "report" when subject.type == "user" }
allow strong { action "GET" resource "http" when token.acr == "strong" }
"#;

const APP: &str = "https://127.0.0.1/reports?a=1";

pub fn settings(issuer: &Issuer, more: Value) -> Value {
    let mut settings = json!({
        "issuers": [issuer.settings(json!({ "primary": true }))],
        "returnOrigins": ["https://127.0.0.1"],
        "signIn": { "issuer": issuer.url(), "clientId": "sidegate" },
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

fn setup(issuer: &Issuer, more: Value) -> Setup {
    let settings = settings(issuer, more);
    Setup::new().policy("acme/acme.policy", POLICY).policy("acme/tenant.json", &settings.to_string())
}

fn start() -> (Issuer, Server) {
    let issuer = Issuer::with(Key::rsa());
    let server = setup(&issuer, json!({})).start();
    (issuer, server)
}

/// A browser of sorts: it keeps cookies.
pub struct Browser {
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    pub fn new(server: &Server) -> Self {
        Self { client: server.client(None), cookies: RefCell::default() }
    }

    fn cookie(&self) -> String {
        let cookies = self.cookies.borrow();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub fn session(&self) -> Option<String> {
        self.cookies.borrow().get("__Host-sidegate-acme-session").cloned()
    }

    fn get(&self, path: &str) -> Answer {
        self.take(self.client.send(Method::GET, path, &[("cookie", &self.cookie())], ""))
    }

    fn take(&self, answer: Answer) -> Answer {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(line.contains("Secure") && line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.borrow_mut().remove(name),
                value => self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// Signs in, up to the answer to the way back from the provider.
    pub fn sign_in(&self, issuer: &Issuer, subject: &str, more: Value) -> Answer {
        let to = self.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded(APP)));
        assert_eq!(to.status, 303, "{to:?}");
        let back = issuer.sign_in(to.header("location"), subject, more);
        self.get(&back)
    }

    /// What a proxy is told of a request of this browser.
    fn asks(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        asks(&self.client, &self.cookie(), path, more)
    }
}

fn asks(client: &Client, cookie: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-forwarded-uri", path),
        ("cookie", cookie),
    ];
    client.send(Method::GET, "/t/acme/authz/forward-auth", &[&fields[..], more].concat(), "")
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn a_browser_signs_in_comes_back_and_signs_out() {
    let (issuer, server) = start();
    let browser = Browser::new(&server);
    // Nobody is signed in: a browser is sent to sign in, a program is told.
    assert_eq!(browser.asks("/reports?a=1", &[]).status, 401);
    let sent = browser.asks("/reports?a=1", &[("sec-fetch-mode", "navigate")]);
    let expected = format!("http://{}/t/acme/account/sign-in?returnTo=", server.address);
    assert!(sent.header("location").starts_with(&expected), "{sent:?}");

    let profile = json!({ "name": "Alice", "email": "alice@acme.example", "email_verified": false, "acr": "strong" });
    let done = browser.sign_in(&issuer, "alice", profile);
    assert_eq!((done.status.as_u16(), done.header("location")), (303, APP), "{done:?}");
    let passed = browser.asks("/reports", &[]);
    assert_eq!((passed.status.as_u16(), passed.header("x-auth-subject")), (200, "alice"));
    assert_eq!(browser.asks("/elsewhere", &[]).status, 200, "policies read the id token");
    let admin = server.admin();
    let known = &admin.get("/t/acme/api/v1/users/alice").json()["profile"];
    assert_eq!((&known["name"], &known["email"]), (&json!("Alice"), &json!(null)), "{known}");
    assert_eq!(admin.get("/t/acme/api/v1/users/alice/logins").json()["logins"].as_array().unwrap().len(), 1);
    // Whoever is signed in goes straight on.
    let again = browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded(APP)));
    assert_eq!(again.header("location"), APP);
    // But not to wherever somebody says.
    let elsewhere = browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded("https://evil.example/")));
    assert_eq!((elsewhere.status.as_u16(), elsewhere.header("location")), (200, ""));

    let kept = browser.cookie();
    let out = |fields: &[(&str, &str)], site: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let fields = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", site),
            ("cookie", &*browser.cookie()),
        ];
        browser.take(browser.client.send(Method::POST, "/t/acme/account/sign-out", &fields, form.finish()))
    };
    assert_eq!(out(&[("csrf", "made-up")], "same-origin").status, 403);
    let page = String::from_utf8(browser.get("/t/acme/account/sign-out").body.to_vec()).unwrap();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(out(&[("csrf", &csrf)], "cross-site").status, 403);
    assert_eq!(browser.asks("/reports", &[]).status, 200, "others cannot sign anybody out");
    assert_eq!(out(&[("csrf", &csrf)], "same-origin").status, 200);
    assert_eq!(browser.session(), None);
    assert_eq!(asks(&browser.client, &kept, "/reports", &[]).status, 401, "whoever has kept the cookie has nothing");
    assert_eq!(asks(&browser.client, &kept, "/open", &[]).status, 200, "a session that is over is nobody's");
    let trail = admin.get("/t/acme/api/v1/audit?user=alice").json();
    assert!(trail.to_string().contains("user.sign_out"), "{trail}");
}

#[test]
fn only_a_session_of_the_tenant_counts_as_it_was_given() {
    let (issuer, server) = start();
    let browser = Browser::new(&server);
    browser.sign_in(&issuer, "alice", json!({}));
    let session = browser.session().unwrap();
    let (secret, mark) = session.split_once('.').unwrap();
    let nobody = |cookie: &str| {
        let answer = asks(&browser.client, cookie, "/open", &[]);
        assert_eq!((answer.status.as_u16(), answer.header("x-auth-subject")), (200, ""), "{cookie}");
    };
    assert_eq!(asks(&browser.client, &browser.cookie(), "/open", &[]).header("x-auth-subject"), "alice");
    for made_up in [secret, &format!("{secret}."), &format!("{secret}.{}", &mark[1..]), &format!("x{session}"), "."] {
        nobody(&format!("__Host-sidegate-acme-session={made_up}"));
    }
    nobody(&format!("__Host-sidegate-acme-session={session}; __Host-sidegate-acme-session={session}"));
    nobody(&format!("__Secure-sidegate-acme-session={session}"));
    // Another tenant with the same settings.
    let runs = server.admin();
    let globex = json!({ "id": "globex" });
    assert_eq!(runs.json(Method::POST, "/api/v1/tenants", &globex).status, 201);
    let settings = settings(&issuer, json!({}));
    assert!(runs.json(Method::PUT, "/t/globex/api/v1/settings", &settings).status.is_success());
    let fields = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-forwarded-uri", "/open"),
        ("cookie", &*format!("__Host-sidegate-globex-session={session}")),
    ];
    let theirs = browser.client.send(Method::GET, "/t/globex/authz/forward-auth", &fields, "");
    assert_eq!(theirs.status, 401, "{theirs:?}");
    // It is a way through proxies, and none into the API.
    let mine = browser.get("/t/acme/api/v1/abac/my-attributes");
    assert_eq!(mine.status, 401);

    // Two that name two users are no answer.
    let token = |user: &str| format!("Bearer {}", server.token(&["token", "--tenant", "acme", "--user", user]));
    assert_eq!(browser.asks("/reports", &[("authorization", &token("bob"))]).status, 400);
    assert_eq!(browser.asks("/reports", &[("authorization", &token("alice"))]).status, 200);
    // Who is erased is signed out.
    assert!(runs.delete("/t/acme/api/v1/users/alice").status.is_success());
    assert_eq!(browser.asks("/reports", &[]).status, 401);
}

#[test]
fn a_session_ends_everywhere_and_by_itself() {
    let (issuer, server) = start();
    let other = setup(&issuer, json!({})).beside(&server).start();
    let mut late = setup(&issuer, json!({})).beside(&server);
    for (name, value) in wrong_clock(9 * 3600) {
        late = late.env(name, &value);
    }
    let late = late.start();
    let browser = Browser::new(&server);
    browser.sign_in(&issuer, "alice", json!({}));
    let cookie = browser.cookie();
    assert_eq!(asks(&other.client(None), &cookie, "/reports", &[]).status, 200, "another sidecar knows it");
    assert_eq!(asks(&late.client(None), &cookie, "/reports", &[]).status, 401, "eight hours are over");
    let page = String::from_utf8(browser.get("/t/acme/account/sign-out").body.to_vec()).unwrap();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", &*cookie),
    ];
    let form = format!("csrf={}", encoded(&csrf));
    assert_eq!(browser.client.send(Method::POST, "/t/acme/account/sign-out", &fields, form).status, 200);
    let elsewhere = other.client(None);
    eventually("the other sidecar has heard", || asks(&elsewhere, &cookie, "/reports", &[]).status == 401);
}

#[test]
fn what_a_rule_asks_comes_before_the_session_counts() {
    let (issuer, server) = start();
    let admin = server.admin();
    let rules = json!([{ "fields": ["phone"], "condition": "missing", "required": true }]);
    assert_eq!(admin.json(Method::PUT, "/t/acme/api/v1/profiling/rules", &rules).status, 200);
    admin.json(Method::PUT, "/t/acme/api/v1/profiling/settings", &json!({ "enabled": true }));
    let browser = Browser::new(&server);
    let own = format!("http://{}", server.address);
    let asked = browser.sign_in(&issuer, "alice", json!({}));
    let page = asked.header("location").strip_prefix(&own).unwrap().to_owned();
    assert!(page.contains("/account/complete-profile/"), "{asked:?}");
    assert_eq!(browser.asks("/reports", &[]).status, 401, "going round the page leads nowhere");
    let round = browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded(APP)));
    assert!(round.header("location").contains("/account/complete-profile/"), "and signing in again, back to it");
    let form = Page::open(&server, &page);
    let saved = form.post(&[("csrf", form.csrf()), ("f-phone", "+49 30 901820"), ("action", "save")], &[]);
    let on = saved.header("location").strip_prefix(&own).unwrap().to_owned();
    assert!(on.starts_with("/t/acme/account/sign-in?"), "{saved:?}");
    assert_eq!(browser.get(&on).header("location"), APP);
    assert_eq!(browser.asks("/reports", &[]).status, 200);
    assert_eq!(admin.get("/t/acme/api/v1/users/alice/logins").json()["logins"].as_array().unwrap().len(), 1);
}

#[test]
fn a_session_lasts_as_long_as_its_provider_is_trusted_and_an_admin_says() {
    let (issuer, server) = start();
    let browser = Browser::new(&server);
    let known = || browser.asks("/reports", &[]).status == 200;
    browser.sign_in(&issuer, "alice", json!({}));
    assert!(known());
    // Another provider signs users in, and the first is still trusted with access tokens.
    let other = Issuer::with(Key::rsa());
    let both = json!([issuer.settings(json!({ "primary": true })), other.settings(json!({ "provider": "other" }))]);
    let by_other = json!({ "issuers": both, "signIn": { "issuer": other.url(), "clientId": "sidegate" } });
    server.write_policy("acme/tenant.json", &settings(&issuer, by_other).to_string());
    eventually("its sessions are over", || !known());
    let asked = browser.get("/t/acme/account/sign-in");
    assert!(asked.header("location").starts_with(&other.url()), "{asked:?}");
    server.write_policy("acme/tenant.json", &settings(&issuer, json!({})).to_string());
    eventually("and count again", known);

    let admin = server.admin();
    let sessions = "/t/acme/api/v1/users/alice/sessions";
    assert_eq!(admin.delete(sessions).status, 204);
    assert!(!known());
    assert_eq!(admin.delete(sessions).status, 204, "there is none any more");
    assert_eq!(admin.delete("/t/acme/api/v1/users/nobody/sessions").status, 404);
    let trail = admin.get("/t/acme/api/v1/audit?user=alice&action=user.sign_out").json();
    assert_eq!(trail["entries"].as_array().unwrap().len(), 1, "{trail}");
}

#[test]
fn tabs_long_addresses_and_cookies_of_others_do_not_get_in_the_way() {
    let (issuer, server) = start();
    let browser = Browser::new(&server);
    let begin = || browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded(APP)));
    let (first, second) = (begin(), begin());
    let back = issuer.sign_in(first.header("location"), "alice", json!({}));
    assert_eq!(browser.get(&back).header("location"), APP);
    let back = issuer.sign_in(second.header("location"), "alice", json!({}));
    assert_eq!(browser.get(&back).header("location"), APP, "the other tab has come back before");
    let again = browser.get(&back);
    assert_eq!(again.header("location"), "/t/acme/account/sign-in", "whoever is signed in goes on: {again:?}");

    let long = format!("https://127.0.0.1/search?q={}", "x".repeat(5000));
    let browser = Browser::new(&server);
    let to = browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded(&long)));
    assert!(to.header("set-cookie").len() < 4096, "browsers keep no more");
    let back = issuer.sign_in(to.header("location"), "alice", json!({}));
    assert_eq!(browser.get(&back).header("location"), "https://127.0.0.1/");

    for _ in 0..20 {
        browser.get(&format!("/t/acme/account/sign-in?returnTo={}", encoded("https://127.0.0.1/new")));
        browser.cookies.borrow_mut().remove("__Host-sidegate-acme-session");
        assert!(browser.cookie().len() < 5000, "those that nobody comes back from do not pile up");
    }

    let twice = "__Host-sidegate-acme-session=a; __Host-sidegate-acme-session=b";
    let page = browser.client.send(Method::GET, "/t/acme/account/sign-in", &[("cookie", twice)], "");
    assert_eq!(page.status, 400, "the provider would send the browser back to where it is again");
}
