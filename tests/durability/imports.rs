//! `kill -9` in the midst of imports, of the server that does one and of the command: every user is whole, batches are there
//! in the order of the file, and nothing that was there before is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Server, count, eventually, write_file};

const API: &str = "/t/acme/api/v1";
const USERS: usize = 2000;

#[test]
fn kill_9_of_an_import_leaves_whole_users_in_the_order_of_the_file() {
    let mut server = Server::start();
    let (rounds, most) = (count(3, 100), 200);
    let (mut before, mut interrupted) = (vec![0; USERS], [0, 0]);
    for round in 1..=most {
        // More of them on a machine so slow, or so fast, that each came in the midst of none.
        if round > rounds && interrupted.iter().all(|times| *times > 0) {
            break;
        }
        let file = server.folder().join("users.ndjson");
        write_file(&file, &(0..USERS).map(|number| line(number, round)).collect::<String>());
        let delay = Duration::from_millis(100 + 83 * (round / 2 % 7) as u64);
        let of_the_server = round % 2 == 0;
        if of_the_server {
            kill_server(&mut server, delay)
        } else {
            kill_command(&server, delay)
        }
        // First, as a commit that was on its way to PostgreSQL may still come in.
        assert_eq!(server.admin().get(&format!("{API}/audit/verify")).json()["valid"], true);
        let after = stored(&server);
        let done = after.iter().filter(|step| **step == round).count();
        assert!(
            after[..done].iter().all(|step| *step == round),
            "round {round}: not in the order of the file: {after:?}"
        );
        assert_eq!(after[done..], before[done..], "round {round}: those after it are as they were");
        let (app, plan) = (server.app("decide"), after[0] % 2 == 1);
        eventually("decisions follow what is stored", || app.may("user-0000", "export", "report") == plan);
        interrupted[usize::from(of_the_server)] += usize::from(done > 0 && done < USERS);
        before = after;
    }
    assert!(interrupted.iter().all(|times| *times > 0), "{interrupted:?}");
}

/// A user as of a round.
fn line(number: usize, round: usize) -> String {
    let (odd, even) = if round % 2 == 1 { (json!(round), Value::Null) } else { (Value::Null, json!(round)) };
    let plan = if round % 2 == 1 { "enterprise" } else { "free" };
    let traits = json!({ "step": round, "odd": odd, "even": even, "plan": plan, "email_opt_in": true });
    format!("{}\n", json!({ "userId": format!("user-{number:04}"), "traits": traits }))
}

/// The last round that each user knows of; 0 for one who is not there.
fn stored(server: &Server) -> Vec<usize> {
    let export = server.admin().get(&format!("{API}/users:export?format=ndjson"));
    let mut steps = vec![0; USERS];
    for line in std::str::from_utf8(&export.body).unwrap().lines() {
        let user: Value = serde_json::from_str(line).unwrap();
        let number: usize = user["userId"].as_str().unwrap()["user-".len()..].parse().unwrap();
        let step = user["traits"]["step"].as_u64().unwrap();
        let (parity, plan) = if step % 2 == 1 { ("odd", "enterprise") } else { ("even", "free") };
        let whole = json!({ "step": step, parity: step, "plan": plan, "email_opt_in": true });
        assert_eq!(user["traits"], whole, "all of a user or nothing");
        steps[number] = step as usize;
    }
    steps
}

/// Kills a server that takes in a file over HTTP.
fn kill_server(server: &mut Server, delay: Duration) {
    let admin = server.admin();
    let file = std::fs::read(server.folder().join("users.ndjson")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = format!("{API}/users:import?format=ndjson&onError=skip");
            // A panic is how a client says that the server is gone.
            let _ = catch_unwind(AssertUnwindSafe(|| admin.send(Method::POST, &path, &[], file)));
        });
        std::thread::sleep(delay);
        server.signal("-KILL");
    });
    server.kill();
    server.restart();
}

/// Kills a command that takes it in beside a server.
fn kill_command(server: &Server, delay: Duration) {
    let mut command = server.command(&["import", "--tenant", "acme", "--on-error", "skip"]);
    command.arg("--policies").arg(server.policies()).arg(server.folder().join("users.ndjson"));
    let mut import = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    import.kill().unwrap();
    import.wait().unwrap();
}
