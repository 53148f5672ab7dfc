//! Writers at the same time, in one process and in two: every success is explained, and nothing is lost that must not be.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Client, Server, Setup, count, eventually, trail};

const PLAN: &str = "/t/acme/api/v1/abac/users/alice/attributes/plan";
const JSON: (&str, &str) = ("content-type", "application/json");

fn put(client: &Client, value: &Value, condition: Option<(&str, &str)>) -> (u16, String) {
    let headers: Vec<_> = [JSON].into_iter().chain(condition).collect();
    let answer = client.send(Method::PUT, PLAN, &headers, json!({ "value": value }).to_string());
    (answer.status.as_u16(), answer.header("etag").to_owned())
}

/// Two processes on one database.
fn two() -> [Server; 2] {
    let first = Server::start();
    let second = Setup::new().beside(&first).start();
    [first, second]
}

/// A client of the instance's admin, at any of the processes.
fn admin(servers: &[Server], number: usize) -> Client {
    let token = std::fs::read_to_string(servers[0].data().join("admin-token")).unwrap();
    servers[number % servers.len()].client(Some(token.trim()))
}

/// Lets writers write at once, in rounds that begin together; what each of them was told, round by round.
fn together<T: Send>(
    servers: &[Server],
    writers: usize,
    rounds: usize,
    write: impl Fn(&Client, usize, usize) -> T + Sync,
) -> Vec<Vec<T>> {
    let barrier = Barrier::new(writers);
    let told: Vec<Vec<T>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let (barrier, write) = (&barrier, &write);
                scope.spawn(move || {
                    let client = admin(servers, writer);
                    let round = |round| {
                        barrier.wait();
                        // The others would wait for one that gave up.
                        let told = catch_unwind(AssertUnwindSafe(|| write(&client, writer, round)));
                        barrier.wait();
                        told
                    };
                    (0..rounds).map(round).collect::<Vec<_>>()
                })
            })
            .collect();
        let told = threads.into_iter().map(|thread| thread.join().unwrap());
        told.map(|of_one| of_one.into_iter().map(|told| told.unwrap_or_else(|why| resume_unwind(why))).collect())
            .collect()
    });
    let mut by_round: Vec<Vec<T>> = (0..rounds).map(|_| Vec::new()).collect();
    told.into_iter().for_each(|of_one| of_one.into_iter().zip(&mut by_round).for_each(|(one, all)| all.push(one)));
    by_round
}

fn without_a_condition_the_last_write_wins(servers: &[Server], writers: usize) {
    let rounds = count(8, 200);
    let told = together(servers, writers, rounds, |client, writer, round| put(client, &json!([round, writer]), None));
    for (round, answers) in told.iter().enumerate() {
        let made = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(made, usize::from(round == 0), "one of the first round made it: {answers:?}");
        assert!(answers.iter().all(|(status, _)| matches!(status, 200 | 201)), "{answers:?}");
        let tags: BTreeSet<_> = answers.iter().map(|(_, tag)| tag).collect();
        assert_eq!(tags.len(), writers, "each wrote something else: {answers:?}");
    }
    let client = admin(servers, 0);
    let story = trail::agrees(&client, "acme");
    let last = &story[&("alice".to_owned(), "traits.plan".to_owned())];
    assert_eq!(last[0], rounds as u64 - 1, "one of the last round: {last}");
    let entries = client.get("/t/acme/api/v1/audit?limit=1").json();
    assert_eq!(entries["entries"][0]["seq"], (rounds * writers) as u64, "an entry for each success");
    // The tag of the last write is the one that is there.
    let tag = client.get(PLAN).header("etag").to_owned();
    let of_winner = &told[rounds - 1][last[1].as_u64().unwrap() as usize].1;
    assert_eq!(tag, *of_winner);
}

fn of_those_who_saw_the_same_one_writes(servers: &[Server], writers: usize) {
    let rounds = count(8, 200);
    let seen = std::sync::Mutex::new((String::new(), 0));
    let told = together(servers, writers, rounds, |client, writer, round| {
        let tag = {
            let mut seen = seen.lock().unwrap();
            // The first of a round reads for all of them.
            if seen.1 == round {
                *seen = (client.get(PLAN).header("etag").to_owned(), round + 1);
            }
            seen.0.clone()
        };
        let condition = if tag.is_empty() { ("if-none-match", "*") } else { ("if-match", tag.as_str()) };
        put(client, &json!([round, writer]), Some(condition)).0
    });
    for (round, answers) in told.iter().enumerate() {
        let wrote = answers.iter().filter(|status| matches!(status, 200 | 201)).count();
        assert_eq!(wrote, 1, "round {round}: {answers:?}");
        assert!(answers.iter().all(|status| matches!(status, 200 | 201 | 412)), "{answers:?}");
    }
    let client = admin(servers, 0);
    trail::agrees(&client, "acme");
    let entries = client.get("/t/acme/api/v1/audit?limit=1").json();
    assert_eq!(entries["entries"][0]["seq"], rounds as u64, "an entry for each success, and none for a refusal");
}

#[test]
fn the_last_of_two_and_of_eight_writes_wins() {
    for writers in [2, 8] {
        without_a_condition_the_last_write_wins(&[Server::start()], writers);
    }
}

#[test]
fn one_of_two_and_of_eight_writes_what_all_expected() {
    for writers in [2, 8] {
        of_those_who_saw_the_same_one_writes(&[Server::start()], writers);
    }
}

#[test]
fn writers_in_two_processes_are_as_careful() {
    without_a_condition_the_last_write_wins(&two(), 8);
    of_those_who_saw_the_same_one_writes(&two(), 8);
}

#[test]
fn nobody_who_defines_without_a_condition_is_told_of_one() {
    let told = together(&two(), 4, count(10, 100), |client, writer, round| {
        let definition = json!({ "dataType": "number", "description": format!("{round}, {writer}") });
        client.json(Method::PUT, "/t/acme/api/v1/abac/attributes/seats", &definition).status.as_u16()
    });
    assert!(told.iter().flatten().all(|status| matches!(status, 200 | 201)), "{told:?}");
    let made = told.iter().flatten().filter(|status| **status == 201).count();
    assert_eq!(made, 1, "{told:?}");
}

#[test]
fn two_processes_count_with_one_number_and_lose_none() {
    let servers = two();
    let (writers, rounds) = (8, count(5, 100));
    together(&servers, writers, rounds, |client, _, _| {
        loop {
            let read = client.get(PLAN);
            let number = read.json()["value"].as_u64().unwrap_or(0);
            let condition = match read.header("etag") {
                "" => ("if-none-match", "*"),
                tag => ("if-match", tag),
            };
            match put(client, &json!(number + 1), Some(condition)).0 {
                200 | 201 => return,
                status => assert_eq!(status, 412),
            }
        }
    });
    let all = writers * rounds;
    assert_eq!(admin(&servers, 0).get(PLAN).json()["value"], all as u64);
    assert_eq!(trail::agrees(&admin(&servers, 1), "acme").len(), 1);
}

#[test]
fn everything_at_once_leaves_a_trail_without_gaps() {
    let servers = two();
    let api = "/t/acme/api/v1/profiling";
    let (admin_here, settings) = (admin(&servers, 0), json!({ "enabled": true }));
    assert_eq!(admin_here.json(Method::PUT, &format!("{api}/settings"), &settings).status, 200);
    let rules = json!([{ "fields": ["company"], "condition": "missing" }]);
    assert_eq!(admin_here.json(Method::PUT, &format!("{api}/rules"), &rules).status, 200);
    let told = together(&servers, 8, count(6, 150), |client, writer, round| {
        let user = format!("user{}", (writer + round) % 3);
        let base = format!("/t/acme/api/v1/abac/users/{user}/attributes");
        let answer = match (writer * 7 + round) % 6 {
            0 => client.json(Method::PATCH, &base, &json!({ "a": round, "b": round, "plan": "enterprise" })),
            1 => client.delete(&format!("/t/acme/api/v1/users/{user}")),
            2 => client.json(Method::PUT, "/t/acme/api/v1/abac/resources/doc/7/attributes", &json!({ "by": writer })),
            3 => client.delete(&format!("{base}/a")),
            4 => {
                let login = json!({
                    "userId": user, "loginId": format!("{writer}-{round}"),
                    "identities": [{ "provider": "github", "subject": (round % 2).to_string() }],
                    "consents": [{ "purpose": "news", "version": round.to_string() }],
                });
                client.json(Method::POST, "/t/acme/api/v1/profiling/check", &login)
            }
            _ => client.json(Method::PUT, &format!("{base}/plan"), &json!({ "value": "free" })),
        };
        answer.status.as_u16()
    });
    for status in told.iter().flatten() {
        // 409: the user was erased during the login.
        assert!(matches!(status, 200 | 201 | 204 | 404 | 409), "{told:?}");
    }
    let story = trail::agrees(&admin(&servers, 0), "acme");
    assert!(!story.is_empty());
    // What both processes answer is what is stored, once they have heard of it.
    let [here, there] = [0, 1].map(|number| admin(&servers, number));
    for user in ["user0", "user1", "user2"] {
        let plan = story.get(&(user.to_owned(), "traits.plan".to_owned()));
        here.set(user, "email_opt_in", json!(true));
        let (known, pro) = (format!("/t/acme/api/v1/users/{user}"), plan == Some(&json!("enterprise")));
        for client in [&here, &there] {
            eventually("the same decision", || client.may(user, "export", "report") == pro);
        }
        assert_eq!(here.get(&known).json(), there.get(&known).json());
    }
}
