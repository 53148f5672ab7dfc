//! Files that are not as they should be: each mistake is named with its line, and its column or member.

use std::io::{Read, Write};
use std::net::TcpStream;

use http::Method;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::{Server, Setup, run, with_input};

const DEFINITIONS: &str = r#"[{"slug": "seats", "dataType": "number"}, {"slug": "plan", "dataType": "string", "allowedValues": ["free", "pro"]}]"#;

fn server() -> Server {
    Setup::new().policy("acme/traits.json", DEFINITIONS).start()
}

fn import(client: &Client, query: &str, file: impl Into<bytes::Bytes>) -> Answer {
    client.send(Method::POST, &format!("/t/acme/api/v1/users:import?{query}"), &[], file)
}

fn users(client: &Client) -> usize {
    client.get("/t/acme/api/v1/users").json()["users"].as_array().unwrap().len()
}

/// The first refusal: line, column or pointer, code, and what it says.
fn first(answer: &Answer) -> (u64, String, String, String) {
    let refusal = &answer.json()["refusals"][0];
    let text = |name: &str| refusal[name].as_str().unwrap_or_default().to_owned();
    let place = if refusal["column"].is_null() { text("pointer") } else { text("column") };
    (refusal["line"].as_u64().unwrap(), place, text("code"), text("detail"))
}

#[test]
fn mistakes_in_lines_are_named() {
    let server = server();
    let admin = server.admin();
    let many: serde_json::Map<String, Value> = (0..1001).map(|n| (format!("t{n}"), json!(n))).collect();
    let many = json!({ "userId": "many", "traits": many }).to_string();
    let long = format!("{{\"userId\":\"a\",\"traits\":{{\"x\":\"{}\"}}}}\n{{\"userId\":\"b\"}}", "x".repeat(1 << 20));
    let large = format!("{{\"userId\":\"a\",\"traits\":{{\"x\":\"{}\"}}}}", "x".repeat(65_536));
    let subject =
        format!("{{\"userId\":\"a\",\"identities\":[{{\"provider\":\"g\",\"subject\":\"{}\"}}]}}", "x".repeat(256));
    let cases: &[(&[u8], u64, &str, &str, &str)] = &[
        (subject.as_bytes(), 1, "/identities/0/subject", "bad_name", "1 to 255 bytes"),
        (b"{\"userId\":\"a\",\"consents\":[{\"purpose\":\"\"}]}", 1, "/consents/0/purpose", "bad_name", "1 to 255 bytes"),
        (b"\n\n{\"userId\":\"a\",\"userId\":\"b\"}", 3, "", "not_as_expected", "`userId` is given twice, at column 22"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":1,\"x\":2}}", 1, "/traits", "not_as_expected", "the key \"x\" is given twice"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":{\"y\":1,\"y\":2}}}", 1, "/traits/x", "not_as_expected", "given twice"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":\"\\ud800\"}}", 1, "", "not_json", "hex escape"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":\"\\udc00\"}}", 1, "", "not_json", ""),
        (b"{\"userId\":\"\\ud800\"}", 1, "", "not_json", ""),
        (b"{\"userId\":\"a\"}\n{\"userId\":\"a\xff\"}", 2, "", "not_utf8", "after byte 12"),
        (b"\xff\xfe{\x00\"\x00", 1, "", "not_utf8", "after byte 0"),
        (b"{\"userId\":\"a\0b\"}", 1, "", "not_json", "control character"),
        (b"{\"userId\":\"a\"", 1, "", "not_json", "ends within the object"),
        (b"{\"userId\":\"a\"} {}", 1, "", "not_json", "trailing characters"),
        (b"[\"a\"]", 1, "", "not_json", "a line is a JSON object"),
        (b"{}", 1, "", "not_as_expected", "`userId` is missing"),
        (b"{\"userId\":\"a\",\"trait\":{}}", 1, "/trait", "not_as_expected", "there is no `trait`; did you mean `traits`?"),
        (b"{\"userId\":\"\"}", 1, "/userId", "not_as_expected", "a user id is 1 to 255 bytes"),
        (b"{\"userId\":\"a\\u0000\"}", 1, "/userId", "not_as_expected", "without control characters"),
        (b"{\"userId\":7}", 1, "/userId", "not_as_expected", "must be a string"),
        (b"{\"userId\":\"a\",\"traits\":{\"Plan\":1}}", 1, "/traits/Plan", "bad_name", "a slug is"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":9223372036854775808}}", 1, "/traits/x", "integer_too_large", "send a string"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":1e999}}", 1, "", "not_json", "number out of range"),
        (b"{\"userId\":\"a\",\"traits\":{\"seats\":\"7\"}}", 1, "/traits/seats", "not_as_defined", "must be a number"),
        (b"{\"userId\":\"a\",\"traits\":{\"plan\":\"gold\"}}", 1, "/traits/plan", "not_as_defined", "free"),
        (b"{\"userId\":\"a\",\"traits\":{\"email\":\"a@b.de\"}}", 1, "/traits/email", "wrong_place", "profile field"),
        (b"{\"userId\":\"a\",\"profile\":{\"seats\":7}}", 1, "/profile/seats", "wrong_place", "among the traits"),
        (b"{\"userId\":\"a\",\"origins\":{\"traits.x\":{\"source\":\"user\",\"at\":\"2026-01-01T00:00:00Z\"}}}", 1,
         "/origins/traits.x", "no_value", "no value traits.x"),
        (b"{\"userId\":\"a\",\"traits\":{\"x\":1},\"origins\":{\"traits.x\":{\"source\":\"god\"}}}", 1,
         "/origins/traits.x/source", "not_as_expected", "there is no `god`"),
        (b"{\"userId\":\"a\",\"createdAt\":\"yesterday\"}", 1, "/createdAt", "not_as_expected", "must be a time such as"),
        (b"{\"userId\":\"a\",\"logins\":[{\"loginId\":\"\",\"at\":\"2026-01-01T00:00:00Z\"}]}", 1, "/logins/0/loginId",
         "bad_login_id", "1 to 255"),
        (b"{\"userId\":\"a\",\"identities\":[{\"provider\":\"g\",\"subject\":\"1\"},{\"provider\":\"g\",\"subject\":\"1\"}]}", 1,
         "/identities/1", "twice", "twice"),
        (b"{\"userId\":\"a\",\"identities\":[{\"provider\":\"g\\u0000\",\"subject\":\"1\"}]}", 1, "/identities/0/provider", "nul", "NUL"),
        (b"{\"userId\":\"a\",\"identities\":[{\"provider\":\"g\",\"subject\":\"1\"}]}\n{\"userId\":\"b\",\"identities\":[{\"provider\":\"g\",\"subject\":\"1\"}]}", 2,
         "", "identity_of_another_user", "another user"),
        (b"{\"userId\":\"a\",\"logins\":[{\"loginId\":\"l\",\"at\":\"2026-01-01T00:00:00Z\"}]}\n{\"userId\":\"b\",\"logins\":[{\"loginId\":\"l\",\"at\":\"2026-01-01T00:00:00Z\"}]}", 2,
         "", "login_of_another_user", "another user"),
        (many.as_bytes(), 1, "", "too_many_attributes", "at most 1000"),
        (long.as_bytes(), 1, "", "line_too_long", "1048576"),
        (large.as_bytes(), 1, "/traits/x", "value_too_large", "65538 bytes"),
    ];
    for (file, line, place, code, says) in cases {
        let answer = import(&admin, "format=ndjson", file.to_vec());
        let shown = String::from_utf8_lossy(&file[..file.len().min(200)]).into_owned();
        assert_eq!(answer.status, 422, "{shown}: {answer:?}");
        let (found_line, found_place, found_code, detail) = first(&answer);
        let found = (found_line, found_place.as_str(), found_code.as_str());
        assert_eq!(found, (*line, *place, *code), "{shown}: {detail}");
        assert!(detail.contains(says), "{shown}: {detail}");
        assert_eq!(users(&admin), 0, "{shown}");
    }
    let answer = import(&admin, "format=ndjson&onError=skip", long);
    assert_eq!((answer.status.as_u16(), users(&admin)), (200, 1), "the line after a long one is read: {answer:?}");
    let numbers = ["read", "created", "refused"].map(|name| answer.json()[name].as_u64().unwrap());
    assert_eq!(numbers, [2, 1, 1]);
}

#[test]
fn mistakes_in_tables_are_named() {
    let server = server();
    let admin = server.admin();
    let long = format!("userId,traits.x\na,\"{}\"\nb,1", "x\n".repeat(600_000));
    let cases: &[(&[u8], u64, &str, &str, &str)] = &[
        (b"", 1, "", "empty", "the file is empty"),
        (b"\xef\xbb\xbf", 1, "", "empty", "the file is empty"),
        (b"userId,traits.x,traits.x\na,1,2", 1, "traits.x", "column_twice", "two columns"),
        (b"userId,userId\na,b", 1, "userId", "column_twice", "two columns"),
        (b"userId,traits.X\na,1", 1, "traits.X", "bad_name", "a slug is"),
        (b"userId,plan\na,pro", 1, "plan", "unknown_column", "traits.SLUG"),
        (b"userId,\na,pro", 1, "", "unknown_column", "traits.SLUG"),
        (b"userId,profile.seats\na,1", 1, "profile.seats", "wrong_place", "no profile field"),
        (b"traits.x\n1", 1, "", "no_user_id", "there must be a column userId"),
        (b"userId;traits.x\na;1", 1, "userId;traits.x", "unknown_column", "userId"),
        (b"userId,traits.\xff\na,1", 1, "", "not_utf8", "columns"),
        (b"\xff\xfeu\x00", 1, "", "not_utf8", "columns"),
        (b"userId,traits.x\na,1\n\nb", 4, "", "ragged_row", "1 cells, and there are 2 columns"),
        (b"userId,traits.x\r\n\"a\",\"x\r\ny\"\r\nb,1,2\r\n", 4, "", "ragged_row", "3 cells"),
        (b"userId,traits.x\n,1", 2, "userId", "bad_user_id", "1 to 255 bytes"),
        (b"userId,traits.x\n\"a\nb\",1", 2, "userId", "bad_user_id", "control characters"),
        (b"userId,traits.x\na,b\0c", 2, "traits.x", "nul", "NUL"),
        (b"userId,traits.x\na,\xff", 2, "traits.x", "not_utf8", "after byte 0"),
        (b"userId,traits.seats\na,7\nb,many", 3, "traits.seats", "not_as_defined", "must be a number"),
        (b"userId,traits.seats\na,9223372036854775808", 2, "traits.seats", "integer_too_large", "send a string"),
        (b"userId,traits.seats\na,1e400", 2, "traits.seats", "number_too_large", "double"),
        (b"userId,traits.x\na,\"{\"\"a\"\":1,\"\"a\"\":2}\"", 2, "traits.x", "not_json", "given twice"),
        (b"userId,traits.x\na,\"x\nb,1\nc,2\n", 2, "", "open_quote", "never closed"),
        (b"userId,traits.x\na,1\nb,\"2", 3, "", "open_quote", "never closed"),
        (long.as_bytes(), 2, "", "line_too_long", "1048576"),
    ];
    for (file, line, place, code, says) in cases {
        for query in ["format=csv", "format=csv&dryRun=true"] {
            let answer = import(&admin, query, file.to_vec());
            let shown = String::from_utf8_lossy(&file[..file.len().min(200)]).into_owned();
            assert_eq!(answer.status, 422, "{shown}: {answer:?}");
            let (found_line, found_place, found_code, detail) = first(&answer);
            let found = (found_line, found_place.as_str(), found_code.as_str());
            assert_eq!(found, (*line, *place, *code), "{shown}: {detail}");
            assert!(detail.contains(says), "{shown}: {detail}");
            assert_eq!(users(&admin), 0, "{shown}");
        }
    }
}

#[test]
fn with_skip_the_good_lines_go_in_and_the_others_are_named() {
    let server = server();
    let admin = server.admin();
    let lines: String = (0..600).map(|n| format!("u{n:03},{}\n", if n % 5 == 0 { "x" } else { "7" })).collect();
    let table = format!("userId,traits.seats\n{lines}");
    let refused = import(&admin, "format=csv", table.clone());
    assert_eq!(refused.status, 422);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let problem = refused.json();
    assert_eq!(
        (&problem["status"], &problem["written"], &problem["refused"]),
        (&json!(422), &json!(false), &json!(120))
    );
    assert_eq!(problem["refusals"].as_array().unwrap().len(), 100, "the first of them");
    assert!(problem["detail"].as_str().unwrap().contains("line 2, column traits.seats:"), "{problem}");
    assert_eq!(users(&admin), 0);

    let checked = import(&admin, "format=csv&onError=skip&dryRun=true", table.clone()).json();
    assert_eq!((&checked["written"], &checked["created"], users(&admin)), (&json!(false), &json!(480), 0));
    let taken = import(&admin, "format=csv&onError=skip", table.clone());
    assert_eq!(taken.status, 200);
    assert!(!taken.header("sidegate-revision").is_empty());
    let taken = taken.json();
    assert_eq!((&taken["read"], &taken["created"], &taken["refused"]), (&json!(600), &json!(480), &json!(120)));

    let import = |args: &[&str]| {
        let mut command = server.command(&["import", "--tenant", "acme", "--format", "csv", "-"]);
        command.args(args).arg("--policies").arg(server.policies());
        with_input(&mut command, &table)
    };
    let (status, out, err) = import(&[]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    assert!(err.starts_with("line 2, column traits.seats: seats must be a number\n"), "{err}");
    assert!(err.ends_with("nothing was written: 120 lines of 600 are refused; --on-error skip takes in the others\n"));
    let (status, out, _) = import(&["--on-error", "skip"]);
    assert_eq!(status, 1);
    assert!(out.starts_with("600 lines: 0 created, 0 updated, 480 unchanged, 120 refused ("), "{out}");
    let (status, out, _) = import(&["--on-error", "skip", "--dry-run", "--json"]);
    assert_eq!((status, serde_json::from_str::<Value>(&out).unwrap()["unchanged"].as_u64()), (1, Some(480)));
}

#[test]
fn commands_say_what_is_in_their_way() {
    let server = server();
    let command = |args: &[&str], policies: &std::path::Path| {
        let (output, _, err) = run(server.command(args).arg("--policies").arg(policies));
        (output.status.code(), err)
    };
    let policies = server.policies();
    let (status, err) = command(&["export", "--tenant", "nobody"], &policies);
    assert_eq!(status, Some(2));
    assert!(err.contains("there is no tenant nobody here; there are: acme"), "{err}");
    let (status, err) = command(&["import", "--tenant", "acme", "/nowhere.csv"], &policies);
    assert_eq!(
        (status, err.as_str()),
        (Some(1), "error: cannot read /nowhere.csv: No such file or directory (os error 2)\n")
    );
    let (status, err) = command(&["export", "--tenant", "acme", "--output", "/nowhere/x"], &policies);
    assert_eq!(status, Some(1));
    assert!(err.contains("cannot write /nowhere/x"), "{err}");
    server.write_policy("acme/traits.json", "[{]");
    let (status, err) = command(&["export", "--tenant", "acme"], &policies);
    assert_eq!(status, Some(1));
    assert!(err.contains("nobody knows what the traits of acme are") && err.contains("traits.json:1:3"), "{err}");
}

/// A file that a client begins to send and does not end changes nothing, and an export to one that goes away ends.
#[test]
fn half_a_request_changes_nothing() {
    let server = server();
    let token = server.token(&["service-token", "--tenant", "acme", "--scope", "traits:write"]);
    let head = format!(
        "POST /t/acme/api/v1/users:import?format=ndjson&onError=skip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    );
    let half = format!("{head}Content-Length: 5000\r\n\r\n{{\"userId\":\"a\"}}\n{{\"userId\":\"b\"}}\n");
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(half.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(users(&server.admin()), 0);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(format!("{head}Content-Length: 1073741825\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 300];
    let read = stream.read(&mut answer).unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 413"), "{:?}", String::from_utf8_lossy(&answer[..read]));
}
