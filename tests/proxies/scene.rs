//! sidegate, an app, and a real proxy between them, with the configuration that `sidegate proxy-config` prints.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::app_sign_in;
use crate::support::issuer::{Issuer, Key};
use crate::support::{Server, Setup, eventually, root, run, wait_for};

use super::app::App;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
    EnvoyGrpc,
    Haproxy,
}

/// How clients reach the proxy, and the proxy the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// HTTP/1.1 all the way, on the configuration that ships.
    Http1,
    /// HTTP/2 up to the proxy.
    Http2,
    /// HTTP/2 all the way, on the configuration for `h2c://`.
    Grpc,
    /// HTTP/1.1, behind an identity proxy that names the user in `Remote-User`.
    IdentityProxy,
}

const POLICIES: &str = r#"
route ANY "/public/{rest...}" => "read" on "page" { id: rest }
route GET "/reports/{id}" => "read" on "report" { id }
route ANY "/inbox" => "write" on "inbox"
route GET "/events" => "read" on "inbox"
route GET "/socket" => "read" on "inbox"
route GET "/pages/secret" => "open" on "secret"
route ANY "/pages/{page...}" => "read" on "page" { id: page }
route ANY "/vault" => "open" on "vault"
route GET "/hosted" host "open.acme.example" => "read" on "page"
route POST "/echo.Echo/{method}" => "call" on "echo" { id: method }

allow everybody { action "read" resource "page" }
allow by_plan { action "read" resource "report" when user.traits.plan == "pro" }
allow vault { action "open" resource "vault" when subject.type == "user" }
allow calls { action "call" resource "echo" when user.traits.plan == "pro" }
deny no_free_calls { action "call" resource "echo" when user.traits.plan == "free" reason "100 % of calls are paid for" }
allow users { action "read", "write" resource "inbox" when subject.type == "user" }
"#;

const SECRET_ENV: &str = "SIDEGATE_PROXY_SECRET";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub const SIGN_IN: &str = "https://id.acme.example/start?rd=";

pub struct Scene {
    pub proxy: Proxy,
    pub over: Over,
    pub address: SocketAddr,
    pub app: App,
    pub server: Server,
    /// Where users sign in, at sidegate.
    pub issuer: Issuer,
    child: Child,
}

impl Scene {
    pub fn start(proxy: Proxy, over: Over) -> Self {
        let issuer = Issuer::with(Key::rsa());
        let mut settings = app_sign_in::settings(
            &issuer,
            json!({ "returnOrigins": ["http://app.acme.example"],
            "proxies": { "traits": ["plan", "team_name"], "signInUrl": format!("{SIGN_IN}{{returnTo}}") } }),
        );
        let mut setup = Setup::new().policy("acme/acme.policy", POLICIES).args(&["--failures", "0"]);
        if over == Over::IdentityProxy {
            settings["proxies"]["identityHeader"] = json!("remote-user");
            setup = setup.env(SECRET_ENV, SECRET);
        }
        let server = setup.policy("acme/tenant.json", &settings.to_string()).start();
        server.admin().set("alice", "plan", json!("pro"));
        server.admin().set("alice", "team_name", json!("R&D, \u{e9}t\u{e9}\r\nX-Admin: 1"));
        server.admin().set("bob", "plan", json!("free"));
        let api = |path: &str, body: serde_json::Value| {
            let answer = server.admin().json(Method::PUT, &format!("/t/acme/api/v1/profiling/{path}"), &body);
            assert_eq!(answer.status, 200, "{answer:?}");
        };
        let guarded = json!({ "onAccess": { "action": "open", "resource": "vault" } });
        api("rules", json!([{ "id": "vault", "fields": ["phone"], "required": true, "condition": guarded }]));
        api("settings", json!({ "enabled": true }));
        let app = if over == Over::Grpc { App::grpc() } else { App::start() };
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = launch(proxy, over, address, &server, &app);
        let scene = Self { proxy, over, address, app, server, issuer, child };
        eventually("the proxy listens", || TcpStream::connect(scene.address).is_ok());
        // Its way to the app may need a moment more.
        eventually("the proxy serves", || scene.get("/public/start", &[]).0 == 200);
        scene.app.seen();
        scene
    }

    /// The access token of a user.
    pub fn token(&self, user: &str) -> String {
        format!("Bearer {}", self.server.token(&["token", "--tenant", "acme", "--user", user]))
    }

    /// Asks the proxy: the status, the head and the body of its answer.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        self.ask("GET", path, headers)
    }

    /// The same by another method.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        let nothing = || (0, String::new(), String::new());
        if matches!(self.over, Over::Http2 | Over::Grpc) {
            return wait_for(self.ask_http2(method, path, headers)).unwrap_or_else(|_| nothing());
        }
        let fields: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\n{fields}\r\n");
        self.send(head.as_bytes()).unwrap_or_else(nothing)
    }

    async fn ask_http2(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<(u16, String, String)> {
        let stream = TokioIo::new(tokio::net::TcpStream::connect(self.address).await?);
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        let mut request = http::Request::builder().method(method).uri(format!("http://app.acme.example{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, body) = sender.send_request(request.body(Empty::<Bytes>::new())?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let fields = head.headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
        let text = format!("HTTP/2 {}\r\n{}", head.status, fields.collect::<String>());
        Ok((head.status.as_u16(), text, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends bytes to the proxy; `None` if it closes without an answer.
    pub fn send(&self, request: &[u8]) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).ok()?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head.to_owned(), body.to_owned()))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // So that it ends its workers, too.
        let _ = run(Command::new("kill").arg(self.child.id().to_string()));
        let _ = self.child.wait();
    }
}

/// Where programs are: those that `tests/run` installs come first.
pub fn folders() -> Vec<PathBuf> {
    let installed = std::env::var_os("SIDEGATE_TEST_PROXIES").map(PathBuf::from);
    let installed = installed.unwrap_or_else(|| root().join("target/tools/proxies/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    [installed].into_iter().chain(std::env::split_paths(&path)).chain([PathBuf::from("/usr/sbin")]).collect()
}

/// A program that stands before an app.
pub fn program(name: &str) -> PathBuf {
    let found = folders().into_iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("there is no {name}: tests/run installs it"))
}

/// The configuration that the command line prints.
fn configuration(kind: &str, over: Over, address: SocketAddr, server: &Server, app: &App) -> String {
    let scheme = if over == Over::Grpc { "h2c" } else { "http" };
    let (own, upstream) = (format!("http://{}", server.address), format!("{scheme}://{}", app.address));
    let listen = address.to_string();
    let args =
        ["proxy-config", kind, "--tenant", "acme", "--sidegate", &own, "--upstream", &upstream, "--listen", &listen];
    let traits = ["--trait", "plan", "--trait", "team_name"];
    let mut command = crate::support::sidegate();
    command.args(args).args(traits);
    if over == Over::IdentityProxy {
        command.args(["--secret-env", SECRET_ENV, "--identity-header", "Remote-User"]).env(SECRET_ENV, SECRET);
    }
    let (output, text, err) = run(&mut command);
    assert!(output.status.success(), "{err}");
    if over == Over::Http2 { with_http2(kind, &text) } else { text }
}

/// The smallest change that makes a proxy take HTTP/2 without TLS: Traefik, Envoy and HAProxy need none.
fn with_http2(kind: &str, text: &str) -> String {
    let (from, to) = match kind {
        "nginx" => (";\n    client_max_body_size", " http2;\n    client_max_body_size"),
        "caddy" => ("\tadmin off\n", "\tadmin off\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n"),
        _ => return text.to_owned(),
    };
    assert!(text.contains(from), "{text}");
    text.replace(from, to)
}

fn launch(proxy: Proxy, over: Over, address: SocketAddr, server: &Server, app: &App) -> Child {
    let folder = server.folder().join("proxy");
    std::fs::create_dir_all(folder.join("nginx.tmp")).unwrap();
    let write = |kind: &str, name: &str| {
        std::fs::write(folder.join(name), configuration(kind, over, address, server, app)).unwrap();
    };
    let mut command = match proxy {
        Proxy::Nginx => {
            write("nginx", "nginx.conf");
            let mut command = Command::new(program("nginx"));
            command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]);
            command
        }
        Proxy::Caddy => {
            write("caddy", "Caddyfile");
            let mut command = Command::new(program("caddy"));
            command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
            command
        }
        Proxy::Traefik => {
            write("traefik", "dynamic.yaml");
            let mut command = Command::new(program("traefik"));
            command.arg(format!("--entryPoints.web.address={address}"));
            command.args(["--providers.file.filename=dynamic.yaml", "--global.checkNewVersion=false"]);
            command
        }
        Proxy::Envoy | Proxy::EnvoyGrpc => {
            write(if proxy == Proxy::Envoy { "envoy" } else { "envoy-grpc" }, "envoy.yaml");
            let mut command = Command::new(program("envoy"));
            command.args(["-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]);
            command
        }
        Proxy::Haproxy => {
            write("haproxy", "haproxy.cfg");
            write("haproxy-lua", "sidegate.lua");
            let mut command = Command::new(program("haproxy"));
            command.args(["-db", "-f", "haproxy.cfg"]);
            command
        }
    };
    let log = std::fs::File::create(server.folder().join("proxy.log")).unwrap();
    command.current_dir(&folder).env("XDG_DATA_HOME", &folder).env("XDG_CONFIG_HOME", &folder);
    command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn().unwrap()
}
