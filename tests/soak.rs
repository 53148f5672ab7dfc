//! Decisions, trait writes and reloads at once: every answer must be one that the state of some moment explains.
//!
//! Each version of the policies allows the plan `a` or the plan `b`, in turn, and names its number as the reason. Each
//! user has one writer. So an answer tells which version decided, and which plans the user may have had in between.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Server, Setup, count};

const USERS: usize = 8;
const WRITERS: usize = 2;
const DECIDERS: usize = 4;

/// Files that changed are read at the latest so long after.
const RELOADED_WITHIN: Duration = Duration::from_secs(5);

const PLANS: [Option<&str>; 3] = [Some("a"), Some("b"), None];

/// A write, from before it was sent until it was acknowledged.
#[derive(Clone, Copy)]
struct Write {
    plan: Option<&'static str>,
    from: Instant,
    /// `None` while it is under way.
    until: Option<Instant>,
}

#[derive(Default)]
struct History {
    writes: [Mutex<Vec<Write>>; USERS],
    /// When the files of a version were all there.
    versions: Mutex<Vec<Instant>>,
    over: AtomicBool,
    decisions: AtomicUsize,
}

/// The plan that a version allows.
fn allowed(version: usize) -> &'static str {
    if version.is_multiple_of(2) { "a" } else { "b" }
}

fn policies(version: usize) -> String {
    let plan = allowed(version);
    format!(
        "allow soak {{ action \"export\" resource \"report\" when user.traits.plan == \"{plan}\" reason \"v{version}\" }}\n\
         deny others {{ action \"export\" resource \"report\" when missing(user.traits.plan) OR user.traits.plan != \"{plan}\" \
         reason \"v{version}\" }}\n"
    )
}

impl History {
    /// Plans that the user may have had between two moments.
    fn plans(&self, user: usize, from: Instant, until: Instant) -> Vec<Option<&'static str>> {
        let writes = self.writes[user].lock().unwrap();
        let before = writes.iter().rposition(|write| write.until.is_some_and(|end| end < from));
        let first = before.and_then(|place| writes[place].plan);
        let during = writes[before.map_or(0, |place| place + 1)..].iter().filter(|write| write.from <= until);
        std::iter::once(first).chain(during.map(|write| write.plan)).collect()
    }

    fn write(&self, server: &Server, writer: usize) {
        let client = server.admin();
        let mut number = 0;
        while !self.over.load(Ordering::Relaxed) {
            number += 1;
            let user = (number * 5 % (USERS / WRITERS)) * WRITERS + writer;
            let plan = PLANS[(number + number / 7) % PLANS.len()];
            let path = format!("/t/acme/api/v1/abac/users/u{user}/attributes/plan");
            self.writes[user].lock().unwrap().push(Write { plan, from: Instant::now(), until: None });
            let status = match plan {
                Some(plan) => client.json(http::Method::PUT, &path, &serde_json::json!({ "value": plan })).status,
                None => client.delete(&path).status,
            };
            assert!(status.is_success() || status == 404, "{status}");
            self.writes[user].lock().unwrap().last_mut().unwrap().until = Some(Instant::now());
        }
    }

    fn reload(&self, server: &Server) {
        while !self.over.load(Ordering::Relaxed) {
            let version = self.versions.lock().unwrap().len();
            // A version may be seen as soon as its file is there, so it is noted first.
            self.versions.lock().unwrap().push(Instant::now());
            server.write_policy("acme/acme.policy", &policies(version));
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn decide(&self, server: &Server, decider: usize) {
        let client = server.app("decide");
        let (mut number, mut last) = (decider, 0);
        while !self.over.load(Ordering::Relaxed) {
            number += 1;
            let user = number % USERS;
            let start = Instant::now();
            let answer = client.ask(&format!("u{user}"), "export", "report").json();
            let end = Instant::now();
            self.decisions.fetch_add(1, Ordering::Relaxed);
            let version: usize = answer["context"]["reason"].as_str().unwrap().trim_start_matches('v').parse().unwrap();
            assert!(version >= last, "version {version} after {last}");
            last = version;
            let replaced = self.versions.lock().unwrap().get(version + 1).copied();
            let stale = replaced.map_or(Duration::ZERO, |at| start.saturating_duration_since(at));
            assert!(stale < RELOADED_WITHIN, "version {version} still decides {stale:?} after it was replaced");
            let plans = self.plans(user, start, end);
            let explained = plans.iter().any(|plan| (*plan == Some(allowed(version))) == (answer["decision"] == true));
            assert!(explained, "u{user} had one of {plans:?}, version {version} says {answer}");
        }
    }
}

#[test]
fn every_answer_is_explained_by_the_state_of_some_moment() {
    let server = Setup::new().policy("acme/acme.policy", &policies(0)).start();
    let history = History::default();
    history.versions.lock().unwrap().push(Instant::now());
    std::thread::scope(|scope| {
        let (server, history) = (&server, &history);
        // A thread that fails ends the others.
        let guarded = |work: &dyn Fn()| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            history.over.store(true, Ordering::Relaxed);
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        };
        for writer in 0..WRITERS {
            scope.spawn(move || guarded(&|| history.write(server, writer)));
        }
        for decider in 0..DECIDERS {
            scope.spawn(move || guarded(&|| history.decide(server, decider)));
        }
        scope.spawn(move || guarded(&|| history.reload(server)));
        let end = Instant::now() + Duration::from_secs(count(3, 60) as u64);
        while Instant::now() < end && !history.over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        history.over.store(true, Ordering::Relaxed);
    });
    let writes: usize = history.writes.iter().map(|writes| writes.lock().unwrap().len()).sum();
    let (decisions, versions) = (history.decisions.load(Ordering::Relaxed), history.versions.lock().unwrap().len());
    println!("{decisions} decisions, {writes} writes, {versions} versions");
    assert!(
        decisions > 100 && writes > 20 && versions > 3,
        "{decisions} decisions, {writes} writes, {versions} versions"
    );
}
