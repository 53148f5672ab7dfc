//! Many ask at once while traits and policies change: every answer is held against what was acknowledged by then.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::{count, eventually};

use super::app::field;
use super::scene::Scene;

const ASKERS: usize = 4;

/// Something that is denied and allowed in turn, by one writer. An odd number says that a change is under way.
#[derive(Default)]
struct Turning(AtomicUsize);

impl Turning {
    /// Makes a change, which is over once `change` has returned; it gets what is to be.
    fn turn(&self, change: impl FnOnce(bool)) {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        change(number.is_multiple_of(4));
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The status that an answer must have.
enum Wanted<'s> {
    Always(u16),
    As(&'s Turning),
}

impl Wanted<'_> {
    fn number(&self) -> usize {
        match self {
            Wanted::Always(_) => 0,
            Wanted::As(turning) => turning.0.load(Ordering::SeqCst),
        }
    }

    /// What somebody must get who asked while nothing changed; `None` if something did.
    fn status(&self, before: usize) -> Option<u16> {
        match self {
            Wanted::Always(status) => Some(*status),
            Wanted::As(_) if self.number() != before || !before.is_multiple_of(2) => None,
            Wanted::As(_) => Some(if before % 4 == 2 { 200 } else { 403 }),
        }
    }
}

/// What everybody knows.
#[derive(Default)]
struct State {
    carol: Turning,
    weekly: Turning,
    over: AtomicBool,
    answers: AtomicUsize,
}

/// A client that keeps its connection.
struct Asker {
    runtime: Runtime,
    address: SocketAddr,
    connection: Option<SendRequest<Empty<Bytes>>>,
}

impl Asker {
    fn new(scene: &Scene) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, address: scene.address, connection: None }
    }

    fn ask(&mut self, path: &str, token: Option<&str>) -> u16 {
        let Self { runtime, address, connection } = self;
        runtime.block_on(async {
            // A proxy may close a connection at any time between two answers.
            for _ in 0..3 {
                let mut sender = match connection.take() {
                    Some(sender) => sender,
                    None => connect(*address).await,
                };
                let mut request = Request::get(path).header("host", "app.acme.example");
                if let Some(token) = token {
                    request = request.header("authorization", token);
                }
                let request = request.body(Empty::new()).unwrap();
                if sender.ready().await.is_err() {
                    continue;
                }
                let Ok(answer) = sender.send_request(request).await else { continue };
                let status = answer.status().as_u16();
                if answer.into_body().collect().await.is_ok() {
                    *connection = Some(sender);
                }
                return status;
            }
            panic!("no answer about {path}");
        })
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A second, and a minute in a long run.
pub fn no_answer_is_wrong(scene: &Scene) {
    let state = State::default();
    scene.server.admin().set("carol", "plan", json!("free"));
    scene.server.write_policy(WEEKLY, &weekly(false));
    scene.app.seen();
    let tokens = ["alice", "bob", "carol"].map(|user| scene.token(user));
    let until = Instant::now() + Duration::from_secs(count(1, 60) as u64);
    let (flips, reloads) = std::thread::scope(|threads| {
        for first in 0..ASKERS {
            let (state, tokens) = (&state, &tokens);
            threads.spawn(move || ask_on(scene, state, tokens, first));
        }
        let flips = threads.spawn(|| flip(scene, &state, &tokens[2]));
        let reloads = threads.spawn(|| reload(scene, &state, &tokens[1]));
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
            identities(scene);
        }
        state.over.store(true, Ordering::SeqCst);
        (flips.join().unwrap(), reloads.join().unwrap())
    });
    identities(scene);
    let answers = state.answers.into_inner();
    println!("{:?}: {answers} answers, {flips} changes of a trait, {reloads} of policies", scene.proxy);
    assert!(answers > 50 && flips > 0 && reloads > 0, "{:?}: {answers} {flips} {reloads}", scene.proxy);
}

/// Asks about all, over and over.
fn ask_on(scene: &Scene, state: &State, [alice, bob, carol]: &[String; 3], first: usize) {
    let questions = [
        ("/reports/alice", Some(&**alice), Wanted::Always(200)),
        ("/reports/bob", Some(&**bob), Wanted::Always(403)),
        ("/reports/nobody", None, Wanted::Always(401)),
        ("/public/a", None, Wanted::Always(200)),
        ("/reports/carol", Some(&**carol), Wanted::As(&state.carol)),
        ("/weekly", Some(&**bob), Wanted::As(&state.weekly)),
    ];
    let mut asker = Asker::new(scene);
    for (path, token, wanted) in questions.iter().cycle().skip(first) {
        if state.over.load(Ordering::SeqCst) {
            return;
        }
        let before = wanted.number();
        let status = asker.ask(path, *token);
        let fine = wanted.status(before).map_or(matches!(status, 200 | 403), |wanted| wanted == status);
        assert!(fine, "{:?}: {path} got {status} instead of {:?}", scene.proxy, wanted.status(before));
        state.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Changes carol's plan, and asks as carol whenever that is acknowledged; how often.
fn flip(scene: &Scene, state: &State, carol: &str) -> usize {
    let (admin, mut asker) = (scene.server.admin(), Asker::new(scene));
    let wanted = Wanted::As(&state.carol);
    while !state.over.load(Ordering::SeqCst) {
        state.carol.turn(|pro| admin.set("carol", "plan", json!(if pro { "pro" } else { "free" })));
        let number = wanted.number();
        assert_eq!(Some(asker.ask("/reports/carol", Some(carol))), wanted.status(number), "{:?}", scene.proxy);
        std::thread::sleep(Duration::from_millis(5));
    }
    wanted.number() / 2
}

/// Changes a policy, asks whenever sidegate says that it is in force, and breaks the file in between; how often.
fn reload(scene: &Scene, state: &State, bob: &str) -> usize {
    let (app, anybody, mut asker) = (scene.server.app("decide"), scene.server.client(None), Asker::new(scene));
    let wanted = Wanted::As(&state.weekly);
    while !state.over.load(Ordering::SeqCst) {
        state.weekly.turn(|allowed| {
            scene.server.write_policy(WEEKLY, &weekly(allowed));
            eventually("the policy is in force", || app.may("bob", "read", "weekly") == allowed);
        });
        let number = wanted.number();
        assert_eq!(Some(asker.ask("/weekly", Some(bob))), wanted.status(number), "{:?}", scene.proxy);
        // What does not compile changes nothing.
        scene.server.write_policy(WEEKLY, "allow weekly {");
        eventually("it is seen to be broken", || anybody.get("/readyz").json()["status"] == "degraded");
    }
    wanted.number() / 2
}

const WEEKLY: &str = "acme/weekly.policy";

fn weekly(allowed: bool) -> String {
    format!(
        "route GET \"/weekly\" => \"read\" on \"weekly\"\nallow weekly {{ action \"read\" resource \"weekly\" when {allowed} }}\n"
    )
}

/// What reached the app reached it as whoever asked.
fn identities(scene: &Scene) {
    for seen in scene.app.seen() {
        let subject = match seen.split(' ').nth(1).unwrap() {
            "/reports/alice" => "alice",
            "/reports/carol" => "carol",
            "/weekly" => "bob",
            "/public/a" => "",
            other => panic!("{:?}: {other} reached the app: {seen}", scene.proxy),
        };
        assert_eq!(field(&seen, "x-auth-subject").unwrap_or_default(), subject, "{:?}: {seen}", scene.proxy);
    }
}
