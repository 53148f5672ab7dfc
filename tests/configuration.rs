//! Flag, environment, file, default, in that order; wrong values named before anything binds.

use serde_json::Value;

use crate::support::{Setup, run, sidegate};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn every_value_says_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sidegate.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata = \"from-file\"\nclient_timeout = 3\n").unwrap();
    let (output, out, err) = run(sidegate()
        .env("SIDEGATE_CONFIG", &file)
        .env("SIDEGATE_LISTEN", "127.0.0.1:2")
        .env("SIDEGATE_DATA", "from-environment")
        .env("SIDEGATE_ADMIN_TOKEN", TOKEN)
        .args(["config", "--json", "--listen", "127.0.0.1:3"])
        .current_dir(crate::support::root()));
    assert!(output.status.success(), "{err}");
    let config: Value = serde_json::from_str(&out).unwrap();
    let pair = |name: &str| (config[name]["value"].as_str().unwrap().to_owned(), config[name]["source"].clone());
    assert_eq!(pair("listen"), ("127.0.0.1:3".into(), "flag".into()));
    assert_eq!(pair("data"), ("from-environment".into(), "environment".into()));
    assert_eq!(pair("client_timeout"), ("3".into(), "file".into()));
    assert_eq!(pair("dev_tokens"), ("loopback".into(), "default".into()));
    assert_eq!(pair("admin_token"), ("(hidden)".into(), "environment".into()));
    assert!(!config.to_string().contains(TOKEN));
}

#[test]
fn wrong_values_name_themselves_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| {
        let path = folder.path().join("sidegate.toml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let serve = || {
        let mut command = sidegate();
        command.args(["serve", "--policies", "policies"]).current_dir(crate::support::root());
        command.env("SIDEGATE_DATA", folder.path().join("data"));
        command
    };
    let refused = |command: &mut std::process::Command, says: &[&str]| {
        let (output, out, err) = run(command);
        assert_eq!(output.status.code(), Some(2), "{out}{err}");
        says.iter().for_each(|part| assert!(err.contains(part), "{part} is not in {err}"));
        assert!(!folder.path().join("data").exists(), "nothing is made before all is checked");
    };
    refused(serve().args(["--listen", "nowhere"]), &["--listen", "\"nowhere\"", "127.0.0.1:8181"]);
    refused(serve().env("SIDEGATE_LISTEN", "x:y"), &["SIDEGATE_LISTEN", "\"x:y\""]);
    refused(serve().args(["--config", &file("listen = \"no\"")]), &["`listen` in the configuration file"]);
    refused(serve().args(["--config", &file("lisen = \"no\"")]), &["lisen", "did you mean `listen`?"]);
    refused(serve().args(["--config", &file("listen = [1]")]), &["listen", "array"]);
    refused(serve().args(["--config", &file("listen = ")]), &["sidegate.toml"]);
    refused(serve().args(["--config", "/nowhere.toml"]), &["/nowhere.toml", "No such file"]);
    refused(sidegate().args(["serve", "--policies", "/nowhere"]), &["--policies", "/nowhere"]);
    refused(serve().args(["--public-url", "ftp://x"]), &["--public-url", "https"]);
    refused(serve().args(["--public-url", "https://x/?a=1"]), &["--public-url", "query"]);
    refused(serve().args(["--default-tenant", "A B"]), &["--default-tenant", "a-z"]);
    refused(serve().args(["--dev-tokens", "maybe"]), &["--dev-tokens", "loopback"]);
    refused(serve().args(["--client-timeout", "0"]), &["--client-timeout", "1 to 3600"]);
    refused(serve().args(["--cache-mib", "lots"]), &["--cache-mib", "whole number"]);
    refused(serve().args(["--redis", "http://127.0.0.1"]), &["--redis", "its scheme is neither redis"]);
    refused(serve().args(["--redis", "redis://127.0.0.1,"]), &["--redis", "its scheme"]);
    refused(serve().args(["--redis-timeout", "0"]), &["--redis-timeout", "milliseconds"]);
    refused(serve().args(["--redis-timeout", "501"]), &["--redis-timeout", "from 1 to 500"]);
    refused(serve().env("SIDEGATE_REDIS_SEAL_KEY", "short"), &["SIDEGATE_REDIS_SEAL_KEY", "5 bytes"]);
    refused(serve().env("SIDEGATE_ADMIN_TOKEN", "hunter2"), &["SIDEGATE_ADMIN_TOKEN", "7 bytes", "openssl rand"]);
    let short = file("short");
    refused(serve().env("SIDEGATE_ADMIN_TOKEN_FILE", short), &["SIDEGATE_ADMIN_TOKEN_FILE", "32 bytes"]);
    refused(serve().args(["--config", &file("admin_token = \"hunter2")]), &["line 1"]);
    let both = [("SIDEGATE_ADMIN_TOKEN", TOKEN), ("SIDEGATE_ADMIN_TOKEN_FILE", "/x")];
    refused(serve().envs(both), &["admin_token and admin_token_file"]);
    let (_, _, err) = run(serve().args(["--config", &file("admin_token = \"hunter2")]));
    assert!(!err.contains("hunter2"), "{err}");
    let (_, _, err) = run(serve().env("SIDEGATE_ADMIN_TOKEN", "hunter2"));
    assert!(!err.contains("hunter2"), "{err}");
}

#[test]
fn the_admin_token_may_be_given() {
    let server = Setup::new().env("SIDEGATE_ADMIN_TOKEN", TOKEN).start();
    assert!(!server.data().join("admin-token").exists());
    assert!(server.banner.contains("ADMIN=\"$SIDEGATE_ADMIN_TOKEN\""));
    server.client(Some(TOKEN)).set("alice", "plan", "x".into());

    let setup = Setup::new();
    let file = setup.folder().join("a file");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let server = setup.env("SIDEGATE_ADMIN_TOKEN_FILE", file.to_str().unwrap()).start();
    server.client(Some(TOKEN)).set("alice", "plan", "x".into());
}

#[test]
fn development_tokens_are_trusted_on_loopback_or_when_asked_for() {
    let path = "/t/acme/api/v1/abac/my-attributes";
    let server = Setup::new().args(&["--dev-tokens", "off"]).start();
    assert_eq!(server.user("alice").get(path).status, 401);
    let everywhere = |mode: &str| {
        let mut command = sidegate();
        command.args(["config", "--listen", "0.0.0.0:0", "--policies", "policies", "--dev-tokens", mode]);
        run(command.current_dir(crate::support::root())).0.status.success()
    };
    assert!(everywhere("loopback") && everywhere("on"));
    let server = Setup::new().start();
    assert_eq!(server.user("alice").get(path).status, 200);
}

#[test]
fn an_empty_value_is_as_good_as_none() {
    let mut command = sidegate();
    command.args(["config", "--json", "--data", ""]).env("SIDEGATE_POLICIES", "").current_dir(crate::support::root());
    let config: Value = serde_json::from_str(&run(&mut command).1).unwrap();
    assert_eq!((&config["data"]["value"], &config["policies"]["value"]), (&"data".into(), &"policies".into()));
}
