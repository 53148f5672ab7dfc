//! What sidegate makes of what the provider and the browsers that come from it say.

use http::Method;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, Key, Page};
use crate::support::{Answer, Setup};

use super::{Browser, setup, start};

#[test]
fn whoever_is_nobody_here_or_was_not_asked_gets_no_session() {
    let partner = Issuer::with(Key::rsa());
    let more = json!({ "issuers": [partner.settings(json!({ "provider": "partner" }))] });
    let server = setup(&partner, more).start();
    let browser = Browser::new(&server);
    let stranger = browser.sign_in(&partner, "7", json!({}));
    assert_eq!((stranger.status.as_u16(), browser.session()), (403, None), "{stranger:?}");
    let identity = json!({ "kind": "enterprise", "provider": "partner", "subject": "7" });
    let linked = json!({ "userId": "carol", "loginId": "1", "identities": [identity] });
    assert_eq!(server.admin().json(Method::POST, "/t/acme/api/v1/profiling/check", &linked).status, 200);
    assert_eq!(browser.sign_in(&partner, "7", json!({})).status, 303);
    assert_eq!(browser.asks("/reports", &[]).header("x-auth-subject"), "carol");

    let another = Browser::new(&server);
    let to = another.get("/t/acme/account/sign-in");
    let back = partner.sign_in(to.header("location"), "7", json!({}));
    let without = Browser::new(&server);
    assert_eq!(without.get(&back).status, 400, "another browser has asked");
    assert_eq!(without.session(), None);
    let forged = partner.sign_in(to.header("location"), "7", json!({ "nonce": "another" }));
    assert_eq!(another.get(&forged).status, 400);
    let to = another.get("/t/acme/account/sign-in");
    let state = partner.sign_in(to.header("location"), "7", json!({}));
    assert_eq!(another.get(&state.replace("state=", "state=x")).status, 400);
    let to = another.get("/t/acme/account/sign-in");
    let foreign = partner.sign_in(to.header("location"), "7", json!({ "aud": "another" }));
    assert_eq!(another.get(&foreign).status, 400);
    assert_eq!(another.get("/t/acme/account/callback?error=access_denied").status, 400);
    assert_eq!(another.session(), None);
}

#[test]
fn what_a_provider_says_is_taken_as_far_as_it_can_be() {
    let issuer = Issuer::with(Key::rsa());
    let by_email = json!({ "issuers": [issuer.settings(json!({ "primary": true, "userClaim": "email" }))] });
    let server = setup(&issuer, by_email).start();
    let browser = Browser::new(&server);
    let boss = |verified: bool| json!({ "email": "boss@acme.example", "email_verified": verified });
    assert_eq!(browser.sign_in(&issuer, "mallory", boss(false)).status, 403, "whose address it is, nobody knows");
    assert_eq!(browser.session(), None);
    assert_eq!(browser.sign_in(&issuer, "boss", boss(true)).status, 303);

    // Forms that OpenID Connect allows and the tenant's definitions do not: what fits is taken, and nobody is shut out.
    let (issuer, server) = start();
    let odd = json!({ "name": "Bob", "phone_number": "call me", "phone_number_verified": true });
    assert_eq!(Browser::new(&server).sign_in(&issuer, "bob", odd).status, 303);
    let known = &server.admin().get("/t/acme/api/v1/users/bob").json()["profile"];
    assert_eq!((&known["name"], &known["phone"]), (&json!("Bob"), &json!(null)), "{known}");
}

#[test]
fn strangers_do_not_have_the_provider_asked() {
    let issuer = Issuer::with(Key::rsa());
    let server = setup(&issuer, json!({})).args(&["--failures", "3"]).start();
    let asked = || issuer.site.asked("/.well-known/openid-configuration");
    let browsers: Vec<Browser> = (0..5).map(|_| Browser::new(&server)).collect();
    let to: Vec<Answer> = browsers.iter().map(|browser| browser.get("/t/acme/account/sign-in")).collect();
    assert_eq!(asked(), 1, "once for all of them");
    let stranger = server.client(None);
    let made_up = [("cookie", "__Host-sidegate-acme-apps-s=eyJzdGF0ZSI6InMifQ.AAAA")];
    assert_eq!(stranger.send(Method::GET, "/t/acme/account/callback?state=s&code=c", &made_up, "").status, 400);
    assert_eq!(issuer.site.asked("/token"), 0, "that is none of ours");
    // Whoever has begun may come with any code, but not for ever.
    for (browser, to) in browsers.iter().zip(&to) {
        let back = issuer.sign_in(to.header("location"), "alice", json!({ "aud": "another" }));
        assert_eq!(browser.get(&back).status, 400);
    }
    assert_eq!(issuer.site.asked("/token"), 3);
}

#[test]
fn a_provider_that_is_away_is_said_to_be_away() {
    let issuer = Issuer::with(Key::rsa());
    let away = Page { status: "503 Service Unavailable", ..Page::ok("") };
    issuer.site.put("/.well-known/openid-configuration", away);
    let server = setup(&issuer, json!({})).start();
    assert_eq!(Browser::new(&server).get("/t/acme/account/sign-in").status, 502);
    assert!(server.log().contains("an identity provider does not say"), "{}", server.log());
}

#[test]
fn a_provider_may_have_other_keys_than_a_moment_ago() {
    let (mut issuer, server) = start();
    assert_eq!(Browser::new(&server).sign_in(&issuer, "alice", json!({})).status, 303);
    issuer.key = Key::rsa();
    issuer.show(&[issuer.key.jwk(issuer.key_id)]);
    assert_eq!(Browser::new(&server).sign_in(&issuer, "alice", json!({})).status, 303);
}

#[test]
fn a_way_that_would_lead_in_circles_is_not_begun() {
    let issuer = Issuer::with(Key::rsa());
    let said = |more: Value, text: &str| {
        let server = setup(&issuer, more).start();
        let page = Browser::new(&server).get("/t/acme/account/sign-in?returnTo=https%3A%2F%2Fapp.acme.example%2F");
        assert_eq!(page.status, 400);
        assert!(String::from_utf8_lossy(&page.body).contains(text), "{page:?}");
    };
    let app = json!(["https://app.acme.example"]);
    said(json!({ "returnOrigins": app }), "signIn.cookieDomain must name");
    let sign_in = json!({ "issuer": issuer.url(), "clientId": "sidegate", "cookieDomain": "acme.example" });
    said(json!({ "returnOrigins": app, "signIn": sign_in }), "sidegate is not in the domain");
    let plain = setup(&issuer, json!({ "returnOrigins": ["http://auth.acme.example"] }));
    let plain = plain.args(&["--public-url", "https://auth.acme.example"]).start();
    let page = Browser::new(&plain).get("/t/acme/account/sign-in?returnTo=http%3A%2F%2Fauth.acme.example%2F");
    assert!(String::from_utf8_lossy(&page.body).contains("plain http"), "{page:?}");
    let server = Setup::new().start();
    assert_eq!(server.client(None).get("/t/acme/account/sign-in").status, 400, "there is no such sign-in");
}
