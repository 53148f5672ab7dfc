//! Who may do what: every kind of caller at every endpoint of the running program, held against `docs/access.md`.

use std::fmt::Write;
use std::time::Duration;

use http::Method;
use serde_json::json;
use sidegate::http::{Family, ROUTES, Route, Serve};
use sidegate::model::Scope;

use crate::support::issuer::{Issuer, trusting};
use crate::support::{Answer, Server, Setup, root, run};

/// Writes the file anew instead of holding the program against it.
const WRITE_ANEW: &str = "SIDEGATE_TEST_WRITE_ACCESS";

const INTRODUCTION: &str = "# Who may do what

Each kind of caller, at each endpoint of the running program: `tests/access.rs` asks them all and holds this file against the
answers. An endpoint that is not here fails the test. Whoever is not named is refused, everywhere in the same way:

- no token, one that is broken, has ended or was revoked: **401**, whether or not there is such a tenant
- a token of another tenant: **404**, as for a tenant that there is not
- a token of the tenant that does not permit it: **403**

`instance` is a service token of the instance with the scope `admin`, `admin` one of the tenant; `user` a user of the tenant
with an access token of an issuer that it trusts, `portal session` an admin who is signed in to the tenant's portal; all others
are service tokens of the tenant with that scope. At `/authz/...`, proxies of the same machine (and those of `--trusted-proxies`) ask,
who need no token; one there is that of whoever is behind the request, and stands for somebody or not. Paths with `/t/{tenant}` are there without it for the default tenant, too.

";

/// A kind of caller.
struct Caller {
    name: String,
    header: Option<(&'static str, String)>,
    /// How it is refused where it may not.
    refused: u16,
}

impl Caller {
    fn bearer(name: &str, token: &str, refused: u16) -> Self {
        Self { name: name.to_owned(), header: Some(("authorization", format!("Bearer {token}"))), refused }
    }
}

fn session(server: &Server, tenant: &str) -> String {
    let link = server.token(&["portal-link", "--tenant", tenant]);
    let (path, link) = link.strip_prefix(&format!("http://{}", server.address)).unwrap().split_once("?link=").unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let signed_in = server.client(None).send(Method::POST, path, &form, format!("link={link}"));
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    signed_in.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn callers(server: &Server, issuer: &Issuer) -> Vec<Caller> {
    let service = |args: &[&str]| server.token(&[&["service-token"], args].concat());
    let expired = service(&["--tenant", "acme", "--scope", "admin", "--lifetime", "1s"]);
    let (output, created, _) =
        run(&mut server.command(&["service-token", "--tenant", "acme", "--scope", "admin", "--json"]));
    assert!(output.status.success());
    let created: serde_json::Value = serde_json::from_str(&created).unwrap();
    run(&mut server.command(&["service-token", "--revoke", created["id"].as_str().unwrap()]));
    let mut callers = vec![
        Caller { name: "nobody".to_owned(), header: None, refused: 401 },
        Caller::bearer("broken", "sgt_made-up", 401),
        Caller::bearer("expired", &expired, 401),
        Caller::bearer("revoked", created["token"].as_str().unwrap(), 401),
        Caller::bearer("another tenant's user", &server.token(&["token", "--tenant", "other", "--user", "alice"]), 404),
        Caller::bearer("another tenant's admin", &service(&["--tenant", "other", "--scope", "admin"]), 404),
        Caller::bearer("another issuer's user", &Issuer::start().token("alice"), 401),
        Caller {
            name: "another tenant's portal session".to_owned(),
            header: Some(("cookie", session(server, "other"))),
            refused: 401,
        },
    ];
    for scope in Scope::ALL {
        callers.push(Caller::bearer(scope.as_str(), &service(&["--tenant", "acme", "--scope", scope.as_str()]), 403));
    }
    callers.push(Caller::bearer("instance", &service(&["--instance", "--scope", "admin"]), 403));
    callers.push(Caller::bearer("user", &issuer.token("alice"), 403));
    callers.push(Caller::bearer("client", &issuer.token_with("app", json!({ "client_id": "app" })), 403));
    callers.push(Caller {
        name: "portal session".to_owned(),
        header: Some(("cookie", session(server, "acme"))),
        refused: 401,
    });
    std::thread::sleep(Duration::from_secs(2));
    callers
}

/// Nothing of it is there, and nothing is changed: who is let in is refused for something else.
fn path(template: &str) -> String {
    let names =
        [("*rest", "x"), ("tenant", "acme"), ("userId", "nobody"), ("slug", "nothing"), ("type", "none"), ("id", "7")];
    let put_in = |path: String, (name, value): (&str, &str)| path.replace(&format!("{{{name}}}"), value);
    names.into_iter().fold(template.to_owned(), put_in)
}

/// Whether a caller was let in; a refusal must be the one that it should be.
fn is_let_in(route: &Route, caller: &Caller, answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    assert_ne!(answer.status, 429, "{text}");
    let is_refusal = match answer.status.as_u16() {
        401 => true,
        // A form that was not sent from a page is refused to whoever may send it.
        // A proxy is told so of the request that it asks about.
        403 => !matches!(route.family, Family::Pages | Family::Proxies),
        404 => text.contains("this access token is not one of it"),
        _ => false,
    };
    if is_refusal {
        // What belongs to no tenant is nobody else's.
        let expected = match route.serve {
            Serve::Instance(_) if caller.refused == 404 => 403,
            _ => caller.refused,
        };
        let nobody = matches!(route.serve, Serve::Instance(_)) && answer.status == 401;
        assert!(nobody || answer.status == expected, "{} at {} {}: {text}", caller.name, route.method, route.path);
    }
    !is_refusal
}

fn who_may(server: &Server, route: &Route, template: &str, callers: &[Caller]) -> String {
    let client = server.client(None);
    let may = |caller: &&Caller| {
        let headers: Vec<_> = caller.header.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = client.send(route.method.clone(), &path(template), &headers, "");
        // Pages do not look at tokens; proxies show those of others, which count or not.
        let knows_tokens = !matches!(route.family, Family::Pages | Family::Proxies);
        let caller =
            if knows_tokens { caller } else { &Caller { name: caller.name.clone(), header: None, refused: 401 } };
        is_let_in(route, caller, &answer)
    };
    let names: Vec<&str> = callers.iter().filter(may).map(|caller| caller.name.as_str()).collect();
    if names.len() == callers.len() { "everybody".to_owned() } else { names.join(", ") }
}

#[test]
fn every_caller_at_every_endpoint_is_let_in_or_refused_as_the_file_says() {
    let issuer = Issuer::start();
    let settings = trusting(&[issuer.settings(json!({ "primary": true }))]);
    let server = Setup::new()
        .policy("acme/tenant.json", &settings)
        .policy("other/other.policy", "")
        .args(&["--default-tenant", "acme", "--failures", "0"])
        .start();
    let callers = callers(&server, &issuer);
    let mut text = format!("{INTRODUCTION}| | who may |\n|---|---|\n");
    for route in ROUTES {
        let paths = route.paths();
        let may: Vec<String> = paths.iter().map(|path| who_may(&server, route, path, &callers)).collect();
        assert!(may.iter().all(|other| *other == may[0]), "{} {}: {may:?}", route.method, route.path);
        writeln!(text, "| `{} {}` | {} |", route.method, paths[0], may[0]).unwrap();
    }
    let file = root().join("docs/access.md");
    if std::env::var_os(WRITE_ANEW).is_some() {
        std::fs::write(file, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(file).unwrap();
    for (line, expected) in text.lines().zip(golden.lines()) {
        assert_eq!(line, expected, "docs/access.md says otherwise; {WRITE_ANEW}=1 writes it anew");
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "docs/access.md; {WRITE_ANEW}=1 writes it anew");
}
