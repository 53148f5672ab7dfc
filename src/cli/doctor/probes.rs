//! All probes against an aim: pure, so that what is sent can be seen without sending it.

use crate::model::{climbing, spellings};

use super::aim::{Aim, UNLIKELY};
use super::groups::{self, Group};
use super::request::Request;

/// A name that nobody has, to be found again in a page.
pub(super) const SOMEBODY: &str = "somebody-made-up";

/// Fields that tell apps who it is: sidegate's, and those of other gateways, as servers and gateways of old spell them, too.
const IDENTITY: [&str; 28] = [
    "X-Auth-Subject",
    "X-AUTH-SUBJECT",
    "x_auth_subject",
    "X-Auth_Subject",
    "X-Auth-Subject-Type",
    "X-Auth-Tenant",
    "X-Auth-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Preferred-Username",
    "Remote-User",
    "REMOTE_USER",
    "X-Remote-User",
    "Remote-Email",
    "X-Forwarded-User",
    "X_Forwarded_User",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-Authenticated-User",
    "X-User",
    "X-User-Id",
    "X-Webauth-User",
    "X-Goog-Authenticated-User-Email",
    "X-Amzn-Oidc-Identity",
    "X-Ms-Client-Principal-Name",
    "Tailscale-User-Login",
    "X-Ssl-Client-S-Dn",
    "X-Forwarded-Client-Cert",
];

const AGENTS: [&str; 5] = [
    "kube-probe/1.30",
    "ELB-HealthChecker/2.0",
    "GoogleHC/1.0",
    "Prometheus/2.53.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
];

/// What an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// As a stranger is answered, or worse.
    Refusal,
    /// The same; another site may answer, which is seen by what it answers for a page that nobody has.
    RefusalOrOther,
    /// A refusal, or a server's word about itself: no body.
    NoBody,
    /// The page that everybody may see, and no other.
    OpenPage,
    /// Whatever does not tell of [`SOMEBODY`].
    NoSuchName,
    /// Whatever does not go on in another protocol.
    NoSwitch,
    /// Whatever is not sidegate's own answer.
    NotSidegate,
}

/// Something to send, and what it may bring back.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) group: &'static Group,
    pub(super) name: String,
    pub(super) request: Request,
    /// The same for a page that nobody has: what answers both alike is no hole.
    pub(super) twin: Option<Request>,
    pub(super) expects: Expects,
}

/// All probes, in groups.
pub(super) fn all(aim: &Aim) -> Vec<Probe> {
    let mut list = List { aim, probes: Vec::new() };
    list.identity();
    list.forwarded();
    list.methods();
    for agent in AGENTS {
        list.closed(groups::AGENTS, agent, |target| Request::get(target).with("User-Agent", agent));
    }
    list.upgrades();
    list.hosts();
    list.paths();
    list.published();
    list.probes
}

struct List<'a> {
    aim: &'a Aim,
    probes: Vec<Probe>,
}

impl List<'_> {
    fn add(&mut self, group: &'static Group, name: &str, request: Request, expects: Expects) {
        self.probes.push(Probe { group, name: name.to_owned(), request, twin: None, expects });
    }

    /// A probe at what is closed, which `write` makes for any target.
    fn closed(&mut self, group: &'static Group, name: &str, write: impl Fn(String) -> Request) {
        self.twins(group, name, Expects::Refusal, write);
    }

    fn twins(&mut self, group: &'static Group, name: &str, expects: Expects, write: impl Fn(String) -> Request) {
        let (aim, sibling) = (self.aim, self.aim.sibling());
        let (request, twin) = (write(aim.target(&aim.closed)), Some(write(aim.target(&sibling))));
        self.probes.push(Probe { group, name: name.to_owned(), request, twin, expects });
    }

    /// Paths in spellings, each with that of the page that nobody has.
    fn spelled(&mut self, group: &'static Group, paths: Vec<String>, siblings: Vec<String>) {
        for (path, sibling) in paths.into_iter().zip(siblings) {
            let name = path.escape_debug().to_string();
            let (request, twin) = (Request::get(self.aim.target(&path)), Request::get(self.aim.target(&sibling)));
            self.probes.push(Probe { group, name, request, twin: Some(twin), expects: Expects::Refusal });
        }
    }

    fn identity(&mut self) {
        let user = &*self.aim.user;
        for name in IDENTITY {
            self.closed(groups::IDENTITY, name, |target| Request::get(target).with(name, user));
        }
        self.closed(groups::IDENTITY, "X-Auth-Subject twice", |target| {
            Request::get(target).with("X-Auth-Subject", user).with("X-Auth-Subject", "root")
        });
        self.closed(groups::IDENTITY, "X-Auth-Subject named by Connection", |target| {
            Request::get(target).with("X-Auth-Subject", user).with("Connection", "close, X-Auth-Subject")
        });
        self.closed(groups::IDENTITY, "X-Auth-Subject behind the body", |target| {
            let request = Request::get(target).with("Transfer-Encoding", "chunked").with("Trailer", "X-Auth-Subject");
            request.with_body("0\r\nX-Auth-Subject: admin\r\n\r\n")
        });
        let Some(open) = &self.aim.open else { return };
        let (own, others, old) = ("X-Auth-... at the open page", "others at the open page", "with _ at the open page");
        let kind_of = |name: &str| match name.contains('_') {
            true => old,
            false if name.to_ascii_lowercase().starts_with("x-auth-") => own,
            false => others,
        };
        for kind in [own, others, old] {
            let names = IDENTITY.iter().filter(|name| kind_of(name) == kind);
            let request = names.fold(Request::get(open), |request, name| request.with(*name, SOMEBODY));
            self.add(groups::IDENTITY, kind, request, Expects::NoSuchName);
        }
    }

    fn forwarded(&mut self) {
        let harmless = self.aim.open.clone().unwrap_or_else(|| "/".to_owned());
        let url = format!("{}{harmless}", self.aim.origin());
        let other = if self.aim.scheme == "https" { "http" } else { "https" };
        for (name, value) in [
            ("X-Original-URL", &*harmless),
            ("X-Original-URL", &url),
            ("X-Original-URI", &harmless),
            ("X-Rewrite-URL", &harmless),
            ("X-Forwarded-Uri", &harmless),
            ("X-Forwarded-Path", &harmless),
            ("X-Envoy-Original-Path", &harmless),
            ("X-Original-Method", "OPTIONS"),
            ("X-Forwarded-Method", "OPTIONS"),
            ("X-HTTP-Method-Override", "OPTIONS"),
            ("X-Forwarded-Host", "localhost"),
            ("X-Forwarded-Proto", other),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Real-IP", "127.0.0.1"),
            ("Forwarded", "for=127.0.0.1;host=localhost"),
        ] {
            let what = format!("{name}: {value}");
            self.closed(groups::FORWARDED, &what, |target| Request::get(target).with(name, value));
        }
        self.closed(groups::FORWARDED, "the whole of X-Forwarded-...", |target| {
            let request = Request::get(target).with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", &*harmless);
            request.with("X-Forwarded-Proto", &*self.aim.scheme).with("X-Forwarded-Host", &*self.aim.host)
        });
        let Some(open) = &self.aim.open else { return };
        for name in ["X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-Uri"] {
            let request = Request::get(open).with(name, self.aim.target(&self.aim.closed));
            self.add(groups::FORWARDED, &format!("{name} at the open page"), request, Expects::OpenPage);
        }
    }

    fn methods(&mut self) {
        // None that would change something behind a hole, but the emptiest POST.
        for method in ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "Get", "DOCTOR"] {
            self.closed(groups::METHODS, method, |target| Request::new(method, target));
        }
        self.closed(groups::METHODS, "OPTIONS before a request from another origin", |target| {
            let request = Request::new("OPTIONS", target).with("Origin", "https://other.example");
            request.with("Access-Control-Request-Method", "GET")
        });
        self.add(groups::METHODS, "OPTIONS *", Request::new("OPTIONS", "*"), Expects::NoBody);
        self.closed(groups::METHODS, "POST", |target| Request::new("POST", target).with("Content-Length", "0"));
        self.closed(groups::METHODS, "POST, which says it is GET", |target| {
            Request::new("POST", target).with("Content-Length", "0").with("X-HTTP-Method-Override", "GET")
        });
    }

    fn upgrades(&mut self) {
        let websocket = |target: String| {
            let request = Request::get(target).with("Connection", "Upgrade").with("Upgrade", "websocket");
            request.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        };
        let h2c = |target: String| {
            let request = Request::get(target).with("Connection", "Upgrade, HTTP2-Settings").with("Upgrade", "h2c");
            request.with("HTTP2-Settings", "AAMAAABkAAQAAP__")
        };
        self.closed(groups::UPGRADES, "WebSocket", websocket);
        self.closed(groups::UPGRADES, "h2c", h2c);
        if let Some(open) = &self.aim.open {
            self.add(groups::UPGRADES, "h2c at the open page", h2c(open.clone()), Expects::NoSwitch);
        }
    }

    fn hosts(&mut self) {
        let (aim, expects) = (self.aim, Expects::RefusalOrOther);
        let own = &*aim.host;
        for hosts in [
            &["localhost"][..],
            &[own, "localhost"],
            &["localhost", own],
            &["127.0.0.1"],
            &["nobody.invalid"],
            &[&format!("{}.", own)],
            &[&own.to_uppercase()],
            &[""],
        ] {
            let name = format!("Host: {}", hosts.join(" and Host: "));
            self.twins(groups::HOSTS, &name, expects, |target| {
                hosts.iter().fold(Request::get(target), |request, host| request.with("Host", *host))
            });
        }
        for (origin, host) in [(aim.origin(), own), (aim.origin(), "localhost"), ("http://localhost".to_owned(), own)] {
            let name = format!("{origin}/... with Host: {host}");
            self.twins(groups::HOSTS, &name, expects, |target| {
                Request::get(format!("{origin}{target}")).with("Host", host)
            });
        }
    }

    fn paths(&mut self) {
        let (closed, sibling) = (&self.aim.closed, &self.aim.sibling());
        self.spelled(groups::PATHS, spellings(closed), spellings(sibling));
        self.spelled(groups::NEAR, near(closed), near(sibling));
        if let Some(open) = self.aim.folder() {
            self.spelled(groups::CLIMBING, climbing(open, closed), climbing(open, sibling));
            // A location without a slash behind it, handed on to one that has it.
            let beside = |closed: &str| vec![format!("{open}..{closed}")];
            self.spelled(groups::CLIMBING, beside(closed), beside(sibling));
        }
    }

    /// Asks as a proxy does, in every family at once, about a path that sidegate calls unclear: a proxy that
    /// is before it asks about the path that is sent, which is clear.
    fn published(&mut self) {
        let unclear = "/a/../b";
        let own = format!("/t/{UNLIKELY}/authz/");
        for path in [
            "/authz/auth-request",
            "/authz/forward-auth",
            "/authz/ext-authz/a",
            &format!("{own}auth-request"),
            &format!("{own}forward-auth"),
            &format!("{own}ext-authz/a"),
        ] {
            let request = Request::get(path)
                .with("X-Original-Method", "GET")
                .with("X-Original-URL", format!("{}{unclear}", self.aim.origin()))
                .with("X-Forwarded-Method", "GET")
                .with("X-Forwarded-Proto", &*self.aim.scheme)
                .with("X-Forwarded-Host", &*self.aim.host)
                .with("X-Forwarded-Uri", unclear);
            self.add(groups::PUBLISHED, path, request, Expects::NotSidegate);
        }
    }
}

/// What nobody reads in two ways, and some apps take for the same.
fn near(path: &str) -> Vec<String> {
    let swapped = |letter: char| match letter.is_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    let mut paths: Vec<String> = vec![path.chars().map(swapped).collect()];
    paths.extend(["/", ".", "%20", "/x.css", ".json", "?", "?x.css"].map(|behind| format!("{path}{behind}")));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use url::Url;

    fn of(url: &str, open: Option<&str>) -> Vec<Probe> {
        all(&Aim::new(&Url::parse(url).unwrap(), open, "admin"))
    }

    #[test]
    fn they_are_as_many_as_is_said_and_none_is_sent_twice() {
        let probes = of("https://a.example/reports/june?year=1", Some("/public/"));
        assert!((280..=320).contains(&probes.len()), "{}", probes.len());
        let mut texts = BTreeSet::new();
        for probe in &probes {
            assert!(texts.insert(probe.request.text("a.example")), "{}: {}", probe.group.name, probe.name);
        }
        for group in groups::ALL {
            assert!(probes.iter().any(|probe| probe.group == *group), "{}", group.name);
        }
        let fewer = of("https://a.example/", None);
        assert!(fewer.len() > 100 && fewer.iter().all(|probe| probe.group != groups::CLIMBING));
    }

    #[test]
    fn none_carries_credentials_and_each_is_one_request() {
        for probe in of("https://a.example/reports/june", Some("/public/")) {
            let text = probe.request.text("a.example");
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            let names: Vec<_> =
                head.lines().skip(1).map(|line| line.split(':').next().unwrap().to_lowercase()).collect();
            assert!(!names.iter().any(|name| matches!(&**name, "authorization" | "cookie")), "{text}");
            assert!(!head.contains('\0') && head.matches('\n').count() == head.matches("\r\n").count(), "{text:?}");
        }
    }

    #[test]
    fn a_twin_differs_by_its_name_alone() {
        for probe in of("https://a.example/reports/june", Some("/public/")) {
            let Some(twin) = &probe.twin else { continue };
            assert_eq!((twin.method, twin.shown().len()), (probe.request.method, probe.request.shown().len()));
            assert_ne!(twin.target, probe.request.target);
        }
    }
}
