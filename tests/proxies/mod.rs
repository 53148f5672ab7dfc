//! Real reverse proxies before an app, with sidegate deciding: what passes, what does not, and with what it reaches the app.

/// A test of each proxy.
macro_rules! for_each_proxy {
    ($holds:path) => {
        for_each_proxy! {
            $holds, nginx => Nginx, caddy => Caddy, traefik => Traefik, envoy => Envoy, envoy_grpc => EnvoyGrpc,
            haproxy => Haproxy
        }
    };
    ($holds:path, $($name:ident => $proxy:ident),*) => {
        $(
            #[test]
            fn $name() {
                $holds($crate::proxies::scene::Proxy::$proxy);
            }
        )*
    };
}

mod app;
mod doctor;
mod frames;
mod grpc;
mod grpc_app;
mod http2;
mod load;
mod readings;
mod scene;
mod trust;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::complete_profile::Page;

use self::app::{field, read_head};
use self::scene::{Over, Proxy, SIGN_IN, Scene};

for_each_proxy! { all_of_it_holds }

fn all_of_it_holds(proxy: Proxy) {
    let scene = Scene::start(proxy, Over::Http1);
    who_may(&scene);
    identity(&scene);
    trust::a_session_passes(&scene);
    spoofed(&scene);
    incomplete(&scene);
    streams(&scene);
    readings::no_path_reaches_the_app_on_a_reading_that_was_not_decided(&scene);
    doctor::finds_nothing(&scene);
    load::no_answer_is_wrong(&scene);
    away(scene);
}

/// What passes reaches the app once; what does not, not at all.
fn expect(scene: &Scene, path: &str, headers: &[(&str, &str)], status: u16) -> (String, String) {
    let (got, head, body) = scene.get(path, headers);
    let seen = scene.app.seen();
    assert_eq!(got, status, "{:?} {path} {headers:?}: {head}\n{body}", scene.proxy);
    assert_eq!(seen.len(), usize::from(status == 200), "{:?} {path}: {seen:?}", scene.proxy);
    (head, seen.into_iter().next().unwrap_or_default())
}

fn who_may(scene: &Scene) {
    let (alice, bob) = (scene.token("alice"), scene.token("bob"));
    let (alice, bob) = (("Authorization", alice.as_str()), ("Authorization", bob.as_str()));
    expect(scene, "/public/a", &[], 200);
    expect(scene, "/reports/7", &[alice], 200);
    expect(scene, "/reports/7?a=1&a=2", &[alice], 200);
    expect(scene, "/reports/7", &[bob], 403);
    // What no route names is denied, and so is what a route names for another method.
    expect(scene, "/elsewhere", &[alice], 403);
    // Nobody: a challenge for programs, the way to sign in for browsers.
    let (head, _) = expect(scene, "/reports/7", &[], 401);
    assert!(head.to_ascii_lowercase().contains("www-authenticate: bearer"), "{:?}: {head}", scene.proxy);
    let navigation = ("Sec-Fetch-Mode", "navigate");
    let status = if scene.proxy == Proxy::Nginx { 302 } else { 303 };
    let (head, _) = expect(scene, "/reports/7?a=%20b", &[navigation], status);
    let location = field(&head, "location").unwrap();
    assert!(location.starts_with(SIGN_IN), "{head}");
    assert!(location.contains("app%2Eacme%2Eexample") && location.ends_with("%2Freports%2F7%3Fa%3D%2520b"), "{head}");
    // A token that does not count is no anonymous visit.
    expect(scene, "/public/a", &[("Authorization", "Bearer made.up.token")], 401);
    // A trait changes, and with it the very next answer.
    scene.server.admin().set("bob", "plan", serde_json::json!("pro"));
    expect(scene, "/reports/7", &[bob], 200);
    scene.server.admin().set("bob", "plan", serde_json::json!("free"));
    expect(scene, "/reports/7", &[bob], 403);
}

/// What the app is told.
fn identity(scene: &Scene) {
    // What an app takes for the same is the same: a broader route does not let it through.
    let broad = scene.token("alice");
    for path in ["/pages/secret", "/pages/secret/"] {
        expect(scene, path, &[("Authorization", &broad)], 403);
    }
    expect(scene, "/pages/other", &[("Authorization", &broad)], 200);
    scene.ask("HEAD", "/pages/secret", &[("Authorization", &broad)]);
    assert!(scene.app.seen().is_empty(), "{:?}", scene.proxy);
    let token = scene.token("alice");
    let (_, seen) = expect(scene, "/reports/7", &[("Authorization", &token)], 200);
    let told = |name: &str| field(&seen, name).unwrap_or_default().to_owned();
    assert_eq!(
        (told("x-auth-subject"), told("x-auth-subject-type")),
        ("alice".to_owned(), "user".to_owned()),
        "{seen}"
    );
    assert_eq!((told("x-auth-tenant"), told("x-auth-trait-plan")), ("acme".to_owned(), "pro".to_owned()), "{seen}");
    // One line, whatever stands in it.
    assert_eq!(told("x-auth-trait-team-name"), "R&D%2C %C3%A9t%C3%A9%0D%0AX-Admin: 1", "{seen}");
    let (_, seen) = expect(scene, "/public/a", &[], 200);
    for name in ["x-auth-subject", "x-auth-trait-plan", "x-auth-trait-team-name"] {
        assert_eq!(field(&seen, name).unwrap_or_default(), "", "{seen}");
    }
}

/// What a client says of itself never reaches the app.
fn spoofed(scene: &Scene) {
    for name in [
        "X-Auth-Subject",
        "x-auth-subject",
        "X-AUTH-SUBJECT",
        "X_Auth_Subject",
        "X-Auth_Subject",
        "x_auth-subject",
        "X-Auth-Tenant",
        "X-Auth-Subject-Type",
        "X-Auth-Trait-Plan",
        "X_Auth_Trait_Plan",
        "X-Auth-Trait-Team-Name",
        // Nobody has named this one, neither in the settings nor in the configuration.
        "X-Auth-Trait-Role",
    ] {
        for headers in [&[(name, "root")][..], &[(name, "root"), (name, "root")]] {
            let (status, head, _) = scene.get("/public/a", headers);
            for seen in scene.app.seen() {
                assert!(!seen.contains("root"), "{:?} lets {name} through: {seen}", scene.proxy);
            }
            // Envoy resets a stream over HTTP/2.
            let fine = matches!(status, 200 | 400 | 403) || (status == 0 && scene.over != Over::Http1);
            assert!(fine, "{:?} {name}: {head}", scene.proxy);
        }
    }
    // Nor do these change what is asked about.
    let wants = |headers: &[(&str, &str)]| {
        let (status, head, _) = scene.get("/reports/7", headers);
        let seen = scene.app.seen();
        assert!(seen.is_empty() && matches!(status, 400 | 401 | 403), "{:?} {headers:?}: {head} {seen:?}", scene.proxy);
    };
    for (name, value) in [
        ("X-Forwarded-Uri", "/public/a"),
        ("X-Forwarded-Method", "HEAD"),
        ("X-Forwarded-Host", "other.example"),
        ("X-Original-URL", "http://app.acme.example/public/a"),
        ("X-Original-Method", "OPTIONS"),
        ("X-Rewrite-URL", "/public/a"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("User-Agent", "kube-probe/1.30"),
    ] {
        wants(&[(name, value)]);
    }
    // Two tokens are nobody's.
    let token = scene.token("alice");
    wants(&[("Authorization", &token), ("Authorization", "Bearer made.up.token")]);
    for method in ["OPTIONS", "TRACE", "PROPFIND", "HEAD"] {
        let answer = scene.ask(method, "/reports/7", &[]);
        assert!(scene.app.seen().is_empty(), "{:?} {method}: {answer:?}", scene.proxy);
    }
}

/// Something is asked on the way to something sensitive: browsers go there and come back, programs and forms are told.
fn incomplete(scene: &Scene) {
    let token = scene.token("alice");
    let (alice, navigation) = (("Authorization", token.as_str()), ("Sec-Fetch-Mode", "navigate"));
    let (status, head, body) = scene.get("/vault", &[alice]);
    assert_eq!(status, 403, "{head}");
    if scene.proxy != Proxy::Nginx {
        let told: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {head}{body}"));
        assert_eq!(told["code"], "profile_incomplete", "{body}");
        // As every problem has it.
        assert!(told["instance"].is_string() && told["status"] == 403, "{body}");
        assert!(told["redirectTo"].as_str().unwrap().contains("/account/complete-profile/?ticket="), "{body}");
    }
    // What was sent with a form is not lost on the way: it is refused, with the way out.
    let request = format!(
        "POST /vault HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\nSec-Fetch-Mode: navigate\r\n\
         Authorization: {token}\r\nContent-Length: 3\r\n\r\na=b"
    );
    let (status, head, body) = scene.send(request.as_bytes()).unwrap();
    assert_eq!(status, 403, "{head}");
    if scene.proxy != Proxy::Nginx {
        assert!(body.contains("/account/complete-profile/?ticket="), "{body}");
    }
    let (status, head, _) = scene.get("/vault?door=2", &[alice, navigation]);
    assert!(matches!(status, 302 | 303), "{:?}: {head}", scene.proxy);
    assert!(scene.app.seen().is_empty());
    let link = field(&head, "location").unwrap();
    let page = Page::open(&scene.server, link.strip_prefix(&format!("http://{}", scene.server.address)).unwrap());
    let done = page.post(&[("csrf", page.csrf()), ("f-phone", "+49 30 901820"), ("action", "save")], &[]);
    let back = done.header("location");
    assert!(back.starts_with("http://app.acme.example") && back.ends_with("/vault?door=2"), "{done:?}");
    expect(scene, "/vault?door=2", &[alice, navigation], 200);
}

/// What is no small answer to a small question.
fn streams(scene: &Scene) {
    let token = scene.token("alice");
    let open = |head: &str| {
        let mut stream = TcpStream::connect(scene.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(format!("{head}Host: app.acme.example\r\nAuthorization: {token}\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let mut socket = open(
        "GET /socket HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    let head = read_head(&mut socket).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{:?}: {head}", scene.proxy);
    socket.write_all(b"hello").unwrap();
    let mut echo = [0; 5];
    socket.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"hello");
    // An upgrade is no way past a decision.
    let refused = scene.get("/reports/7", &[("Upgrade", "websocket"), ("Connection", "Upgrade")]);
    assert_ne!(refused.0, 101, "{refused:?}");

    scene.app.seen();
    // No other protocol is switched to: nobody would ask about what follows.
    let h2c = [("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"), ("Connection", "Upgrade, HTTP2-Settings")];
    let answer = scene.get("/public/a", &h2c);
    for seen in scene.app.seen() {
        assert_eq!(field(&seen, "upgrade").unwrap_or_default(), "", "{:?}: {seen} {answer:?}", scene.proxy);
    }
    // Nor can a client have the fields taken away that say who it is.
    let (_, _, _) =
        scene.get("/reports/7", &[("Authorization", &token), ("Connection", "X-Auth-Subject, X-Auth-Trait-Plan")]);
    for seen in scene.app.seen() {
        assert_eq!(field(&seen, "x-auth-subject"), Some("alice"), "{:?}: {seen}", scene.proxy);
    }

    let started = Instant::now();
    let mut events = open("GET /events HTTP/1.1\r\nConnection: close\r\n");
    let (mut told, mut buffer) = (String::new(), [0; 1024]);
    while !told.contains("data: first") {
        let read = events.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "{:?}: {told}", scene.proxy);
        told.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?} holds events back", scene.proxy);
    scene.app.seen();

    let body = vec![b'x'; 8 << 20];
    let length = body.len();
    let head = format!(
        "POST /inbox HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\nAuthorization: {token}\r\nContent-Length: {length}\r\n\r\n"
    );
    let (status, _, answer) = scene.send(&[head.as_bytes(), &body].concat()).unwrap();
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(&format!("took {length} bytes")), "{:?}: {answer}", scene.proxy);
    scene.app.seen();
}

/// Without an answer from sidegate nobody passes.
fn away(mut scene: Scene) {
    let token = scene.token("alice");
    let tries = |scene: &Scene, what: &str| {
        let started = Instant::now();
        let (status, head, _) = scene.get("/public/a", &[("Authorization", &token)]);
        assert!(matches!(status, 500..=504) && scene.app.seen().is_empty(), "{:?}, {what}: {head}", scene.proxy);
        started.elapsed()
    };
    // Traefik waits for half a minute, and cannot be told otherwise.
    if scene.proxy != Proxy::Traefik {
        scene.server.signal("-STOP");
        assert!(tries(&scene, "slow") < Duration::from_secs(10));
        scene.server.signal("-CONT");
    }
    scene.server.kill();
    tries(&scene, "away");
}

/// The blocks of shell commands of the guide, by the headings over them.
fn blocks() -> Vec<(String, String)> {
    let guide = std::fs::read_to_string(crate::support::root().join("docs/proxies.md")).unwrap();
    let (mut blocks, mut heading, mut block) = (Vec::new(), String::new(), None::<String>);
    for line in guide.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (Some(text), "```") => blocks.push((heading.clone(), std::mem::take(text))),
            (Some(text), line) => *text += &format!("{line}\n"),
            (None, line) if line.starts_with('#') => heading = line.trim_start_matches(['#', ' ']).to_owned(),
            (None, _) => {}
        }
        if line == "```" {
            block = None;
        }
    }
    blocks
}

#[test]
fn the_guide_works_by_copy_and_paste() {
    let blocks = blocks();
    let of = |heading: &str| &blocks.iter().find(|(known, _)| known == heading).unwrap().1;
    for proxy in ["nginx", "Caddy", "Traefik", "Envoy", "HAProxy"] {
        let folder = tempfile::tempdir().unwrap();
        let mut script = format!(
            "set -e\ntrap 'kill $(jobs -p)' EXIT\n{}{}{}{}",
            of("1. Policies, sidegate, an app"),
            of(proxy),
            of("3. Ask"),
            of("4. Try it from outside")
        );
        // On ports that are free here.
        for port in ["8181", "3000", "8000"] {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
            script = script.replace(port, &free);
            if port == "8181" {
                script = script.replace("sidegate serve", &format!("sidegate serve --listen 127.0.0.1:{free}"));
                script = script.replace("proxy-config ", &format!("proxy-config --sidegate http://127.0.0.1:{free} "));
                script = script.replace("proxy-config --sidegate", "proxy-config --listen 127.0.0.1:8000 --sidegate");
            }
        }
        let mut path = scene::folders();
        path.insert(0, std::path::Path::new(env!("CARGO_BIN_EXE_sidegate")).parent().unwrap().to_owned());
        let mut command = std::process::Command::new("timeout");
        command
            .arg("60")
            .args(["bash", "-c"])
            .arg(&script)
            .current_dir(&folder)
            .env("PATH", std::env::join_paths(path).unwrap());
        let (output, out, err) = crate::support::run(&mut command);
        assert!(output.status.success(), "{proxy}: {out}{err}");
        let asked = out.strip_prefix("For everybody.\n401\n403\nThe numbers of June.\n");
        assert!(asked.is_some_and(|tried| tried.ends_with(" probes: all refused\n")), "{proxy}: {out}{err}");
    }
}

#[test]
fn the_examples_that_ship_are_what_is_printed() {
    let files = [
        ("nginx", "nginx.conf"),
        ("caddy", "Caddyfile"),
        ("traefik", "dynamic.yaml"),
        ("envoy", "envoy.yaml"),
        ("envoy-grpc", "envoy-grpc.yaml"),
        ("haproxy", "haproxy.cfg"),
        ("haproxy-lua", "sidegate.lua"),
    ];
    for (kind, name) in files {
        let args = ["proxy-config", kind, "--tenant", "acme", "--upstream", "http://127.0.0.1:3000"];
        let (_, printed, err) = crate::support::run(crate::support::sidegate().args(args));
        let file = crate::support::root().join("deploy/proxies").join(name);
        assert_eq!(printed, std::fs::read_to_string(&file).unwrap(), "{}: {err}", file.display());
    }
    for (option, value) in [
        ("--upstream", "https://127.0.0.1"),
        ("--upstream", "grpc://127.0.0.1:50051"),
        ("--upstream", "tp://127.0.0.1"),
        ("--upstream", "http://a/b"),
        ("--upstream", "h2c://a/b"),
        ("--sidegate", "h2c://127.0.0.1:8181"),
        ("--tenant", "A;b"),
        ("--trait", "a b"),
    ] {
        let mut args = vec!["proxy-config", "nginx", option, value];
        let rest = [("--upstream", "http://127.0.0.1:3000"), ("--tenant", "acme")];
        rest.iter().filter(|(known, _)| *known != option).for_each(|(known, value)| args.extend([*known, *value]));
        let (output, _, err) = crate::support::run(crate::support::sidegate().args(&args));
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {err}");
        assert!(err.contains(value), "{err}");
        assert_eq!(err.contains("h2c://ADDRESS:PORT"), option == "--upstream", "{err}");
    }
}
