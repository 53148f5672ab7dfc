//! Where keys of issuers come from: servers that do not do as they should, or are where nobody may look.

use serde_json::json;

use crate::issuers::whose;
use crate::support::Setup;
use crate::support::issuer::{Issuer, Key, Page, trusting};

#[test]
fn keys_are_read_within_bounds_and_where_they_may_be() {
    let issuer = Issuer::start();
    let site = issuer.site.clone();
    let elsewhere = Issuer::with(Key::ec());
    elsewhere.show(&[issuer.key.jwk("one")]);
    let good = json!({ "keys": [issuer.key.jwk("one")] }).to_string();
    let moved = format!("Location: {}/jwks\r\n", elsewhere.url());
    let slow = std::time::Duration::from_secs(8);
    site.put("/redirecting", Page { status: "302 Found", headers: moved, ..Page::ok(&good) });
    site.put("/huge", Page::ok(good.clone() + &" ".repeat(2 << 20)));
    site.put("/many", Page::ok(json!({ "keys": vec![issuer.key.jwk("one"); 101] })));
    site.put("/html", Page::ok("<html>"));
    site.put("/slow", Page { delay: slow, ..Page::ok(&good) });
    for path in ["/redirecting", "/huge", "/many", "/html", "/slow"] {
        let uri = format!("{}{path}", issuer.url());
        let settings = issuer.settings(json!({ "primary": true, "jwksUri": uri }));
        let server = Setup::new().policy("acme/tenant.json", &trusting(&[settings])).start();
        let started = std::time::Instant::now();
        assert_eq!(whose(&server, &issuer.token("alice")), Err(503), "{path}");
        assert!(started.elapsed() < slow, "{path}");
    }
    assert_eq!(elsewhere.site.asked("/jwks"), 0, "no redirect was followed");
    // The metadata of another issuer.
    site.put(
        "/.well-known/openid-configuration",
        Page::ok(json!({ "issuer": elsewhere.url(), "jwks_uri": format!("{}/jwks", issuer.url()) })),
    );
    let settings = issuer.settings(json!({ "primary": true }));
    let server = Setup::new().policy("acme/tenant.json", &trusting(&[settings])).start();
    assert_eq!(whose(&server, &issuer.token("alice")), Err(503));
    assert!(server.log().contains("is not of this issuer"), "{}", server.log());
}

#[test]
fn issuers_are_not_asked_in_networks_that_nobody_named() {
    let issuer = Issuer::start();
    let port = issuer.url().rsplit(':').next().unwrap().to_owned();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ];
    for host in hosts {
        let settings = issuer.settings(json!({ "primary": true, "jwksUri": format!("http://{host}:{port}/jwks") }));
        let setup = Setup::new()
            .policy("acme/tenant.json", &trusting(&[settings]))
            .args(&["--issuer-networks", "192.0.2.0/24"]);
        let server = setup.start();
        assert_eq!(whose(&server, &issuer.token("alice")), Err(503), "{host}");
        assert!(server.log().contains("--issuer-networks"), "{host}: {}", server.log());
    }
    assert_eq!(issuer.site.asked("/jwks"), 0);
}
