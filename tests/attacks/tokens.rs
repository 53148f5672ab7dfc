//! Access tokens that were made up or changed, or belong to somebody else (RFC 8725; OWASP ASVS, chapter on tokens).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use http::Method;
use serde_json::{Value, json};

use crate::issuers::whose;
use crate::support::issuer::{Issuer, Key, Page, now, signed, trusting, unsigned};
use crate::support::{Server, Setup};

/// Two issuers, of which acme trusts the first and the other tenant the second.
struct Scene {
    server: Server,
    issuer: Issuer,
    foreign: Issuer,
}

impl Scene {
    fn with(key: Key) -> Self {
        let (issuer, mut foreign) = (Issuer::with(key), Issuer::start());
        foreign.key_id = "foreign";
        foreign.show(&[foreign.key.jwk("foreign")]);
        let primary = json!({ "primary": true });
        let server = Setup::new()
            .policy("acme/tenant.json", &trusting(&[issuer.settings(primary.clone())]))
            .policy("other/tenant.json", &trusting(&[foreign.settings(primary)]))
            .start();
        let scene = Self { server, issuer, foreign };
        assert_eq!(whose(&scene.server, &scene.issuer.token("alice")), Ok("alice".to_owned()), "a good one is good");
        scene
    }

    /// Whether a token is refused as one that does not count, and nothing else.
    fn refuses(&self, what: &str, token: &str) {
        assert_eq!(whose(&self.server, token), Err(401), "{what}");
    }

    /// With another header, signed with the right key.
    fn refuses_header(&self, what: &str, more: Value) {
        let mut header = self.issuer.header();
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let claims = self.issuer.claims("alice").to_string();
        self.refuses(what, &signed(&self.issuer.key, &header.to_string(), &claims));
    }

    /// With other claims, signed with the right key; null leaves one out.
    fn refuses_claims(&self, what: &str, more: Value) {
        self.refuses(what, &self.issuer.token_with("alice", more));
    }
}

/// A token signed with a secret.
fn with_secret(secret: &[u8], header: &Value, claims: &Value) -> String {
    let message = unsigned(&header.to_string(), &claims.to_string());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64.encode(tag.as_ref()))
}

#[test]
fn no_signature_in_any_spelling() {
    let scene = Scene::with(Key::ec());
    let claims = scene.issuer.claims("alice").to_string();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "null", "ES256 ", "es256", "HS256"] {
        let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": "one" }).to_string();
        let message = unsigned(&header, &claims);
        for signature in ["", "AA", "e30"] {
            scene.refuses(algorithm, &format!("{message}.{signature}"));
        }
        scene.refuses(algorithm, &message);
        scene.refuses(algorithm, &signed(&scene.issuer.key, &header, &claims));
    }
    for algorithm in [json!(null), json!(1), json!(["ES256"]), json!({ "ES256": 1 }), json!(true)] {
        scene.refuses_header("an algorithm of another type", json!({ "alg": algorithm }));
    }
}

#[test]
fn a_public_key_is_no_secret() {
    for key in [Key::rsa(), Key::ec()] {
        let scene = Scene::with(key);
        let jwk = scene.issuer.key.jwk("one");
        let modulus = jwk["n"].as_str().or(jwk["x"].as_str()).unwrap();
        let secrets = [jwk.to_string().into_bytes(), modulus.into(), BASE64.decode(modulus).unwrap(), Vec::new()];
        for secret in secrets {
            for algorithm in ["HS256", scene.issuer.key.algorithm()] {
                let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": "one" });
                scene
                    .refuses("a public key as a secret", &with_secret(&secret, &header, &scene.issuer.claims("alice")));
            }
        }
    }
}

#[test]
fn a_key_is_good_for_its_own_algorithm_only() {
    let scene = Scene::with(Key::rsa());
    for algorithm in ["PS256", "RS384", "RS512", "ES256", "EdDSA", "ES512", "RS257"] {
        scene.refuses_header("another algorithm than the one that signed", json!({ "alg": algorithm }));
    }
    // The issuer has said which one it uses.
    let mut jwk = scene.issuer.key.jwk("one");
    for (member, value) in [("alg", json!("PS256")), ("use", json!("enc")), ("key_ops", json!(["sign"]))] {
        jwk[member] = value;
        let settings = scene.issuer.settings(json!({ "primary": true, "jwks": { "keys": [jwk.clone()] } }));
        let server = Setup::new().policy("acme/tenant.json", &trusting(&[settings])).start();
        assert!(whose(&server, &scene.issuer.token("alice")).is_err(), "{member}");
        jwk.as_object_mut().unwrap().remove(member);
    }
}

#[test]
fn a_name_of_a_key_is_a_name() {
    let scene = Scene::with(Key::ec());
    let names = [
        "../../../../dev/null",
        "/dev/null",
        "/etc/passwd",
        "' OR '1'='1",
        "one' UNION SELECT 'AA",
        "one; DROP TABLE tokens",
        "ONE",
        "one\0",
        " one",
        "http://127.0.0.1/jwks",
        "",
    ];
    for name in names {
        scene.refuses_header(name, json!({ "kid": name }));
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": name });
        for secret in [&b""[..], b"AA", b"\0"] {
            scene.refuses(name, &with_secret(secret, &header, &scene.issuer.claims("alice")));
        }
    }
    for name in [json!(1), json!(["one"]), json!({}), json!(true)] {
        scene.refuses_header("a name of another type", json!({ "kid": name }));
    }
    // A key of somebody whom another tenant trusts, under its name and under ours.
    let Scene { issuer, foreign, .. } = &scene;
    for (name, claims) in [
        ("foreign", issuer.claims("alice")),
        ("one", issuer.claims("alice")),
        ("foreign", foreign.claims("alice")),
        ("one", foreign.claims("alice")),
    ] {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": name });
        scene.refuses(name, &signed(&foreign.key, &header.to_string(), &claims.to_string()));
    }
}

#[test]
fn keys_that_a_token_brings_along_are_not_taken() {
    let scene = Scene::with(Key::rsa());
    let (mine, site) = (Key::rsa(), &scene.foreign.site);
    site.put("/mine", Page::ok(json!({ "keys": [mine.jwk("one")] })));
    let url = format!("{}/mine", site.url());
    for brought in [
        json!({ "jwk": mine.jwk("one") }),
        json!({ "jku": url }),
        json!({ "x5u": url }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "jwk": mine.jwk("mine"), "kid": "mine" }),
        json!({ "jku": url, "kid": "mine" }),
    ] {
        let mut header = scene.issuer.header();
        header.as_object_mut().unwrap().extend(brought.as_object().unwrap().clone());
        scene.refuses(
            &brought.to_string(),
            &signed(&mine, &header.to_string(), &scene.issuer.claims("alice").to_string()),
        );
    }
    assert_eq!(site.asked("/mine"), 0, "nobody went there");
}

#[test]
fn extensions_that_must_be_understood_are_not_passed_over() {
    let scene = Scene::with(Key::ec());
    for extension in [
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "crit": [] }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "enc": "A256GCM" }),
        json!({ "zip": "DEF" }),
    ] {
        scene.refuses_header(&extension.to_string(), extension.clone());
    }
    // A token that was encrypted, one in another, and one in the other form of JWS.
    scene.refuses("a JWE", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA");
    let good = scene.issuer.token("alice");
    let nested = json!({ "alg": "ES256", "cty": "JWT", "typ": "at+jwt", "kid": "one" }).to_string();
    scene.refuses("a nested token", &signed(&scene.issuer.key, &nested, &good));
    let parts: Vec<&str> = good.split('.').collect();
    let json = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string();
    scene.refuses("a JWS in JSON", &json);
    scene.refuses("a JWS in JSON", &BASE64.encode(json));
}

#[test]
fn signatures_that_fit_anything_do_not_fit() {
    let scene = Scene::with(Key::ec());
    let message = unsigned(&scene.issuer.header().to_string(), &scene.issuer.claims("alice").to_string());
    // r and s of nothing ("psychic signatures", CVE-2022-21449), of the order of the group, and of one.
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut one = vec![0; 31];
    one.push(1);
    for signature in [
        vec![0; 64],
        [order.clone(), order].concat(),
        [one.clone(), one].concat(),
        vec![0xff; 64],
        vec![0; 63],
        vec![0; 65],
        // An empty sequence, as ASN.1 has it.
        vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
    ] {
        scene.refuses("a signature that fits anything", &format!("{message}.{}", BASE64.encode(&signature)));
    }
    // A good one, changed in a single bit, in each part; and with something behind it.
    let good = scene.issuer.token("alice");
    let parts: Vec<Vec<u8>> = good.split('.').map(|part| BASE64.decode(part).unwrap()).collect();
    for changed in 0..3 {
        let mut parts = parts.clone();
        let last = parts[changed].len() - 2;
        parts[changed][last] ^= 1;
        let token = parts.iter().map(|part| BASE64.encode(part)).collect::<Vec<_>>().join(".");
        scene.refuses("a single bit", &token);
    }
    for around in [format!("{good}."), format!("{good}.AA"), format!("{good}="), format!("{good}A"), format!(".{good}")]
    {
        scene.refuses("something around it", &around);
    }
}

#[test]
fn what_is_no_access_token_is_not_taken_for_one() {
    let scene = Scene::with(Key::ec());
    for kind in ["id_token+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", "application/json", ""] {
        scene.refuses_header(kind, json!({ "typ": kind }));
    }
    for kind in [json!(1), json!(["at+jwt"]), json!({})] {
        scene.refuses_header("a type of another type", json!({ "typ": kind }));
    }
    for claims in [json!({ "nonce": "n" }), json!({ "at_hash": "h" }), json!({ "events": {} })] {
        scene.refuses_claims("an id token, a logout token", claims);
    }
}

#[test]
fn times_are_numbers_that_somebody_can_mean() {
    let scene = Scene::with(Key::ec());
    let past = now() - 60;
    for exp in [
        json!(null),
        json!(past),
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(-0.5),
        json!("9999999999"),
        json!(["9999999999"]),
        json!(true),
        json!({}),
    ] {
        scene.refuses_claims("an end that is none", json!({ "exp": exp }));
    }
    for nbf in [json!(now() + 3600), json!("0"), json!(-1), json!(1e300), json!([])] {
        scene.refuses_claims("a beginning that is none, or to come", json!({ "nbf": nbf }));
    }
    scene.refuses_claims("a time of issue that is none", json!({ "iat": "yesterday" }));
}

#[test]
fn only_tokens_for_us_count() {
    let scene = Scene::with(Key::ec());
    let own = crate::support::issuer::AUDIENCE;
    let near = [
        format!("{own}/"),
        format!(" {own}"),
        own.to_uppercase(),
        own[..own.len() - 1].to_owned(),
        format!("{own}.evil"),
    ];
    for audience in near {
        scene.refuses_claims(&audience, json!({ "aud": audience }));
        scene.refuses_claims(&audience, json!({ "aud": [audience] }));
    }
    for audience in
        [json!(null), json!([]), json!(["another"]), json!(1), json!([own, 1]), json!({ own: true }), json!("")]
    {
        scene.refuses_claims("an audience without us", json!({ "aud": audience }));
    }
    let url = scene.issuer.url();
    let near = [
        format!("{url}/"),
        format!(" {url}"),
        url.to_uppercase(),
        format!("{url}#"),
        url.replace("127.0.0.1", "localhost"),
    ];
    for issuer in near {
        scene.refuses_claims(&issuer, json!({ "iss": issuer }));
    }
    for issuer in [json!(null), json!([url]), json!({ "url": url }), json!(1)] {
        scene.refuses_claims("an issuer of another type", json!({ "iss": issuer }));
    }
    for subject in [json!(null), json!(""), json!(7), json!(["alice"]), json!("a\nb"), json!("x".repeat(256))] {
        scene.refuses_claims("a subject that is nobody", json!({ "sub": subject }));
    }
}

#[test]
fn what_two_readers_could_read_differently_is_not_read() {
    let scene = Scene::with(Key::ec());
    let (header, claims) = (scene.issuer.header().to_string(), scene.issuer.claims("alice").to_string());
    let key = &scene.issuer.key;
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for member in [r#""sub":"bob""#, r#""s\u0075b":"bob""#, r#""exp":9999999999"#, r#""aud":"another""#, r#""jti":"2""#]
    {
        scene.refuses(member, &signed(key, &header, &twice(&claims, member)));
    }
    for member in [r#""alg":"none""#, r#""\u0061lg":"none""#, r#""kid":"two""#, r#""typ":"JWT""#] {
        scene.refuses(member, &signed(key, &twice(&header, member), &claims));
    }
    for claims in ["", "null", "[]", "\"sub\"", "{", &format!("{claims} {{}}"), &format!("\u{feff}{claims}")] {
        scene.refuses(claims, &signed(key, &header, claims));
    }
    // Other alphabets of base64, padding, and blanks.
    let good = scene.issuer.token("alice");
    let claims = good.split('.').nth(1).unwrap();
    for other in
        [format!("{claims}=="), claims.replacen('e', "%65", 1), format!("{claims}+"), format!("{claims}\u{200b}")]
    {
        let token = good.replace(claims, &other);
        if let Ok(value) = http::HeaderValue::from_str(&token) {
            let answer = scene.server.client(None).send(
                Method::GET,
                "/t/acme/api/v1/abac/my-attributes",
                &[("authorization", &format!("Bearer {}", String::from_utf8_lossy(value.as_bytes())))],
                "",
            );
            assert_eq!(answer.status, 401, "{other}");
        }
    }
}

#[test]
fn tokens_are_bounded() {
    let scene = Scene::with(Key::ec());
    let depth = 10_000;
    let deep = format!("{}{}", "[".repeat(depth / 4), "]".repeat(depth / 4));
    let claims = scene.issuer.claims("alice").to_string().replacen('{', &format!("{{\"deep\":{deep},"), 1);
    scene.refuses("deep claims", &signed(&scene.issuer.key, &scene.issuer.header().to_string(), &claims));
    scene.refuses_claims("large claims", json!({ "more": "x".repeat(20_000) }));
    let client = scene.server.client(Some(&"x".repeat(1 << 20)));
    let refused = client.get("/t/acme/api/v1/abac/my-attributes").status.as_u16();
    assert!([400, 401, 431].contains(&refused), "{refused}");
    assert_eq!(whose(&scene.server, &scene.issuer.token("alice")), Ok("alice".to_owned()), "it is still there");
}

#[test]
fn a_token_is_where_it_belongs_and_there_is_one() {
    let scene = Scene::with(Key::ec());
    let (client, good) = (scene.server.client(None), scene.issuer.token("alice"));
    let mine = "/t/acme/api/v1/abac/my-attributes";
    let in_the_query = client.get(&format!("{mine}?access_token={good}"));
    assert_eq!(in_the_query.status, 401);
    assert!(in_the_query.json()["detail"].as_str().unwrap().contains("query"));
    let (bearer, evil) = (format!("Bearer {good}"), "Bearer evil");
    for both in [[bearer.as_str(), evil], [evil, &bearer], [&bearer, &bearer]] {
        let headers = both.map(|value| ("authorization", value));
        let answer = client.send(Method::GET, mine, &headers, "");
        assert_eq!(answer.status, 400, "two credentials");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""));
    }
    for other in [
        format!("Basic {good}"),
        format!("Bearer{good}"),
        format!("DPoP {good}"),
        good.clone(),
        format!("Bearer {good}, {good}"),
    ] {
        assert_eq!(client.send(Method::GET, mine, &[("authorization", &other)], "").status, 401, "{other}");
    }
}
