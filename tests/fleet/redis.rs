//! Redis between memory and the database: it saves readings, and never makes a decision wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use serde_json::json;

use super::Fleet;
use crate::support::redis::{Cluster, Redis};
use crate::support::{count, eventually, run};

fn plan(round: usize) -> &'static str {
    if round.is_multiple_of(2) { "pro" } else { "free" }
}

/// Writes at one and asks the other until it decides by what was written, in turns.
fn writes_at_one_decide_at_the_other(fleet: &Fleet, user: &str, rounds: usize) {
    let admins = [fleet.admin(0), fleet.admin(1)];
    for round in 0..rounds {
        let (here, there) = (&admins[round % 2], &admins[(round + 1) % 2]);
        here.set(user, "plan", json!(plan(round)));
        assert_eq!(here.may(user, "use", "tool"), plan(round) == "pro", "whoever wrote knows");
        eventually("the other follows", || there.may(user, "use", "tool") == (plan(round) == "pro"));
    }
}

#[test]
fn what_one_has_read_the_others_find() {
    let redis = Redis::start();
    let mut fleet = Fleet::new(2, Some(&redis.url()));
    let [here, there] = [fleet.admin(0), fleet.admin(1)];
    here.set("alice", "plan", json!("pro"));
    here.set("bob", "plan", json!("free"));
    eventually("alice in Redis", || redis.keys().len() == 2);
    assert!(there.may("alice", "use", "tool") && !there.may("bob", "use", "tool"));
    eventually("hits", || fleet.redis(1, "hit") == 2.0);
    assert!(!there.may("nobody", "use", "tool"));
    assert!(there.may("alice", "use", "tool"));
    assert_eq!(
        (fleet.redis(1, "hit"), fleet.redis(1, "miss")),
        (2.0, 1.0),
        "memory is asked first, and keeps what is found"
    );
    eventually("the word that there is nobody", || redis.keys().len() == 3);
    assert!(!here.may("nobody", "use", "tool"));
    assert_eq!(fleet.redis(0, "hit"), 1.0);

    // Nobody who looks into Redis learns anything.
    for key in redis.keys() {
        let value = redis.ask(&["GET", &key]);
        assert!(value.starts_with("\"1") || value.starts_with('1'), "{value}");
        assert!(!value.contains("pro") && !value.contains("plan"), "{value}");
        assert!(redis.ask(&["TTL", &key]).parse::<i64>().unwrap() > 0, "{key} goes by itself");
    }
    // One that starts later finds what was there before it: it learns what has changed lately.
    fleet.grow(Some(&redis.url()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(fleet.admin(2).may("alice", "use", "tool"));
    assert_eq!(fleet.redis(2, "hit"), 1.0);
    // Whoever is erased is gone there, too.
    assert_eq!(here.delete("/t/acme/api/v1/users/alice").status, 204);
    eventually("gone", || !fleet.admin(2).may("alice", "use", "tool"));
    let key = redis.keys().into_iter().find(|key| key.ends_with("alice")).unwrap();
    eventually("the word that she is gone", || redis.ask(&["STRLEN", &key]).parse::<usize>().unwrap() < 60);
}

#[test]
fn what_somebody_puts_there_is_not_believed() {
    let redis = Redis::start();
    let mut fleet = Fleet::new(1, Some(&redis.url()));
    let here = fleet.admin(0);
    here.set("alice", "plan", json!("pro"));
    here.set("bob", "plan", json!("free"));
    eventually("both in Redis", || redis.keys().len() == 2);
    let key = |of: &str| redis.keys().into_iter().find(|key| key.ends_with(of)).unwrap();
    let (alice, bob) = (key("alice"), key("bob"));
    redis.ask(&["COPY", &alice, "kept"]);

    // Somebody else's value.
    redis.ask(&["COPY", &alice, &bob, "REPLACE"]);
    fleet.grow(Some(&redis.url()));
    assert!(!fleet.admin(1).may("bob", "use", "tool"), "bound to its name");
    // What was true once.
    here.set("alice", "plan", json!("free"));
    eventually("the new value", || redis.ask(&["GET", &alice]) != redis.ask(&["GET", "kept"]));
    redis.ask(&["COPY", "kept", &alice, "REPLACE"]);
    fleet.grow(Some(&redis.url()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!fleet.admin(2).may("alice", "use", "tool"), "it is older than the last change");
    assert_eq!(fleet.redis(2, "too_old"), 1.0);
    eventually("what it read instead", || redis.ask(&["GET", &alice]) != redis.ask(&["GET", "kept"]));
    // Nonsense of every kind, and a later format.
    for nonsense in ["", "1", "hello", "20000000000000000009................", &"1".repeat(4000)] {
        redis.ask(&["SET", &alice, nonsense]);
        fleet.grow(Some(&redis.url()));
        let last = fleet.servers.len() - 1;
        assert!(!fleet.admin(last).may("alice", "use", "tool"), "{nonsense:?}");
        assert_eq!(fleet.redis(last, "hit"), 0.0);
        fleet.servers.pop();
    }
}

#[test]
fn admins_see_what_is_remembered_and_have_it_forgotten() {
    let redis = Redis::start();
    let fleet = Fleet::new(1, Some(&redis.url()));
    let (server, here) = (&fleet.servers[0], fleet.admin(0));
    here.set("alice", "plan", json!("pro"));
    eventually("alice in Redis", || redis.keys().len() == 1);
    let cache = |args: &[&str]| {
        let mut command = server.command(&[&["cache"], args].concat());
        let command = command.env("SIDEGATE_REDIS", redis.url()).env("SIDEGATE_POLICIES", server.policies());
        let (output, out, err) = run(command);
        assert!(output.status.success(), "{err}");
        out
    };
    let get =
        |user: &str| -> serde_json::Value { serde_json::from_str(&cache(&["get", "--tenant", "acme", user])).unwrap() };
    let found = get("alice");
    assert_eq!((&found["redis"]["present"], &found["redis"]["asOf"]), (&json!(true), &found["database"]["asOf"]));
    let nobody = get("bob");
    assert_eq!((&nobody["redis"], &nobody["database"]["present"]), (&json!(null), &json!(false)));

    let (output, _, err) = run(&mut server.command(&["cache", "get", "--tenant", "amce", "alice"]));
    assert!(output.status.code() == Some(2) && err.contains("there is no tenant amce here; there are: acme"), "{err}");

    // Past all code: only whoever forgets finds out.
    assert!(here.may("alice", "use", "tool"));
    server.execute("UPDATE fields SET value = '\"free\"' WHERE slug = 'plan'");
    assert!(here.may("alice", "use", "tool"));
    assert!(cache(&["drop", "--tenant", "acme", "alice"]).contains("forget alice"));
    eventually("she is read anew", || !here.may("alice", "use", "tool"));
    server.execute("UPDATE fields SET value = '\"pro\"' WHERE slug = 'plan'");
    cache(&["drop", "--all"]);
    eventually("everybody is", || here.may("alice", "use", "tool"));
    let stats = cache(&["stats"]);
    assert!(stats.contains("sidegate_redis_lookups_total{outcome=\"too_old\"} 2"), "{stats}");
    assert!(stats.contains("sidegate_user_lookups_total{outcome=\"hit\"}"), "{stats}");
}

#[test]
fn an_older_value_never_replaces_a_newer_one() {
    let redis = Redis::start();
    let fleet = Fleet::new(1, Some(&redis.url()));
    let here = fleet.admin(0);
    here.set("alice", "plan", json!("pro"));
    eventually("alice in Redis", || redis.keys().len() == 1);
    let alice = redis.keys().pop().unwrap();
    let head = || redis.ask(&["GETRANGE", &alice, "0", "19"]);
    let first = head();
    for round in 0..20 {
        here.set("alice", "plan", json!(plan(round)));
    }
    eventually("the last one", || head() > first);
    let last = head();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(head() >= last);
}

#[test]
fn a_thousand_writes_at_one_decide_at_the_other() {
    let redis = Redis::start();
    let fleet = Fleet::new(2, Some(&redis.url()));
    writes_at_one_decide_at_the_other(&fleet, "alice", count(200, 2000));
}

#[test]
fn redis_may_die_come_back_empty_freeze_and_fill_up() {
    let mut redis = Redis::start();
    let fleet = Fleet::new(2, Some(&redis.url()));
    let rounds = count(6, 200);
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    redis.stop();
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
    // Whoever is not in memory is found in the database.
    let asked = std::time::Instant::now();
    for number in 0..20 {
        assert!(!fleet.admin(1).may(&format!("nobody-{number}"), "use", "tool"));
    }
    assert!(asked.elapsed().as_secs() < 5, "nobody waits for Redis again and again");
    eventually("the circuit opens", || fleet.servers[1].metric("sidegate_redis_circuit_open") == 1.0);
    let ready = fleet.admin(1).get("/readyz");
    assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (200, Some("degraded")));
    redis.resume();
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
    eventually("it closes by itself", || fleet.servers[1].metric("sidegate_redis_circuit_open") == 0.0);
    redis.signal("STOP");
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
    assert!(!fleet.admin(0).may("nobody-at-all", "use", "tool"));
    redis.signal("CONT");
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
    assert!(!fleet.admin(0).may("nobody-in-there", "use", "tool"));
    let ready = || fleet.admin(0).get("/readyz").json()["status"] == "ready";
    eventually("a full Redis is still one", ready);
    redis.ask(&["FLUSHALL"]);
    writes_at_one_decide_at_the_other(&fleet, "alice", rounds);
    revocation_is_heard(&fleet);
}

/// A token that is revoked at one counts no more at the other.
fn revocation_is_heard(fleet: &Fleet) {
    let [here, there] = [&fleet.servers[0], &fleet.servers[1]];
    let made = here.token(&["service-token", "--tenant", "acme", "--scope", "decide", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let app = there.client(made["token"].as_str());
    eventually("the token counts", || app.ask("alice", "use", "tool").status == 200);
    here.token(&["service-token", "--revoke", made["id"].as_str().unwrap()]);
    eventually("the token counts no more", || app.ask("alice", "use", "tool").status == 401);
}

/// Passes on everything but the messages of channels.
fn without_messages(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", to)).unwrap());
            let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut client, &mut server);
                let _ = server.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || {
                let mut part = [0; 65536];
                while let Ok(read @ 1..) = from.read(&mut part) {
                    let told = part[..read].windows(7).any(|window| window == b"message");
                    if !told && back.write_all(&part[..read]).is_err() {
                        break;
                    }
                }
                let _ = back.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn messages_may_get_lost() {
    let redis = Redis::start();
    let fleet = Fleet::new(2, Some(&format!("redis://127.0.0.1:{}", without_messages(redis.port()))));
    writes_at_one_decide_at_the_other(&fleet, "alice", count(10, 200));
    assert!(fleet.redis(0, "failure") + fleet.redis(1, "failure") == 0.0, "the rest came through");
}

#[test]
fn a_cluster_is_as_good_and_may_lose_a_node() {
    let mut cluster = Cluster::start();
    let fleet = Fleet::new(2, Some(&cluster.url()));
    let [here, there] = [fleet.admin(0), fleet.admin(1)];
    for number in 0..30 {
        here.set(&format!("user-{number}"), "plan", json!(plan(number)));
    }
    let keys = |cluster: &mut Cluster| cluster.nodes().iter().map(|node| node.keys().len()).collect::<Vec<_>>();
    eventually("all in Redis", || keys(&mut cluster).iter().sum::<usize>() == 30);
    assert!(keys(&mut cluster).iter().all(|keys| *keys > 0), "every node has some");
    for number in 0..30 {
        assert_eq!(there.may(&format!("user-{number}"), "use", "tool"), plan(number) == "pro");
    }
    assert_eq!(fleet.redis(1, "hit"), 30.0);
    writes_at_one_decide_at_the_other(&fleet, "alice", count(10, 200));
    cluster.nodes()[1].stop();
    writes_at_one_decide_at_the_other(&fleet, "alice", count(10, 200));
    // A client of before may have been idle for so long that its connection is closed.
    let there = fleet.admin(1);
    for number in 0..30 {
        assert_eq!(there.may(&format!("user-{number}"), "use", "tool"), plan(number) == "pro");
    }
}
