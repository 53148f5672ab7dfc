//! An issuer of access tokens with real keys, and a server that shows them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

/// What tokens must be for, unless a test says otherwise.
pub const AUDIENCE: &str = "https://api.acme.example";

/// A private key, by the kind of its algorithm.
pub enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "RS256",
            Key::Ec(_) => "ES256",
            Key::Ed(_) => "EdDSA",
        }
    }

    /// Its public half as a JWK (RFC 7517).
    pub fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| BASE64.encode(bytes);
        match self {
            Key::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (text(n.big_endian_without_leading_zero()), text(e.big_endian_without_leading_zero()));
                json!({ "kty": "RSA", "use": "sig", "kid": id, "n": n, "e": e })
            }
            Key::Ec(pair) => {
                // An uncompressed point: 4, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": text(x), "y": text(y) })
            }
            Key::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Key::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// What is before the signature of a token.
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", BASE64.encode(header), BASE64.encode(claims))
}

/// A token with that header and those claims, whatever they are.
pub fn signed(key: &Key, header: &str, claims: &str) -> String {
    let message = unsigned(header, claims);
    format!("{message}.{}", BASE64.encode(key.sign(message.as_bytes())))
}

/// Seconds since 1970.
pub fn now() -> i64 {
    sidegate::service::Clock::system().now().as_second()
}

/// What a server answers at a path.
#[derive(Clone)]
pub struct Page {
    pub status: &'static str,
    pub headers: String,
    pub body: String,
    /// How long it takes.
    pub delay: Duration,
}

impl Page {
    pub fn ok(body: impl ToString) -> Self {
        Self { status: "200 OK", headers: String::new(), body: body.to_string(), delay: Duration::ZERO }
    }
}

#[derive(Default)]
struct Pages {
    pages: HashMap<String, Page>,
    asked: HashMap<String, usize>,
    /// The body of the last request.
    body: String,
}

/// A server with pages that can be changed.
#[derive(Clone)]
pub struct Site {
    address: SocketAddr,
    pages: Arc<Mutex<Pages>>,
}

impl Site {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self { address: listener.local_addr().unwrap(), pages: Arc::default() };
        let serving = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = serving.clone();
                std::thread::spawn(move || site.answer(stream));
            }
        });
        site
    }

    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let header = line.to_ascii_lowercase();
            length = header.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let page = {
            let mut pages = self.pages.lock().unwrap();
            *pages.asked.entry(path.clone()).or_default() += 1;
            pages.body = String::from_utf8(body).unwrap();
            pages.pages.get(&path).cloned()
        };
        let none = Page { status: "404 Not Found", ..Page::ok("") };
        let Page { status, headers, body, delay } = page.unwrap_or(none);
        std::thread::sleep(delay);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).ok()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    /// How often it was asked for a path.
    pub fn asked(&self, path: &str) -> usize {
        self.pages.lock().unwrap().asked.get(path).copied().unwrap_or(0)
    }

    /// The body of the last request.
    pub fn last_body(&self) -> String {
        self.pages.lock().unwrap().body.clone()
    }
}

/// An issuer with one key, which it shows at `/jwks` and names in its metadata.
pub struct Issuer {
    pub site: Site,
    pub key: Key,
    /// The name of its key.
    pub key_id: &'static str,
}

impl Issuer {
    pub fn start() -> Self {
        Self::with(Key::ec())
    }

    pub fn with(key: Key) -> Self {
        let issuer = Self { site: Site::start(), key, key_id: "one" };
        let url = issuer.url();
        let metadata = json!({
            "issuer": url, "jwks_uri": format!("{url}/jwks"),
            "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        });
        issuer.site.put("/.well-known/openid-configuration", Page::ok(metadata));
        issuer.show(&[issuer.key.jwk(issuer.key_id)]);
        issuer
    }

    /// Is an OpenID provider, too, that signs in as a subject whoever comes (OpenID Connect Core 1.0, section 3.1): what a
    /// browser that was sent to `address` comes back with.
    pub fn sign_in(&self, address: &str, subject: &str, more: Value) -> String {
        let query: HashMap<String, String> = url::Url::parse(address).unwrap().query_pairs().into_owned().collect();
        let mut claims = json!({
            "iss": self.url(), "aud": query["client_id"], "sub": subject, "iat": now(), "exp": now() + 600,
            "nonce": query["nonce"],
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let header = json!({ "alg": self.key.algorithm(), "typ": "JWT", "kid": self.key_id });
        let id_token = signed(&self.key, &header.to_string(), &claims.to_string());
        let tokens = json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token });
        self.site.put("/token", Page { headers: "Content-Type: application/json\r\n".to_owned(), ..Page::ok(tokens) });
        let back = url::Url::parse(&query["redirect_uri"]).unwrap();
        format!("{}?state={}&code=one", back.path(), query["state"])
    }

    /// Shows other keys.
    pub fn show(&self, keys: &[Value]) {
        self.site.put("/jwks", Page::ok(json!({ "keys": keys })));
    }

    pub fn url(&self) -> String {
        self.site.url()
    }

    /// How a tenant trusts it, with whatever else is said.
    pub fn settings(&self, more: Value) -> Value {
        let mut settings = json!({ "issuer": self.url(), "audiences": [AUDIENCE] });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.key.algorithm(), "typ": "at+jwt", "kid": self.key_id })
    }

    /// The claims of a good token (RFC 9068, section 2.2).
    pub fn claims(&self, subject: &str) -> Value {
        json!({
            "iss": self.url(), "aud": AUDIENCE, "sub": subject, "client_id": "app", "jti": "1",
            "iat": now(), "exp": now() + 600,
        })
    }

    /// A good token.
    pub fn token(&self, subject: &str) -> String {
        self.token_with(subject, json!({}))
    }

    /// A token that is good but for some claims; null leaves one out.
    pub fn token_with(&self, subject: &str, more: Value) -> String {
        let mut claims = self.claims(subject);
        let claims_object = claims.as_object_mut().unwrap();
        claims_object.extend(more.as_object().unwrap().clone());
        claims_object.retain(|_, value| !value.is_null());
        signed(&self.key, &self.header().to_string(), &claims.to_string())
    }
}

/// The settings of a tenant that trusts these.
pub fn trusting(issuers: &[Value]) -> String {
    json!({ "issuers": issuers }).to_string()
}
