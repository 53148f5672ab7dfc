//! Users with access tokens of issuers that a tenant trusts: whose token it is, which keys count, and for how long.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, Key, Page, now, signed, trusting};
use crate::support::{Client, Server, Setup, eventually};

const MINE: &str = "/t/acme/api/v1/abac/my-attributes";

/// Whom the server takes a token for; the status of a refusal.
pub fn whose(server: &Server, token: &str) -> Result<String, u16> {
    let answer = server.client(Some(token)).get(MINE);
    match answer.status.as_u16() {
        200 => Ok(answer.json()["userId"].as_str().unwrap().to_owned()),
        refused => Err(refused),
    }
}

/// Whoever waits for a key asks more often than a server lets an address fail.
fn start(issuers: &[Value]) -> Server {
    Setup::new().policy("acme/tenant.json", &trusting(issuers)).args(&["--failures", "0"]).start()
}

fn link(admin: &Client, user: &str, provider: &str, subject: &str) {
    let identity = json!({ "kind": "enterprise", "provider": provider, "subject": subject });
    let body = json!({ "userId": user, "loginId": format!("login of {user}"), "identities": [identity],
        "returnTo": "https://app.acme.example/" });
    let answer = admin.json(Method::POST, "/t/acme/api/v1/profiling/check", &body);
    assert!(answer.status.is_success(), "{answer:?}");
}

#[test]
fn users_of_a_primary_issuer_are_its_subjects() {
    for key in [Key::rsa(), Key::ec(), Key::ed()] {
        let issuer = Issuer::with(key);
        let server = start(&[issuer.settings(json!({ "primary": true }))]);
        server.admin().set("alice", "plan", json!("pro"));
        let answer = server.client(Some(&issuer.token("alice"))).get(MINE);
        assert_eq!(answer.json(), json!({ "userId": "alice", "attributes": { "plan": "pro" } }));
        assert_eq!(whose(&server, &issuer.token("auth0|64")), Ok("auth0|64".to_owned()));
        // As plain OpenID providers have them: no type, many audiences, times with fractions.
        let more =
            json!({ "aud": ["other", crate::support::issuer::AUDIENCE], "exp": now() as f64 + 60.5, "azp": "app" });
        let header = json!({ "alg": issuer.key.algorithm(), "kid": issuer.key_id });
        let mut claims = issuer.claims("bob");
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let plain = signed(&issuer.key, &header.to_string(), &claims.to_string());
        assert_eq!(whose(&server, &plain), Ok("bob".to_owned()));
        // Its keys were read once for all of them.
        assert_eq!(issuer.site.asked("/jwks"), 1);
    }
}

#[test]
fn a_primary_issuer_may_name_users_by_another_claim() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true, "userClaim": "email" }))]);
    let named = issuer.token_with("1", json!({ "email": "alice@acme.example" }));
    assert_eq!(whose(&server, &named), Ok("alice@acme.example".to_owned()));
    assert_eq!(whose(&server, &issuer.token("1")), Err(401), "it names nobody");
}

#[test]
fn one_subject_of_two_issuers_is_two_users() {
    let (primary, partner) = (Issuer::start(), Issuer::start());
    let trusted = [primary.settings(json!({ "primary": true })), partner.settings(json!({ "provider": "partner" }))];
    let server = start(&trusted);
    let admin = server.admin();
    assert_eq!(whose(&server, &primary.token("7")), Ok("7".to_owned()));
    let answer = server.client(Some(&partner.token("7"))).get(MINE);
    assert_eq!(answer.status, 401, "the partner's 7 is nobody yet");
    assert!(answer.json()["detail"].as_str().unwrap().contains("linked"), "{answer:?}");
    link(&admin, "carol", "partner", "7");
    assert_eq!(whose(&server, &partner.token("7")), Ok("carol".to_owned()));
    assert_eq!(whose(&server, &primary.token("7")), Ok("7".to_owned()));
}

#[test]
fn a_link_that_ends_ends_what_is_known_by_it() {
    let partner = Issuer::start();
    let server = start(&[partner.settings(json!({}))]);
    let admin = server.admin();
    link(&admin, "carol", &partner.url(), "7");
    // One connection, which has its caller at hand.
    let client = server.client(Some(&partner.token("7")));
    assert_eq!(client.get(MINE).json()["userId"], "carol");
    assert_eq!(admin.delete("/t/acme/api/v1/users/carol").status, 204);
    assert_eq!(client.get(MINE).status, 401);
    link(&admin, "dave", &partner.url(), "7");
    assert_eq!(client.get(MINE).json()["userId"], "dave");
}

#[test]
fn a_client_with_a_token_for_itself_is_no_user() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    for claims in [json!({ "client_id": "app-7" }), json!({ "azp": "app-7" }), json!({ "gty": "client-credentials" })] {
        assert_eq!(whose(&server, &issuer.token_with("app-7", claims)), Err(403));
    }
}

#[test]
fn two_tenants_know_different_people_by_one_token() {
    let issuer = Issuer::start();
    let settings = |more| trusting(&[issuer.settings(more)]);
    let server = Setup::new()
        .policy("acme/tenant.json", &settings(json!({ "primary": true })))
        .policy("other/tenant.json", &settings(json!({ "primary": true, "userClaim": "email" })))
        .policy("third/tenant.json", &trusting(&[]))
        .start();
    let client = server.client(Some(&issuer.token_with("7", json!({ "email": "alice@acme.example" }))));
    let mine = |tenant: &str| client.get(&format!("/t/{tenant}/api/v1/abac/my-attributes"));
    // Over one connection, forth and back.
    for _ in 0..2 {
        assert_eq!(mine("acme").json()["userId"], "7");
        assert_eq!(mine("other").json()["userId"], "alice@acme.example");
        let (third, nowhere) = (mine("third"), mine("nowhere"));
        assert_eq!((third.status.as_u16(), nowhere.status.as_u16()), (401, 401));
        assert_eq!(third.json()["detail"], nowhere.json()["detail"]);
    }
}

#[test]
fn keys_are_read_again_when_they_are_rotated() {
    let mut issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true, "refreshSeconds": 1 }))]);
    let old = issuer.token("alice");
    let client = server.client(Some(&old));
    assert_eq!(client.get(MINE).status, 200);
    // A new key beside the old one.
    let before = std::mem::replace(&mut issuer.key, Key::rsa()).jwk("one");
    issuer.key_id = "two";
    issuer.show(&[before, issuer.key.jwk("two")]);
    eventually("the new key", || whose(&server, &issuer.token("bob")).is_ok());
    assert_eq!(client.get(MINE).status, 200, "the old one counts still");
    // The old one goes: what it has signed ends, though it was known.
    issuer.show(&[issuer.key.jwk("two")]);
    eventually("the end of the old key", || client.get(MINE).status == 401);
    assert_eq!(whose(&server, &issuer.token("bob")), Ok("bob".to_owned()));
}

#[test]
fn an_issuer_that_takes_all_its_keys_away_is_believed() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true, "refreshSeconds": 1 }))]);
    let client = server.client(Some(&issuer.token("alice")));
    assert_eq!(client.get(MINE).status, 200);
    issuer.show(&[]);
    eventually("the end of its keys", || client.get(MINE).status == 401);
}

#[test]
fn made_up_names_of_keys_do_not_make_us_ask_for_each() {
    let mut issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    assert!(whose(&server, &issuer.token("alice")).is_ok());
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        issuer.key_id = name;
        assert_eq!(whose(&server, &issuer.token("alice")), Err(401));
    }
    assert!(issuer.site.asked("/jwks") <= 2, "{}", issuer.site.asked("/jwks"));
}

#[test]
fn an_issuer_that_is_no_longer_trusted_ends_what_is_known_by_it() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    let client = server.client(Some(&issuer.token("alice")));
    assert_eq!(client.get(MINE).status, 200);
    server.write_policy("acme/tenant.json", &trusting(&[]));
    eventually("the end of trust", || client.get(MINE).status == 401);
}

#[test]
fn trust_does_not_wait_for_a_policy_to_be_mended() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    let client = server.client(Some(&issuer.token("alice")));
    assert_eq!(client.get(MINE).status, 200);
    server.write_policy("acme/broken.policy", "allow {");
    eventually("the broken policy", || server.admin().get("/readyz").json()["status"] == "degraded");
    assert_eq!(client.get(MINE).status, 200);
    server.write_policy("acme/tenant.json", &trusting(&[]));
    eventually("the end of trust", || client.get(MINE).status == 401);
}

#[test]
fn a_token_ends_when_it_says_so() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true, "leewaySeconds": 0 }))]);
    let client = server.client(Some(&issuer.token_with("alice", json!({ "exp": now() + 2 }))));
    assert_eq!(client.get(MINE).status, 200);
    std::thread::sleep(Duration::from_secs(3));
    let answer = client.get(MINE);
    assert_eq!((answer.status.as_u16(), &answer.json()["detail"]), (401, &json!("the access token has expired")));
}

#[test]
fn keys_may_stand_in_the_settings_or_behind_oauth_metadata() {
    let inline = Issuer::start();
    let keys =
        json!({ "keys": [inline.key.jwk("one"), { "kty": "oct", "k": "AAAA", "kid": "one" }, { "kty": "new" }] });
    let oauth = Issuer::start();
    let url = oauth.url();
    let none = Page { status: "404 Not Found", ..Page::ok("") };
    oauth.site.put("/.well-known/openid-configuration", none);
    let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks") });
    oauth.site.put("/.well-known/oauth-authorization-server", Page::ok(metadata));
    let server = start(&[
        inline.settings(json!({ "primary": true, "jwks": keys })),
        oauth.settings(json!({ "provider": "oauth" })),
    ]);
    assert_eq!(whose(&server, &inline.token("alice")), Ok("alice".to_owned()));
    assert_eq!(inline.site.asked("/jwks"), 0);
    link(&server.admin(), "bob", "oauth", "7");
    assert_eq!(whose(&server, &oauth.token("7")), Ok("bob".to_owned()));
}

#[test]
fn tokens_that_are_no_jwts_are_asked_about() {
    let issuer = Issuer::start();
    let active = json!({ "active": true, "sub": "alice", "aud": crate::support::issuer::AUDIENCE });
    issuer.site.put("/introspect", Page::ok(active));
    let url = format!("{}/introspect", issuer.url());
    let introspection =
        json!({ "url": url, "clientId": "side gate", "clientSecretEnv": "INTROSPECTION_SECRET", "cacheSeconds": 1 });
    let settings = issuer.settings(json!({ "primary": true, "introspection": introspection }));
    let server =
        Setup::new().policy("acme/tenant.json", &trusting(&[settings])).env("INTROSPECTION_SECRET", "s3cret").start();
    let client = server.client(Some("opaque+token"));
    for _ in 0..3 {
        assert_eq!(client.get(MINE).json()["userId"], "alice");
    }
    assert_eq!(issuer.site.asked("/introspect"), 1, "known for a while");
    assert_eq!(issuer.site.last_body(), "token=opaque%2Btoken");
    issuer.site.put("/introspect", Page::ok(json!({ "active": false })));
    eventually("the end of it", || client.get(MINE).status == 401);
    for (answer, status) in [
        (json!({ "active": "true", "sub": "alice" }), 401),
        (json!({ "active": true, "sub": "alice" }), 401),
        (json!({ "active": true, "sub": "alice", "aud": "another" }), 401),
        (json!({ "active": true, "sub": "alice", "exp": now() - 5 }), 401),
        (json!({ "active": true, "sub": "alice", "exp": "never" }), 401),
        (json!({ "active": true, "sub": "alice", "iss": "https://evil.example" }), 401),
        (json!({ "active": true, "sub": 7 }), 401),
        (json!([]), 503),
    ] {
        issuer.site.put("/introspect", Page::ok(&answer));
        assert_eq!(whose(&server, "another").unwrap_err(), status, "{answer}");
    }
}

#[test]
fn an_issuer_that_is_away_is_said_to_be_away() {
    let issuer = Issuer::start();
    issuer.site.put("/jwks", Page { status: "500 Internal Server Error", ..Page::ok("") });
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    let answer = server.client(Some(&issuer.token("alice"))).get(MINE);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(server.log().contains("answered 500"), "{}", server.log());
    issuer.show(&[issuer.key.jwk("one")]);
    eventually("its keys", || whose(&server, &issuer.token("alice")).is_ok());
    // Once they are known, it need not be there.
    issuer.site.put("/jwks", Page { status: "500 Internal Server Error", ..Page::ok("") });
    assert_eq!(whose(&server, &issuer.token("bob")), Ok("bob".to_owned()));
}

#[test]
fn whoever_is_not_known_is_told_whom_the_tenant_trusts() {
    let issuer = Issuer::start();
    let server = start(&[issuer.settings(json!({ "primary": true }))]);
    let client = server.client(None);
    let challenge = client.get(MINE).header("www-authenticate").to_owned();
    let (_, metadata) = challenge.split_once("resource_metadata=\"").unwrap();
    let path = metadata.trim_end_matches('"').strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned();
    let metadata = client.get(&path).json();
    assert_eq!(metadata["authorization_servers"], json!([issuer.url()]));
    assert_eq!(metadata["resource"], format!("http://{}/t/acme", server.address));
    // The same for the tenant at the root, and for one that there is not.
    let root = client.get("/api/v1/abac/my-attributes");
    assert!(root.header("www-authenticate").ends_with("/.well-known/oauth-protected-resource\""), "{root:?}");
    assert_eq!(
        client.get("/.well-known/oauth-protected-resource").json()["resource"],
        format!("http://{}", server.address)
    );
    let nowhere = client.get("/t/nowhere/api/v1/abac/my-attributes");
    assert_eq!(nowhere.header("www-authenticate"), challenge.replace("acme", "nowhere"));
}

#[test]
fn settings_of_issuers_that_cannot_be_meant_are_refused() {
    let check = |issuers: Value| {
        let setup = Setup::new().policy("acme/tenant.json", &json!({ "issuers": issuers }).to_string());
        let folder = setup.folder().join("policies/acme");
        let mut command = crate::support::sidegate();
        let (output, out, err) = crate::support::run(command.arg("check").arg(folder));
        assert!(!output.status.success(), "{issuers}");
        out + &err
    };
    let good = |more: Value| {
        let mut issuer = json!({ "issuer": "https://id.example", "audiences": ["api"] });
        issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issuer
    };
    for (issuers, word) in [
        (json!([good(json!({ "audiences": [] }))]), "there must be an audience"),
        (json!([good(json!({ "audiences": [""] }))]), "there must be an audience"),
        (json!([good(json!({ "issuer": "id.example" }))]), "no http or https URL"),
        (json!([good(json!({ "jwksUri": "file:///etc/passwd" }))]), "no http or https URL"),
        (json!([good(json!({ "jwks": {}, "jwksUri": "https://id.example/keys" }))]), "leave one of them out"),
        (json!([good(json!({ "userClaim": "email" }))]), "only a primary issuer names users"),
        (json!([good(json!({ "leewaySeconds": 200 }))]), "at most 120"),
        (json!([good(json!({})), good(json!({}))]), "this issuer is there twice"),
        (
            json!([good(json!({ "primary": true })), good(json!({ "primary": true, "issuer": "https://b.example" }))]),
            "another issuer is primary already",
        ),
        (
            json!([good(json!({ "provider": "p" })), good(json!({ "provider": "p", "issuer": "https://b.example" }))]),
            "another issuer has this name",
        ),
        (json!([good(json!({ "audience": "api" }))]), "audience"),
    ] {
        let said = check(issuers.clone());
        assert!(said.contains(word), "{issuers}: {said}");
    }
}
