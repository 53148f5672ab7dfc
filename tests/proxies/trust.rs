//! Who may ask about whose requests, and who may say whose they are.

use http::Method;
use serde_json::json;

use crate::app_sign_in::Browser;
use crate::support::{Answer, Client, Setup};

use super::app::field;
use super::expect;
use super::scene::{Over, Proxy, SECRET, Scene};

for_each_proxy! { an_identity_proxy_is_believed }

/// The proxy shows the secret, and hands on whom the identity proxy before it names; apps get nothing of either's.
fn an_identity_proxy_is_believed(proxy: Proxy) {
    let scene = Scene::start(proxy, Over::IdentityProxy);
    let token = scene.token("bob");
    let (_, seen) = expect(&scene, "/reports/7", &[("Remote-User", "alice")], 200);
    assert_eq!(field(&seen, "x-auth-subject"), Some("alice"), "{seen}");
    assert!(!seen.contains(SECRET), "{proxy:?}: {seen}");
    expect(&scene, "/reports/7", &[("Remote-User", "bob")], 403);
    expect(&scene, "/reports/7", &[], 401);
    let refused = if proxy == Proxy::Nginx { 403 } else { 400 };
    expect(&scene, "/reports/7", &[("Remote-User", "alice"), ("Authorization", &token)], refused);
    expect(&scene, "/reports/7", &[("Remote-User", "alice"), ("Remote-User", "alice")], refused);
    // What a client says of the secret changes nothing; what looks like the field to others does not come through.
    for lie in [("X-Sidegate-Secret", "made-up"), ("X-Sidegate-Secret", SECRET), ("Remote_User", "root")] {
        let (status, head, _) = scene.get("/reports/7", &[("Remote-User", "alice"), lie]);
        for seen in scene.app.seen() {
            assert_eq!(field(&seen, "x-auth-subject"), Some("alice"), "{seen}");
            assert!(!seen.contains("root"), "{proxy:?}: {seen}");
        }
        assert!(matches!(status, 200 | 400 | 403), "{proxy:?} {lie:?}: {head}");
        let (status, ..) = scene.get("/reports/7", &[lie]);
        assert!(status != 200 && scene.app.seen().is_empty(), "{proxy:?} {lie:?}: {status}");
    }
}

const POLICY: &str = r#"
route GET "/page" => "read" on "page"
allow everybody { action "read" resource "page" }
"#;

/// A server whose proxies show a secret, and may name the user in `Remote-User`.
fn setup() -> Setup {
    let settings = json!({ "proxies": { "identityHeader": "remote-user" } });
    Setup::new()
        .policy("acme/acme.policy", POLICY)
        .policy("acme/tenant.json", &settings.to_string())
        .env("SIDEGATE_PROXY_SECRET", SECRET)
}

fn ask(client: &Client, path: &str, host: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", host),
        ("x-forwarded-uri", "/page"),
    ];
    client.send(Method::GET, path, &[&fields[..], more].concat(), "")
}

#[test]
fn with_a_secret_it_is_the_secret_that_counts() {
    let server = setup().start();
    let stranger = server.client(None);
    let asked = |more: &[(&str, &str)]| ask(&stranger, "/t/acme/authz/forward-auth", "app.acme.example", more);
    assert_eq!(asked(&[("x-sidegate-secret", SECRET)]).status, 200);
    for refused in [
        &[][..],
        &[("x-sidegate-secret", "")],
        &[("x-sidegate-secret", &SECRET[1..])],
        &[("x-sidegate-secret", &*SECRET.to_uppercase())],
        // One of them may be a client's.
        &[("x-sidegate-secret", SECRET), ("x-sidegate-secret", "another")],
        &[("x-sidegate-secret", SECRET), ("x-sidegate-secret", SECRET)],
    ] {
        assert_eq!(asked(refused).status, 403, "{refused:?}");
    }
    let original = [("x-original-method", "GET"), ("x-original-url", "https://app.acme.example/page")];
    assert_eq!(stranger.send(Method::GET, "/t/acme/authz/auth-request", &original, "").status, 403);
    let itself = [("x-forwarded-proto", "https")];
    assert_eq!(stranger.send(Method::GET, "/t/acme/authz/ext-authz/page", &itself, "").status, 403);
}

#[test]
fn whom_an_identity_proxy_names_counts_once_and_with_the_secret_alone() {
    let server = setup().start();
    let stranger = server.client(None);
    let asked = |more: &[(&str, &str)]| {
        let more = [&[("x-sidegate-secret", SECRET)][..], more].concat();
        ask(&stranger, "/t/acme/authz/forward-auth", "app.acme.example", &more)
    };
    let subject = |more: &[(&str, &str)]| {
        let answer = asked(more);
        assert_eq!(answer.status, 200, "{more:?}: {answer:?}");
        answer.header("x-auth-subject").to_owned()
    };
    assert_eq!(subject(&[("remote-user", "alice")]), "alice");
    assert_eq!(subject(&[]), "");
    assert_eq!(subject(&[("remote-user", "")]), "");
    let token = |user: &str| format!("Bearer {}", server.token(&["token", "--tenant", "acme", "--user", user]));
    assert_eq!(subject(&[("remote-user", "alice"), ("authorization", &token("alice"))]), "alice");
    for unclear in [
        &[("remote-user", "alice"), ("remote-user", "alice")][..],
        &[("remote-user", "alice"), ("remote_user", "bob")],
        &[("remote_user", "alice")],
        &[("remote-user", &*"a".repeat(300))],
        &[("remote-user", "alice"), ("authorization", &*token("bob"))],
    ] {
        assert_eq!(asked(unclear).status, 400, "{unclear:?}");
    }

    // Without the secret, the settings alone make nobody anybody.
    let settings = json!({ "proxies": { "identityHeader": "remote-user" } }).to_string();
    let open = Setup::new().policy("acme/acme.policy", POLICY).policy("acme/tenant.json", &settings).start();
    let answer = ask(&open.client(None), "/t/acme/authz/forward-auth", "a.example", &[("remote-user", "alice")]);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().contains("SIDEGATE_PROXY_SECRET"), "{answer:?}");
    // Nor does a field that the settings do not name.
    let plain = Setup::new().policy("acme/acme.policy", POLICY).start();
    let answer = ask(&plain.client(None), "/t/acme/authz/forward-auth", "a.example", &[("remote-user", "alice")]);
    assert_eq!((answer.status.as_u16(), answer.header("x-auth-subject")), (200, ""));
}

#[test]
fn at_the_root_the_tenant_is_that_of_the_host() {
    let globex = POLICY.replace("/page", "/elsewhere");
    let hosts = "App.acme.example=acme, app.globex.example=globex";
    let both = || Setup::new().policy("acme/acme.policy", POLICY).policy("globex/globex.policy", &globex);
    let server = both().args(&["--hosts", hosts, "--default-tenant", "acme"]).start();
    let client = server.client(None);
    let status = |path: &str, host: &str| ask(&client, path, host, &[]).status.as_u16();
    assert_eq!(status("/authz/forward-auth", "app.acme.example"), 200);
    assert_eq!(status("/authz/forward-auth", "APP.ACME.EXAMPLE:443"), 200);
    assert_eq!(status("/authz/forward-auth", "app.globex.example"), 401, "globex has no such route");
    assert_eq!(status("/authz/forward-auth", "app.other.example"), 404, "not even for the default tenant");
    assert_eq!(status("/authz/forward-auth", "app.acme.example, app.globex.example"), 404);
    assert_eq!(status("/t/globex/authz/forward-auth", "app.acme.example"), 401, "the path says who decides");
    let tenant = ask(&client, "/authz/forward-auth", "app.acme.example", &[]);
    assert_eq!(tenant.header("x-auth-tenant"), "acme");
    // Without a map, it is the default tenant's.
    let server = both().args(&["--default-tenant", "globex"]).start();
    assert_eq!(ask(&server.client(None), "/authz/forward-auth", "app.acme.example", &[]).status, 401);
}

/// Whoever has signed in at sidegate passes by a cookie, which is none of the app's business.
pub fn a_session_passes(scene: &Scene) {
    let browser = Browser::new(&scene.server);
    browser.sign_in(&scene.issuer, "alice", json!({}));
    let session = browser.session().unwrap();
    let ours = format!("__Host-sidegate-acme-session={session}");
    // Others may set cookies that look like it, and there are those of sign-ins under way.
    let more = "__Host-sidegate-z-session=z; __Secure-sidegate-acme-apps-0123456789ab=k";
    let many = (0..20).map(|n| format!("__Host-sidegate-t{n}-session=z")).collect::<Vec<_>>().join("; ");
    for cookie in [
        ours.clone(),
        format!("{ours}; b=2"),
        format!("a=1; {ours}"),
        format!("a=1; {ours}; b=2"),
        format!("{more}; a=1; {ours}"),
        format!("{ours}; a=1; {more}; b=2"),
        format!("{many}; {ours}"),
    ] {
        let (_, seen) = expect(scene, "/reports/7", &[("Cookie", &cookie)], 200);
        assert_eq!(field(&seen, "x-auth-subject"), Some("alice"), "{seen}");
        let theirs = field(&seen, "cookie").unwrap_or_default();
        for kept in ["a=1", "b=2"] {
            assert_eq!(theirs.contains(kept), cookie.contains(kept), "{:?} {cookie}: {seen}", scene.proxy);
        }
        assert!(!theirs.contains("sidegate") && !theirs.starts_with(';'), "{:?} {cookie}: {seen}", scene.proxy);
    }
    expect(scene, "/reports/7", &[("Cookie", "a=1; b=2")], 401);
    let (_, seen) = expect(scene, "/public/a", &[("Cookie", "a=1; b=\"2\"")], 200);
    assert_eq!(field(&seen, "cookie"), Some("a=1; b=\"2\""), "{seen}");
    let (_, seen) = expect(scene, "/public/a", &[], 200);
    assert_eq!(field(&seen, "cookie").unwrap_or_default(), "", "{seen}");
}
