//! A client that keeps its connection.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Speaks to one server with one token.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    pool: Pool<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    token: Option<String>,
}

impl Client {
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self::build(address, token, false)
    }

    /// Speaks HTTP/2 from the first byte.
    pub fn http2(address: SocketAddr, token: Option<&str>) -> Self {
        Self::build(address, token, true)
    }

    fn build(address: SocketAddr, token: Option<&str>, http2: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pool = Pool::builder(TokioExecutor::new()).http2_only(http2).build(HttpConnector::new());
        Self { runtime, pool, address, token: token.map(str::to_owned) }
    }

    pub fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        #[cfg(test)]
        let asked = method.clone();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = self.runtime.block_on(async {
            let response = self.pool.request(request).await.expect("an answer");
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            Answer { status: head.status, headers: head.headers, body }
        });
        #[cfg(test)]
        super::contract::check(&asked, path, &answer);
        answer
    }

    /// The token that it shows.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "")
    }

    pub fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string())
    }

    /// Sets a trait of a user of acme, and insists that it was set.
    pub fn set(&self, user: &str, slug: &str, value: Value) {
        let path = format!("/t/acme/api/v1/abac/users/{user}/attributes/{slug}");
        let answer = self.json(Method::PUT, &path, &json!({ "value": value }));
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// Asks whether a user of acme may.
    pub fn may(&self, user: &str, action: &str, resource: &str) -> bool {
        let answer = self.ask(user, action, resource);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["decision"].as_bool().unwrap()
    }

    pub fn ask(&self, user: &str, action: &str, resource: &str) -> Answer {
        self.json(Method::POST, "/t/acme/access/v1/evaluation", &question(user, action, resource))
    }
}

/// A question in AuthZEN's form.
pub fn question(user: &str, action: &str, resource: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": user },
        "action": { "name": action },
        "resource": { "type": resource, "id": "7" },
    })
}
