//! Files of all kinds beside good policies: each is refused with its place and a way out, and the last good set stays
//! in force.

use std::path::Path;

use serde_json::json;

use crate::support::{Server, Setup, eventually, run, sidegate};

const GOOD: &str = "allow everything { action any resource any }";

/// Files that spoil a set, and what is said of each.
fn spoiled() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let text = |text: &str| text.as_bytes().to_vec();
    let every_byte: Vec<u8> = (0..=255).collect();
    let one_line = format!("allow long {{ action any resource any when {}", "x".repeat((1 << 20) - 50));
    vec![
        ("bytes.policy", every_byte, &["E007", "bytes.policy:2:118", "not UTF-8"]),
        ("zeros.policy", vec![0; 1000], &["E001", "zeros.policy:1:1"]),
        ("line.policy", one_line.into_bytes(), &["line.policy:1:", "E004"]),
        ("large.policy", vec![b' '; (1 << 20) + 1], &["E006", "more than 1048576 bytes"]),
        ("open.policy", "(".repeat(20_000).into_bytes(), &["E005", "open.policy:1:"]),
        ("cyrillic.policy", text("let \u{430} = true"), &["E001", "it looks like \"a\""]),
        ("twice.policy", text("allow everything { action any resource any }"), &["E010", "twice.policy:1:7"]),
        (
            "tenant.json",
            text("{\"timeZone\": \"UTC\", \"timeZone\": \"UTC\"}"),
            &["E008", "tenant.json:1:21", "is given twice"],
        ),
        (
            "tenant.json",
            text("{\"returnOrigins\": [\"https://a.example/\"]}"),
            &["1:20", "write \"https://a.example\""],
        ),
        ("tenant.json", text("{\"defaultReturn\": \"javascript:1\"}"), &["tenant.json:1:19", "https://"]),
        ("tenant.json", text("[]"), &["E008", "tenant.json:1:"]),
        (
            "traits.json",
            text("[{\"slug\": \"a\", \"slug\": \"b\", \"dataType\": \"string\"}]"),
            &["E008", "is given twice"],
        ),
        (
            "traits.json",
            text("[\n{\"slug\": \"a\", \"dataType\": \"string\", \"allowedValues\": [\"x\"], \"default\": \"y\"}]"),
            &["traits.json:2:72", "contradicts itself", "a must be one of: x"],
        ),
        (
            "traits.json",
            text("[{\"slug\": \"a\", \"dataType\": \"string\"},\n{\"slug\": \"a\", \"dataType\": \"number\"}]"),
            &["traits.json:2:10", "defined twice"],
        ),
        (
            "traits.json",
            text("[{\"slug\": \"a\", \"dataType\": \"json\", \"default\": {\"k\": 1, \"k\": 2}}]"),
            &["traits.json:1:", "k"],
        ),
        (
            "traits.json",
            text("[{\"slug\": \"a\", \"dataType\": \"number\", \"format\": \"email\"}]"),
            &["traits.json:1:48", "only a string"],
        ),
    ]
}

fn check(folder: &Path) -> (Option<i32>, String) {
    let (output, _, err) = run(sidegate().arg("check").arg(folder));
    (output.status.code(), err)
}

#[test]
fn check_says_of_each_bad_file_where_it_is_bad() {
    for (name, content, parts) in spoiled() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("good.policy"), GOOD).unwrap();
        std::fs::write(folder.path().join(name), &content).unwrap();
        let (status, err) = check(folder.path());
        assert_eq!(status, Some(1), "{name}: {err}");
        for part in parts {
            assert!(err.contains(part), "{name}: {part} is not in {}", &err[..err.len().min(3000)]);
        }
        assert!(err.len() < 300_000, "{name}: {} bytes are said", err.len());
    }
}

#[test]
fn the_last_good_set_stays_in_force_beside_bad_files() {
    let server = Server::start();
    let app = server.app("decide");
    server.write_policy("acme/good.policy", GOOD);
    eventually("the good set", || app.may("alice", "x", "y"));
    let folder = server.policies().join("acme");
    for (name, content, _) in spoiled() {
        let status = || server.client(None).get("/readyz").json()["status"].clone();
        let path = folder.join(name);
        std::fs::write(&path, &content).unwrap();
        eventually(&format!("{name}, {}", content.escape_ascii()), || status() == "degraded");
        assert!(app.may("alice", "x", "y"), "{name}");
        std::fs::remove_file(&path).unwrap();
        eventually(name, || status() == "ready");
    }
}

#[test]
fn a_set_beyond_its_bound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let comment = vec![b'#'; 1 << 20];
    for number in 0..64 {
        std::fs::write(folder.path().join(format!("{number:03}.policy")), &comment).unwrap();
    }
    assert_eq!(check(folder.path()).0, Some(0));
    std::fs::write(folder.path().join("065.policy"), GOOD).unwrap();
    let (status, err) = check(folder.path());
    assert_eq!(status, Some(1));
    assert!(err.contains("065.policy") && err.contains("67108864 bytes together"), "{err}");
}

#[test]
fn names_that_look_alike_are_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let names = "let early = env.hour < 9\nlet Early = env.hour < 8\n\
                 allow a { action \"read\" resource \"report\" when early }\n\
                 allow b { action \"r\u{435}ad\" resource \"report\" when Early }\n";
    std::fs::write(folder.path().join("a.policy"), names).unwrap();
    let (status, err) = check(folder.path());
    assert_eq!((status, err.matches("W011").count()), (Some(0), 2), "{err}");
    assert!(err.contains("a.policy:4:18"), "{err}");
}

#[test]
fn rules_and_settings_that_contradict_themselves_are_placed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good.policy", GOOD);
    write("traits.json", "[{\"slug\": \"plan\", \"dataType\": \"string\", \"allowedValues\": [\"free\", \"pro\"]}]");
    write(
        "profiling.json",
        "[\n{\"fields\": [\"plan\"], \"condition\": \"missing\"},\n\
         {\"fields\": [\"phone\"], \"condition\": {\"when\": \"user.traits.plan = 1\"}}]",
    );
    let (status, err) = check(folder.path());
    assert_eq!(status, Some(1));
    for part in ["profiling.json:2:13", "users may not write `plan`", "profiling.json:3:45", "2 errors"] {
        let shown = if part == "2 errors" { err.matches("E031").count() == 2 } else { err.contains(part) };
        assert!(shown, "{part} is not in {err}");
    }
    write("profiling.json", "[{\"fields\": [\"phone\"], \"condition\": \"mising\"}]");
    assert!(check(folder.path()).1.contains("profiling.json:1:37"), "{}", check(folder.path()).1);
    write(
        "profiling.json",
        "[{\"fields\": [\"phone\"], \"condition\": {\"when\": \"user.traits.plan == \\\"pr\\\"\"}}]",
    );
    let (status, err) = check(folder.path());
    assert!(status == Some(0) && err.contains("W010") && err.contains("did you mean \"pro\""), "{err}");
    write("tenant.json", "{\"definedTraitsOnly\": true}");
    write(
        "profiling.json",
        "[{\"fields\": [\"phone\"], \"condition\": {\"when\": \"user.traits.plam == \\\"pro\\\"\"}}]",
    );
    let (status, err) = check(folder.path());
    assert!(status == Some(1) && err.contains("did you mean `user.traits.plan`"), "{err}");
}

#[test]
fn where_only_defined_traits_are_accepted_others_are_not_written() {
    let traits = r#"[{"slug": "plan", "dataType": "string"}]"#;
    let server = Setup::new()
        .policy("acme/acme.policy", GOOD)
        .policy("acme/tenant.json", r#"{"definedTraitsOnly": true}"#)
        .policy("acme/traits.json", traits)
        .start();
    let admin = server.admin();
    admin.set("alice", "plan", json!("pro"));
    let refused =
        admin.json(http::Method::PUT, "/t/acme/api/v1/abac/users/alice/attributes/plam", &json!({"value": "pro"}));
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().contains("plan"), "{refused:?}");
}
