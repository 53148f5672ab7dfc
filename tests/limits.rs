//! How much may be asked, and by whom; who a client is behind a proxy; what errors lead to.

use http::Method;
use serde_json::{Value, json};

use crate::support::client::question;
use crate::support::{Answer, Server, Setup};

const USERS: &str = "/t/acme/api/v1/users";

fn with_limits(limits: Value, args: &[&str]) -> Server {
    let settings = json!({ "limits": limits }).to_string();
    Setup::new().policy("acme/tenant.json", &settings).args(args).start()
}

/// How many of so many at once are let pass; the others are told when to come again.
fn pass(times: usize, ask: impl Fn() -> Answer) -> usize {
    let passed = |answer: Answer| match answer.status.as_u16() {
        429 => {
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=10).contains(&wait), "{answer:?}");
            false
        }
        _ => true,
    };
    (0..times).filter(|_| passed(ask())).count()
}

#[test]
fn each_token_has_its_own_share_of_the_api() {
    let server = with_limits(json!({ "apiPerSecond": 5 }), &[]);
    let (one, other, admin) = (server.app("admin"), server.app("traits:read"), server.admin());
    let passed = pass(40, || one.get(USERS));
    assert!((5..40).contains(&passed), "{passed}");
    assert_eq!(pass(4, || other.get(USERS)), 4, "another's share");
    assert_eq!(pass(40, || admin.get(USERS)), 40, "those who run the instance are not counted");
    assert_eq!(pass(40, || one.ask("alice", "read", "report")), 40, "nor are decisions, unless somebody says so");
}

#[test]
fn decisions_are_limited_if_somebody_says_so() {
    let server = with_limits(json!({ "decisionsPerSecond": 5, "apiPerSecond": 0 }), &[]);
    let app = server.app("admin");
    let passed = pass(40, || app.ask("alice", "read", "report"));
    assert!((5..40).contains(&passed), "{passed}");
    assert_eq!(pass(40, || app.get(USERS)), 40);
    // AuthZEN has its own form of errors.
    let refused = (0..40).map(|_| app.ask("alice", "read", "report")).find(|answer| answer.status == 429).unwrap();
    assert!(refused.json().as_str().unwrap().contains("ask again in"), "{refused:?}");
    // Limits that are not changed by a reload go on counting.
    server.write_policy("acme/other.policy", "");
}

#[test]
fn addresses_are_those_of_clients_behind_proxies_that_are_trusted() {
    let limits = json!({ "addressPerSecond": 5 });
    let server = with_limits(limits.clone(), &["--trusted-proxies", "127.0.0.1"]);
    let app = server.app("admin");
    let from = |address: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        let body = question("alice", "read", "report").to_string();
        app.send(Method::POST, "/t/acme/access/v1/evaluation", &headers, body)
    };
    assert!(pass(40, || from("198.51.100.1")) < 40);
    assert_eq!(pass(4, || from("198.51.100.2")), 4);
    assert!(pass(40, || from("2001:db8::1")) < 40);
    assert!(pass(4, || from("2001:db8::2")) < 4, "the same network");
    assert!(pass(40, || server.client(None).get("/t/acme/portal/sign-in")) < 40, "pages count, too");
    app.send(
        Method::PUT,
        "/t/acme/api/v1/abac/users/alice/attributes/plan",
        &[("content-type", "application/json"), ("x-forwarded-for", "evil, 198.51.100.7")],
        r#"{"value":"pro"}"#,
    );
    let trail = server.admin().get("/t/acme/api/v1/audit").json();
    assert_eq!(trail["entries"][0]["address"], "198.51.100.7", "{trail}");
    // Whoever is not trusted says what they like.
    let server = with_limits(limits, &[]);
    let app = server.app("admin");
    let asked = std::cell::Cell::new(0);
    let passed = pass(40, || {
        asked.set(asked.get() + 1);
        app.send(Method::GET, USERS, &[("x-forwarded-for", &format!("198.51.100.{}", asked.get()))], "")
    });
    assert!(passed < 40, "{passed}");
}

#[test]
fn whoever_shows_what_does_not_count_must_wait_and_others_need_not() {
    let server = Setup::new().args(&["--failures", "10", "--trusted-proxies", "127.0.0.1"]).start();
    let app = server.app("decide");
    assert_eq!(app.ask("alice", "read", "report").status, 200);
    let guess = |number: usize, from: &str| {
        let token = format!("Bearer sgt_{number}");
        let headers = [("authorization", token.as_str()), ("x-forwarded-for", from)];
        server.client(None).send(Method::GET, USERS, &headers, "").status.as_u16()
    };
    let answers: Vec<u16> = (0..15).map(|number| guess(number, "198.51.100.1")).collect();
    assert_eq!(answers, [vec![401; 10], vec![429; 5]].concat());
    assert_eq!(guess(99, "198.51.100.2"), 401, "somebody else");
    assert_eq!(app.ask("alice", "read", "report").status, 200, "who is known is known");
    // Without a limit, there is none.
    let server = Setup::new().args(&["--failures", "0"]).start();
    let stranger = server.client(Some("sgt_none"));
    assert!((0..300).all(|_| stranger.get(USERS).status == 401));
}

#[test]
fn every_error_leads_to_a_page_that_says_what_it_means() {
    let server = with_limits(json!({ "apiPerSecond": 1 }), &[]);
    let (admin, anybody) = (server.admin(), server.client(None));
    let attribute = "/t/acme/api/v1/abac/users/alice/attributes/plan";
    let json = [("content-type", "application/json")];
    let put = |headers: &[(&str, &str)], body: &str| admin.send(Method::PUT, attribute, headers, body.to_owned());
    let once = server.app("admin");
    let errors = [
        put(&json, "{"),
        anybody.get(USERS),
        server.app("decide").get(USERS),
        admin.get("/t/nowhere/api/v1/users"),
        admin.delete(USERS),
        admin.json(Method::PUT, "/t/acme/api/v1/settings", &json!({})),
        put(&[("content-type", "application/json"), ("if-match", "\"9\"")], r#"{"value":1}"#),
        put(&json, &" ".repeat(1 << 21)),
        put(&[], r#"{"value":1}"#),
        put(&json, r#"{"value":null}"#),
        (0..20).map(|_| once.get(USERS)).find(|answer| answer.status == 429).unwrap(),
    ];
    let statuses: Vec<u16> = errors.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429]);
    for answer in errors {
        let kind = answer.json()["type"].as_str().unwrap().to_owned();
        let path = kind.strip_prefix(&format!("http://{}", server.address)).unwrap_or_else(|| panic!("{kind}"));
        let page = anybody.get(path);
        let text = String::from_utf8_lossy(&page.body).into_owned();
        assert!(page.status == 200 && text.contains(&answer.status.as_u16().to_string()), "{kind}: {text}");
    }
    assert_eq!(anybody.get("/problems/none").status, 404);
}
