//! `sidegate doctor` before real proxies: with the configurations that ship, and with bad ones that people write.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, Setup, eventually, run, sidegate};

use super::app::read_head;
use super::scene::{Scene, program};

const POLICIES: &str = r#"
route ANY "/public/{page...}" => "read" on "page" { id: page }
allow everybody { action "read" resource "page" }
"#;

/// An app that takes paths as some do, by how they begin and without what follows a semicolon; and what is before it.
const NGINX: &str = r#"
daemon off; pid nginx.pid; error_log stderr crit; worker_processes 1; events {}
http {
  access_log off;
  client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;
  map $http_x_original_url $as_the_client_says { "" $scheme://$host$request_uri; default $http_x_original_url; }
  server {
    listen APP;
    location = /public/start { return 200 "For everybody. $http_remote_user"; }
    location = /reports/june { return 200 "The numbers of June."; }
    location ~ "^/public/\.\.;/reports/june$" { return 200 "The numbers of June."; }
    location = /believing { if ($http_remote_user = "") { return 401; } return 200 "Hello $http_remote_user."; }
    location / { if ($request_uri ~ ^/reports/june/) { return 200 "The numbers of June."; } return 404; }
  }
  server {
    listen AT;
    proxy_set_header Remote-User "";
    location = /_sidegate {
      internal;
      proxy_pass http://SIDEGATE/t/acme/authz/auth-request;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URL ASKED;
    }
    DOOR
  }
}
"#;

/// What sidegate is asked about, as it should be.
const ASKED: &str = "$scheme://$host$request_uri";

/// A way to the app, as it should be.
const DOOR: &str = "location / { auth_request /_sidegate; proxy_pass http://APP; }";

/// nginx before an app, with a configuration that somebody wrote.
struct Bad {
    at: SocketAddr,
    nginx: Child,
    _folder: TempDir,
    _server: Server,
}

impl Bad {
    fn start(asked: &str, door: &str) -> Self {
        let server = Setup::new().policy("acme/acme.policy", POLICIES).args(&["--failures", "0"]).start();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let [at, app] =
            [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()).map(|free| free.local_addr().unwrap());
        let mut text = NGINX.replace("ASKED", asked).replace("DOOR", door);
        for (name, address) in [("SIDEGATE", server.address), ("APP", app), ("AT", at)] {
            text = text.replace(name, &address.to_string());
        }
        std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let mut command = Command::new(program("nginx"));
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let nginx = command.stdin(Stdio::null()).spawn().unwrap();
        let bad = Self { at, nginx, _folder: folder, _server: server };
        eventually("nginx listens", || TcpStream::connect(bad.at).is_ok());
        bad
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// What reaches through, by group and name.
    fn holes(&self, path: &str) -> BTreeSet<(String, String)> {
        let (status, told) = examined(&self.url(path));
        let holes: BTreeSet<_> =
            of(&told, "through").map(|probe| (text(probe, "group"), text(probe, "name"))).collect();
        assert_eq!(status, i32::from(!holes.is_empty()), "{told}");
        holes
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        // So that it ends its workers, too.
        let _ = run(Command::new("kill").arg(self.nginx.id().to_string()));
        let _ = self.nginx.wait();
    }
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}

/// Probes with an outcome.
fn of<'t>(told: &'t Value, outcome: &'t str) -> impl Iterator<Item = &'t Value> {
    told["probes"].as_array().unwrap().iter().filter(move |probe| probe["outcome"] == outcome)
}

/// The exit status, and what is told as JSON.
fn examined(url: &str) -> (i32, Value) {
    let (output, out, err) =
        run(sidegate().args(["doctor", url, "--open", "/public/start", "--timeout", "2", "--json"]));
    let told = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (output.status.code().unwrap(), told)
}

/// The configuration that ships has no hole.
pub fn finds_nothing(scene: &Scene) {
    let (status, told) = examined(&format!("http://{}/reports/7", scene.address));
    // Traefik resolves paths before it asks, and this app has a page for every name that is open.
    let others: Vec<&Value> = ["through", "unanswered"].iter().flat_map(|what| of(&told, what)).collect();
    assert!(status == 0 && others.is_empty(), "{:?}: {status}: {others:#?}", scene.proxy);
    for seen in scene.app.seen() {
        let target = seen.split(' ').nth(1).unwrap();
        assert!(target.starts_with("/public/"), "{:?}: {seen}", scene.proxy);
    }
}

#[test]
fn a_good_configuration_by_hand_has_no_holes() {
    let good = Bad::start(ASKED, DOOR);
    assert_eq!(good.holes("/reports/june"), BTreeSet::new());
}

#[test]
fn each_hole_is_found_by_the_probe_for_it() {
    let beside = |more: &str| format!("{DOOR} {more}");
    let normal = DOOR.replace("auth_request", "set $normal $uri; auth_request");
    // A field of its own has a location forget those of its server.
    let forgetting = |door: &str| door.replace("proxy_pass", "proxy_set_header X-Real-IP $remote_addr; proxy_pass");
    let unasked_if = |what: &str| {
        let way = format!("error_page 418 = @unasked; if ({what}) {{ return 418; }} auth_request");
        format!("{} location @unasked {{ proxy_pass http://APP; }}", DOOR.replace("auth_request", &way))
    };
    let rewriting = "location = /public/start { if ($http_x_rewrite_url) { rewrite ^ $http_x_rewrite_url break; }
                       proxy_pass http://APP; }";
    let (june, climbing, own) = ("/reports/june", "paths out of the open", "sidegate's own endpoints");
    for (asked, door, path, group, name) in [
        ("$scheme://$host$normal", normal, june, climbing, "/reports/june/../../public/no-such-page"),
        (ASKED, beside("location /public/ { proxy_pass http://APP; }"), june, climbing, "/public/..;/reports/june"),
        (
            ASKED,
            beside("location /public { proxy_pass http://APP/public/; }"),
            june,
            climbing,
            "/public../reports/june",
        ),
        ("$as_the_client_says", DOOR.to_owned(), june, "forwarded fields", "X-Original-URL: http://AT/public/start"),
        (ASKED, forgetting(DOOR), june, "identity fields", "others at the open page"),
        (ASKED, beside(rewriting), june, "forwarded fields", "X-Rewrite-URL at the open page"),
        (ASKED, unasked_if("$request_method = OPTIONS"), june, "methods", "OPTIONS"),
        (ASKED, unasked_if("$http_user_agent ~ ^kube-probe"), june, "user agents", "kube-probe/1.30"),
        (
            ASKED,
            beside(&forgetting("location = /believing { proxy_pass http://APP; }")),
            "/believing",
            "identity fields",
            "Remote-User",
        ),
        (
            ASKED,
            beside("location /t/ { proxy_pass http://SIDEGATE; }"),
            june,
            own,
            "/t/no-such-page-7c1f3b9e/authz/auth-request",
        ),
        (
            ASKED,
            beside("location /authz/ { proxy_pass http://SIDEGATE/t/acme/authz/; }"),
            june,
            own,
            "/authz/forward-auth",
        ),
    ] {
        let bad = Bad::start(asked, &door);
        let holes = bad.holes(path);
        let name = name.replace("AT", &bad.at.to_string());
        assert!(holes.contains(&(group.to_owned(), name.clone())), "{name}: {holes:#?}");
        assert!(holes.iter().all(|(known, _)| known == group), "{name}: {holes:#?}");
    }
}

#[test]
fn a_field_that_is_believed_is_told_though_nobody_reached_through() {
    let believing = "location / { if ($http_remote_user = alice) { return 200; } if ($http_remote_user) { return 403; } return 401; }";
    let site = Bad::start(ASKED, believing);
    let (output, _, err) = run(sidegate().args(["doctor", &site.url("/reports/june")]));
    assert!(output.status.success() && err.contains("Remote-User turns 401 into 403"), "{err}");
    let (output, out, _) = run(sidegate().args(["doctor", &site.url("/reports/june"), "--user", "alice"]));
    assert!(output.status.code() == Some(1) && out.contains("Remote-User: alice"), "{out}");
}

#[test]
fn it_says_what_it_found_and_what_mends_it() {
    let bad = Bad::start("$as_the_client_says", DOOR);
    let url = bad.url("/reports/june");
    let (output, out, err) = run(sidegate().args(["doctor", &url, "--open", "/public/start"]));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    for part in [
        "HOLE: forwarded fields",
        "the mend: have the proxy set",
        "    GET /reports/june HTTP/1.1\n",
        "    => 200, 20 bytes: it is served",
        " probes: 1 reached through, ",
    ] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let (_, told) = examined(&url);
    assert_eq!(told["stranger"], json!({ "path": "/reports/june", "answer": told["stranger"]["answer"] }));
    let hole = of(&told, "through").next().unwrap();
    assert!(text(hole, "request").starts_with("GET /reports/june HTTP/1.1\r\nHost: 127.0.0.1"), "{hole}");
    assert_eq!((&hole["answer"]["status"], &hole["why"]), (&json!(200), &json!("it is served")));
    let count = told["probes"].as_array().unwrap().len();
    let sum =
        ["through", "refused", "catchAll", "unanswered"].iter().map(|what| told[what].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum, count as u64);
    assert!(told["groups"].as_array().unwrap().iter().all(|group| group["mend"].is_string()), "{told}");
}

#[test]
fn a_page_for_every_name_is_no_hole() {
    // The app's own page for whatever is below /app/, and a sign-in for a single report.
    let catching = "location = /app/report { return 302 https://id.acme.example/start?rd=$request_uri; }
                    location / { return 200 \"<app at=$request_uri>\"; }";
    let site = Bad::start(ASKED, catching);
    let (status, told) = examined(&site.url("/app/report"));
    let holes: Vec<&Value> = of(&told, "through").collect();
    assert_eq!((status, holes.len()), (0, 0), "{holes:#?}");
    assert!(of(&told, "catchAll").count() > 0, "{told}");
}

#[test]
fn what_nothing_can_be_learnt_from_is_wrong_use() {
    let site = Bad::start(ASKED, DOOR);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (closed, open) = (site.url("/reports/june"), site.url("/public/start"));
    for (args, says) in [
        (&[&*open][..], "everybody may see this page (200)"),
        (&[&format!("http://{nobody}/")], "no connection"),
        (&["https://nobody.invalid/"], "cannot find nobody.invalid"),
        (&[&closed.replace("http", "ftp")], "only http and https"),
        (&[&closed.replace("//", "//a:b@")], "no name and no password"),
        (&[&closed, "--open", "/reports/"], "not everybody may see this page"),
        (&[&closed, "--open", "public"], "write a path"),
        (&[&closed.replace("http", "https"), "--insecure"], "no connection"),
        (&["wat"], "write http:// or https:// before it"),
        (&[&format!("http://{}/reports/june", tires(0, "503 Away"))], "answered with 503"),
        (&[&closed, "--user", "two words"], "without blanks"),
    ] {
        let (output, out, err) = run(sidegate().arg("doctor").args(args));
        assert_eq!((output.status.code(), &*out), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

/// A site that answers a number of requests with 401, and then does something else.
fn tires(count: usize, then: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let answer = match number < count {
                true => "401 Unauthorized",
                false if then.is_empty() => return,
                false => then,
            };
            let mut stream = stream;
            let _ = read_head(&mut stream);
            let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        }
    });
    address
}

#[test]
fn whoever_is_shut_out_has_proved_nothing() {
    for (then, says) in
        [("403 Forbidden", "all refused"), ("", "5 without an answer"), ("429 Slow", "5 without an answer")]
    {
        let url = format!("http://{}/reports/june", tires(20, then));
        let (output, out, err) = run(sidegate().args(["doctor", &url]));
        assert_eq!(output.status.code(), Some(2), "{then}: {out}{err}");
        assert!(out.contains(says) && err.contains("Nothing is proved"), "{then}: {out}{err}");
    }
}
