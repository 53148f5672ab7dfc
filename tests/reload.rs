//! Policies change while the server runs.

use serde_json::json;

use crate::support::{Server, Setup, eventually};

const ALLOW: &str = "allow everything { action any resource any when true }";
const NOTHING: &str = "allow everything { action any resource any when false }";
const BROKEN: &str = "allow everything { action any resource any when }";

#[test]
fn a_changed_file_is_in_force_soon_and_a_broken_one_never() {
    let server = Server::start();
    let app = server.app("decide");
    let ready = || server.client(None).get("/readyz");
    assert_eq!((ready().status.as_u16(), ready().json()["status"].clone()), (200, json!("ready")));
    assert!(!app.may("alice", "x", "y"));
    server.write_policy("acme/more.policy", ALLOW);
    eventually("the new policy", || app.may("alice", "x", "y"));

    server.write_policy("acme/more.policy", BROKEN);
    eventually("degraded", || ready().json()["status"] == "degraded");
    assert_eq!(ready().status, 200);
    let reason = ready().json()["reasons"][0].as_str().unwrap().to_owned();
    assert!(reason.contains("more.policy:1:") && reason.contains("last good"), "{reason}");
    assert!(app.may("alice", "x", "y"), "the last good set stays in force");

    server.write_policy("acme/more.policy", &NOTHING.replace("everything", "none"));
    eventually("the mended file", || !app.may("alice", "x", "y"));
    assert_eq!(ready().json(), json!({"status": "ready", "reasons": []}));
}

#[test]
fn sighup_reads_the_files_again() {
    let server = Server::start();
    server.signal("-HUP");
    eventually("the log", || server.log().contains("SIGHUP"));
    assert!(!server.app("decide").may("alice", "x", "y"));
}

#[test]
fn a_server_whose_first_set_is_broken_says_so_and_denies() {
    let server = Setup::new().policy("acme/more.policy", BROKEN).start();
    let (app, ready) = (server.app("decide"), || server.client(None).get("/readyz"));
    assert_eq!(ready().status, 503);
    let answer = app.ask("alice", "x", "y").json();
    assert_eq!(answer["decision"], false);
    let reason = answer["context"]["reason"].as_str().unwrap();
    assert!(reason.contains("do not compile") && reason.contains("more.policy:1:"), "{reason}");
    server.write_policy("acme/more.policy", ALLOW);
    eventually("the mended file", || app.may("alice", "x", "y"));
    assert_eq!(ready().status, 200);
}

#[test]
fn a_folder_that_disappears_leaves_its_tenant_denying_and_its_data_untouched() {
    let mut server = Server::start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("enterprise"));
    admin.set("alice", "email_opt_in", json!(true));
    let app = server.app("decide");
    assert!(app.may("alice", "export", "report"));
    let (folder, aside) = (server.policies().join("acme"), server.folder().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    eventually("denying", || !app.may("alice", "export", "report"));
    let reason = app.ask("alice", "export", "report").json()["context"]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("has no folder"), "{reason}");
    assert_eq!(admin.get("/t/acme/api/v1/abac/users/alice/attributes/plan").json()["value"], "enterprise");
    let ready = server.client(None).get("/readyz");
    assert_eq!((ready.status.as_u16(), ready.json()["status"].clone()), (200, json!("degraded")));

    // It is the same after a restart, when nothing but the data knows of the tenant.
    server.kill();
    server.restart();
    let app = server.app("decide");
    assert!(!app.may("alice", "export", "report"));
    std::fs::rename(&aside, &folder).unwrap();
    eventually("the folder is back", || app.may("alice", "export", "report"));
}

#[test]
fn a_config_map_is_swapped_as_one_and_dot_names_are_ignored() {
    let setup = Setup::new();
    let tenant = setup.folder().join("policies/mapped");
    let version = |name: &str, text: &str| {
        std::fs::create_dir_all(tenant.join(name)).unwrap();
        std::fs::write(tenant.join(name).join("a.policy"), text).unwrap();
    };
    version("..one", ALLOW);
    version("..two", NOTHING);
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, tenant.join(name)).unwrap();
    link("..one", "..data");
    link("..data/a.policy", "a.policy");
    std::fs::write(tenant.join(".hidden.policy"), BROKEN).unwrap();
    let server = setup.start();
    let app = server.client(Some(&server.token(&["service-token", "--tenant", "mapped", "--scope", "decide"])));
    let may = || {
        let question = crate::support::client::question("alice", "x", "y");
        app.json(http::Method::POST, "/t/mapped/access/v1/evaluation", &question).json()["decision"] == true
    };
    assert!(may());
    link("..two", "..data_tmp");
    std::fs::rename(tenant.join("..data_tmp"), tenant.join("..data")).unwrap();
    eventually("the other version", || !may());
}

#[test]
fn a_tenant_that_is_added_is_served_without_a_restart() {
    let server = Server::start();
    server.write_policy("acme/other.policy", &ALLOW.replace("everything", "other"));
    std::fs::create_dir(server.policies().join("late")).unwrap();
    std::fs::write(server.policies().join("late/a.policy"), ALLOW).unwrap();
    let question = crate::support::client::question("alice", "x", "y");
    eventually("the new tenant", || {
        let answer = server.admin().json(http::Method::POST, "/t/late/access/v1/evaluation", &question);
        answer.status == 200 && answer.json()["decision"] == true
    });
}

#[test]
fn a_folder_of_policies_that_cannot_be_read_changes_nothing() {
    let server = Server::start();
    let app = server.app("decide");
    server.write_policy("acme/more.policy", ALLOW);
    eventually("the new policy", || app.may("alice", "x", "y"));
    let aside = server.folder().join("aside");
    std::fs::rename(server.policies(), &aside).unwrap();
    let ready = || server.client(None).get("/readyz").json();
    eventually("degraded", || ready()["status"] == "degraded");
    assert!(ready()["reasons"][0].as_str().unwrap().contains("cannot be read"), "{}", ready());
    assert!(app.may("alice", "x", "y"), "the last good set stays in force");
    // Another folder of the same name, by a link as deployments make one, and then a change in it.
    std::os::unix::fs::symlink(&aside, server.policies()).unwrap();
    eventually("ready again", || ready()["status"] == "ready");
    server.write_policy("acme/more.policy", NOTHING);
    eventually("a change behind the link", || !app.may("alice", "x", "y"));
}

#[test]
fn a_pipe_among_the_policies_is_an_error_and_stops_nothing() {
    let mut server = Server::start();
    let pipe = server.policies().join("acme/pipe.policy");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ready = || server.client(None).get("/readyz").json();
    eventually("degraded", || ready()["status"] == "degraded");
    assert!(ready()["reasons"][0].as_str().unwrap().contains("no regular file"), "{}", ready());
    std::fs::remove_file(&pipe).unwrap();
    eventually("ready again", || ready()["status"] == "ready");
    server.signal("-TERM");
    assert!(server.wait().0.success());
}

#[test]
fn a_broken_tenant_that_is_added_does_not_take_the_others_out() {
    let server = Server::start();
    std::fs::create_dir(server.policies().join("late")).unwrap();
    std::fs::write(server.policies().join("late/a.policy"), BROKEN).unwrap();
    let ready = || server.client(None).get("/readyz");
    eventually("degraded", || ready().json()["status"] == "degraded");
    assert_eq!(ready().status, 200);
}

#[test]
fn files_that_never_rest_do_not_hold_a_reload_up() {
    let server = Server::start();
    let app = server.app("decide");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::write(server.policies().join("note.txt"), "x").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        });
        server.write_policy("acme/more.policy", ALLOW);
        eventually("the new policy", || app.may("alice", "x", "y"));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
