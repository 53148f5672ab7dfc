//! The database full, locked or read-only: what callers see meanwhile, and that it heals by itself. (`tests/outages.rs` has
//! it away, slow and frozen.)

mod full;
mod locked;
mod read_only;
mod starts;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::client::{Answer, Client, question};
use crate::support::disk::Disk;
use crate::support::{Server, Setup, eventually, run, write_file};

const API: &str = "/t/acme/api/v1";

/// No write and no reading may take longer.
const BOUND: Duration = Duration::from_secs(11);

/// Nor may a decision.
const DECISION: Duration = Duration::from_secs(3);

/// A kind of write, and what it is called.
type Write = (&'static str, fn(&Client) -> Answer);

/// What a database has room for until it grows, it takes even when its disk is full: these make it grow.
const LARGE: [Write; 3] = [
    ("a trait", |admin| put(admin, "large", "bio", 1)),
    ("several traits", |admin| {
        let patch = json!({ "a": text(2), "b": text(3), "plan": "free" });
        admin.json(Method::PATCH, &format!("{API}/abac/users/whole/attributes"), &patch)
    }),
    ("an import", |admin| {
        let line = |number: usize| json!({ "userId": format!("imported-{number}"), "traits": { "bio": text(number) } });
        let lines: Vec<String> = (0..5).map(|number| format!("{}\n", line(number))).collect();
        admin.send(Method::POST, &format!("{API}/users:import?format=ndjson"), &[], lines.concat())
    }),
];

const SMALL: [Write; 3] = [
    ("a resource", |admin| {
        let path = format!("{API}/abac/resources/doc/1/attributes");
        admin.json(Method::PUT, &path, &json!({ "open": true }))
    }),
    ("a login", |admin| {
        let login = json!({ "userId": "visitor", "loginId": "visit", "profile": { "name": "Vi" } });
        admin.json(Method::POST, &format!("{API}/profiling/check"), &login)
    }),
    ("erasing a user", |admin| admin.delete(&format!("{API}/users/erased"))),
];

/// A text that no compression makes smaller by much.
fn text(seed: usize) -> String {
    let digests = (0..1300).map(|number| BASE64_STANDARD.encode(Sha256::digest(format!("{seed}-{number}"))));
    digests.collect()
}

fn put(admin: &Client, user: &str, slug: &str, seed: usize) -> Answer {
    let path = format!("{API}/abac/users/{user}/attributes/{slug}");
    admin.json(Method::PUT, &path, &json!({ "value": text(seed) }))
}

/// A server with alice in its memory and others who are not, and a link into its portal.
struct Scene {
    server: Server,
    admin: Client,
    app: Client,
    /// How many of the others were asked for.
    cold: AtomicUsize,
}

impl Scene {
    fn start(setup: Setup) -> Self {
        let server = setup.start();
        let (admin, app) = (server.admin(), server.app("decide"));
        let user = |id: &str| {
            format!("{}\n", json!({ "userId": id, "traits": { "plan": "enterprise", "email_opt_in": true } }))
        };
        let cold = (0..20).map(|number| user(&format!("cold-{number}")));
        let file = server.folder().join("users.ndjson");
        write_file(&file, &["alice", "erased"].map(user).into_iter().chain(cold).collect::<String>());
        // By another process, so that this one has none of them in memory.
        let mut import = server.command(&["import", "--tenant", "acme"]);
        let (output, _, err) = run(import.arg(file).arg("--policies").arg(server.policies()));
        assert!(output.status.success(), "{err}");
        let scene = Self { server, admin, app, cold: AtomicUsize::new(0) };
        eventually("alice is known", || scene.may("alice"));
        scene
    }

    fn may(&self, user: &str) -> bool {
        let asked = Instant::now();
        let answer = self.app.json(Method::POST, "/t/acme/access/v1/evaluation", &question(user, "export", "report"));
        assert!(asked.elapsed() < DECISION, "{:?}", asked.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["context"].get("stale"), None, "changes can be read all the time: {answer:?}");
        answer.json()["decision"] == true
    }

    /// Decides about a user who is not in memory.
    fn may_cold(&self) -> bool {
        self.may(&format!("cold-{}", self.cold.fetch_add(1, Ordering::Relaxed)))
    }

    /// Writes until the database has used up all the room that is left; what was acknowledged.
    fn exhaust(&self) -> Vec<String> {
        for number in 0..200 {
            let answer = put(&self.admin, &format!("filler-{number}"), "bio", number);
            if answer.status == 503 {
                return (0..number).map(|number| format!("filler-{number}")).collect();
            }
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        panic!("nothing is refused");
    }

    /// Does all of these at once; each must be refused, in time and for this reason. How long it took.
    fn refuses(&self, writes: &[Write], why: &str) -> Duration {
        let asked = Instant::now();
        std::thread::scope(|threads| {
            for (what, write) in writes {
                threads.spawn(move || {
                    let answer = write(&self.server.admin());
                    unavailable(what, &answer, why);
                    assert!(asked.elapsed() < BOUND, "{what}: {:?}", asked.elapsed());
                });
            }
        });
        let log = self.server.log();
        assert!(log.contains(why), "{why}: {log}");
        let ready = self.ready();
        assert_eq!(ready.0, "degraded", "{ready:?}");
        assert!(ready.1.contains("the last write failed") && ready.1.contains(why), "{ready:?}");
        asked.elapsed()
    }

    /// The status, and why.
    fn ready(&self) -> (String, String) {
        let answer = self.server.client(None).get("/readyz");
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        (answer["status"].as_str().unwrap().to_owned(), answer["reasons"].to_string())
    }

    fn sign_in(&self) -> Answer {
        let (_, link) = self.server.banner.rsplit_once("?link=").unwrap();
        let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let body = format!("link={}", link.trim());
        self.server.client(None).send(Method::POST, "/t/acme/portal/sign-in", &form, body)
    }

    /// All is as it was before, with what was acknowledged, and everything can be done.
    fn has_healed(&self, acknowledged: &[String], writes: &[Write]) {
        for user in acknowledged {
            assert_eq!(self.admin.get(&format!("{API}/users/{user}")).status, 200, "{user} was acknowledged");
        }
        for user in ["large", "whole", "imported-0", "imported-4"] {
            assert_eq!(self.admin.get(&format!("{API}/users/{user}")).status, 404, "{user} was refused");
        }
        for (what, write) in writes {
            let answer = write(&self.admin);
            assert!(answer.status.is_success(), "{what}: {answer:?}");
        }
        assert_eq!(self.ready(), ("ready".to_owned(), "[]".to_owned()));
        let whole = self.admin.get(&format!("{API}/abac/users/whole/attributes")).json();
        assert_eq!(whole["attributes"].as_object().unwrap().len(), 3);
        assert_eq!(self.admin.get(&format!("{API}/audit/verify")).json()["valid"], true);
        assert!(self.may("alice") && self.may_cold());
    }
}

/// A server to be, with SQLite on a disk that can fail.
fn on_a_disk() -> (Setup, Disk) {
    let setup = Setup::new().on_sqlite();
    let disk = Disk::below(&setup.folder().join("data"));
    let setup = disk.environment().iter().fold(setup, |setup, (name, value)| setup.env(name, value));
    (setup, disk)
}

/// Insists on a 503 that says why, and when to ask again.
fn unavailable(what: &str, answer: &Answer, why: &str) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert_eq!(answer.header("retry-after"), "2", "{what}: {answer:?}");
    let said = String::from_utf8_lossy(&answer.body);
    assert!(said.contains(why) && said.contains("nothing was changed"), "{what}: {said}");
}
