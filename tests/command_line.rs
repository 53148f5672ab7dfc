//! The commands beside `serve`: exit status, JSON, hints.

use serde_json::{Value, json};

use crate::support::{Server, root, run, sidegate, with_input};

#[test]
fn check_finds_what_is_wrong_and_says_so_by_its_exit_status() {
    let check = || {
        let mut command = sidegate();
        command.args(["check", "-"]);
        command
    };
    let good = "allow a { action any resource any }";
    assert_eq!(with_input(&mut check(), good), (0, "1 policy, 0 errors, 0 warnings\n".into(), String::new()));
    let (status, _, err) = with_input(&mut check(), "allow a { action any }");
    assert_eq!(status, 1);
    assert!(err.contains("<stdin>:1:7") && err.contains("help: write `resource any`"), "{err}");
    let (status, out, _) = with_input(check().arg("--json"), "allow a { action any }");
    assert_eq!(status, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["errors"], 1);
    let finding = &report["diagnostics"][0];
    assert_eq!((&finding["code"], &finding["line"], &finding["column"]), (&json!("E014"), &json!(1), &json!(7)));
    assert_eq!(finding["source"], "a");
    assert_eq!(with_input(&mut check(), "# nothing").0, 0);
    assert_eq!(with_input(check().arg("--deny-warnings"), "# nothing").0, 1);
    let (output, out, _) = run(sidegate().arg("check").arg(root().join("policies")));
    assert!(output.status.success() && out.ends_with(" policies, 0 errors, 0 warnings\n"), "{out}");
    assert_eq!(run(sidegate().args(["check", "/nowhere"])).0.status.code(), Some(2));
    assert_eq!(run(sidegate().args(["check", "--wat"])).0.status.code(), Some(2));
}

#[test]
fn explain_shows_a_code_and_completions_are_made() {
    let (output, out, _) = run(sidegate().args(["explain", "e014"]));
    assert!(output.status.success());
    assert!(out.starts_with("E014: ") && out.contains("has no `resource` clause"), "{out}");
    let (output, _, err) = run(sidegate().args(["explain", "E999"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("E014"), "{err}");
    let (output, out, _) = run(sidegate().args(["completions", "bash"]));
    assert!(output.status.success() && out.contains("sidegate"));
}

#[test]
fn tests_of_policies_run_and_fail_readably() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let test = || run(sidegate().arg("test").arg(folder.path()));
    write(
        "a.policy",
        "allow a { action any resource any when user.traits.n == 1 }\ndeny b { action \"x\" resource any }\n\
         shadow deny watched { action any resource any }",
    );
    write(
        "a_test.policy",
        "test \"one\" {\n  user { traits: { n: 1, \"odd key\": [1, 2.5, true] } }\n  expect deny \"read\" on \"t\"\n}\ntest \"two\" { expect allow \"read\" on \"t\" }",
    );
    let (output, out, _) = test();
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "FAILED  one",
        "a_test.policy:3: expect deny",
        "it was allow by a",
        "FAILED  two",
        "unknown in a: user.traits.n",
        "no test sees these decide: b",
        "2 expectations, 2 failed",
    ] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let (_, out, _) = run(sidegate().arg("test").arg(folder.path()).arg("--json"));
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["failed"], 2);
    for (text, says) in [
        ("test \"x\" { usr { } }", "user, subject, action, resource"),
        ("test \"x\" { self_asserted user }", "fields of the user"),
        ("test \"x\" { user { } }", "expects nothing"),
        ("test \"x\" { env { hour: 3 } expect deny \"a\" on \"t\" }", "set env.time"),
        ("test \"x\" { resource { type: \"t\" } expect deny \"a\" on \"t\" }", "of what type the resource is"),
        ("test \"x\" { user { emial: \"e\" } expect deny \"a\" on \"t\" }", "did you mean `user.email`?"),
        ("test \"x\" { expect deny \"a\" on \"t\" by watched }", "a shadow policy"),
        ("test \"x\" { expect deny \"a\" on \"t\" }\ntest \"x\" { expect deny \"a\" on \"t\" }", "called the same"),
        ("test \"x\" { subject { a: 1, a: 2 } }", "given twice"),
        ("test \"x\" { env { time: \"noon\" } }", "env.time"),
        ("test \"x\" { unreachable token }", "can be unreachable"),
        ("allow p { action any resource any }", "tests and nothing else"),
        ("test \"x\" { expect allow }", "E004"),
    ] {
        write("a_test.policy", text);
        let (output, _, err) = test();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(err.contains(says), "{text}: {err}");
    }
}

#[test]
fn check_names_files_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("latin.policy", b"# caf\xe9\n");
    write("large.policy", &vec![b'#'; (1 << 20) + 1]);
    write("tenant.json", b"{\"timeZone\": \"Mars/Olympus\"}");
    let (output, _, err) = run(sidegate().arg("check").arg(folder.path()));
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "not UTF-8",
        "latin.policy:1:6",
        "more than 1048576 bytes",
        "no time zone \"Mars/Olympus\"",
        "tenant.json:1:14",
    ] {
        assert!(err.contains(part), "{part} is not in {err}");
    }
    write("tenant.json", b"{\"timezone\": \"UTC\"}");
    let (_, _, err) = run(sidegate().arg("check").arg(folder.path()));
    assert!(err.contains("there is no `timezone`; did you mean `timeZone`?"), "{err}");
}

#[test]
fn eval_decides_from_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    };
    let mut question = crate::support::client::question("alice", "export", "report");
    question["now"] = json!("2026-01-07T12:00:00Z");
    let query = file("query.json", &question);
    let eval = |facts: Option<&Value>| {
        let mut command = sidegate();
        command.arg("eval").arg(root().join("policies/acme")).arg("--query").arg(&query).arg("--json");
        if let Some(facts) = facts {
            command.arg("--facts").arg(file("facts.json", facts));
        }
        let (output, out, err) = run(&mut command);
        assert!(output.status.success(), "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let known =
        json!({"user": {"traits": {"plan": "enterprise", "email_opt_in": true}}, "resource": {}, "login": null});
    let answer = eval(Some(&known));
    assert_eq!((&answer["decision"], &answer["policies"]), (&json!(true), &json!(["enterprise_export"])));
    assert_eq!(answer["unknowns"], json!([]));

    let nothing_stored = eval(None);
    assert_eq!(nothing_stored["decision"], false);
    let unknown = &nothing_stored["unknowns"][0];
    assert_eq!((&unknown["path"], &unknown["line"]), (&json!("user.traits.plan"), &json!(10)));
    assert!(unknown["mend"].as_str().unwrap().contains("?? default"));

    let outage = eval(Some(&json!({})));
    assert!(outage["unknowns"][0]["mend"].as_str().unwrap().contains("can be reached"));
    // An archived report: the store says so, and then the request says otherwise.
    let mut archived = known.clone();
    archived["resource"] = json!({"status": "archived"});
    assert_eq!(eval(Some(&archived))["decision"], false);
    question["resource"]["properties"] = json!({"status": "active"});
    file("query.json", &question);
    assert_eq!(eval(Some(&archived))["decision"], true);
}

#[test]
fn eval_tells_wrong_use_from_wrong_policies() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.policy"), "allow a { action any }").unwrap();
    let question = crate::support::client::question("alice", "export", "report").to_string();
    let eval = |policies: &std::path::Path| {
        let mut command = sidegate();
        command.arg("eval").arg(policies).args(["--query", "-"]);
        command
    };
    let (status, _, err) = with_input(&mut eval(folder.path()), &question);
    assert_eq!(status, 1);
    assert!(err.contains("has no `resource` clause"), "{err}");
    let (status, out, _) = with_input(eval(folder.path()).arg("--json"), &question);
    assert_eq!(status, 1);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["diagnostics"][0]["code"], "E014");

    let acme = root().join("policies/acme");
    for (input, says) in [("{", "line 1"), ("{}", "\"subject\" is missing"), ("{\"now\": 1}", "2026-01-07")] {
        let (status, _, err) = with_input(&mut eval(&acme), input);
        assert_eq!(status, 2, "{input}");
        assert!(err.contains(says), "{err}");
    }
    let facts = folder.path().join("facts.json");
    for (text, says) in [("{\"usr\": {}}", "no part \"usr\""), ("{\"user\": 1}", "must be an object"), ("[]", "map")] {
        std::fs::write(&facts, text).unwrap();
        let (status, _, err) = with_input(eval(&acme).arg("--facts").arg(&facts), &question);
        assert_eq!(status, 2, "{text}");
        assert!(err.contains(says) || text == "[]", "{err}");
    }
    assert_eq!(run(eval(std::path::Path::new("/nowhere")).arg("--json")).0.status.code(), Some(2));
}

#[test]
fn tokens_need_a_folder_that_serve_made_and_a_tenant_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["token", "--user", "alice"][..], &["service-token", "--scope", "decide"]] {
        let (output, _, err) = run(sidegate().args(args).args(["--tenant", "acme", "--data"]).arg(folder.path()));
        assert_eq!(output.status.code(), Some(1));
        assert!(err.contains("sidegate serve"), "{err}");
    }
    let server = Server::start();
    let refused = |args: &[&str], says: &str| {
        let (output, out, err) = run(&mut server.command(args));
        assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains(says), "{err}");
    };
    refused(&["token", "--tenant", "amce", "--user", "alice"], "there are: acme");
    refused(&["service-token", "--tenant", "amce", "--scope", "decide"], "there are: acme");
    refused(&["service-token", "--tenant", "acme", "--scope", "root"], "no scope \"root\"");
    refused(&["service-token", "--tenant", "acme"], "--scope");
    refused(&["service-token", "--scope", "decide"], "--tenant");
    refused(&["service-token", "--tenant", "acme", "--scope", "decide", "--lifetime", "soon"], "90d");
    refused(&["service-token", "--tenant", "acme", "--scope", "decide", "--lifetime", "99999999999d"], "at most");
    refused(&["service-token", "--revoke", "nobody"], "--list");
    let made = server.token(&["service-token", "--instance", "--scope", "decide", "--json"]);
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    refused(&["service-token", "--tenant", "acme", "--revoke", &id], "--list");
    refused(&["token", "--tenant", "acme", "--user", ""], "1 to 255");
}

#[test]
fn tokens_are_listed_without_their_text_and_end_when_they_should() {
    let server = Server::start();
    let make = |lifetime: &str| {
        let args =
            ["service-token", "--tenant", "acme", "--scope", "decide,traits:read", "--lifetime", lifetime, "--json"];
        serde_json::from_str::<Value>(&server.token(&args)).unwrap()
    };
    let (short, long) = (make("1s"), make("90d"));
    let list: Value = serde_json::from_str(&server.token(&["service-token", "--list", "--json"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["id"], long["id"]);
    assert_eq!(list[1]["scopes"], "decide traits:read");
    assert!(!list.to_string().contains("sgt_"));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let status = |token: &Value| server.client(token["token"].as_str()).ask("alice", "x", "y").status.as_u16();
    assert_eq!((status(&short), status(&long)), (401, 200));
}
