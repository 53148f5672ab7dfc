//! The formatter: `tests/format/*.policy`, each beside a snapshot of what becomes of it; what holds of every file; and
//! the command.

mod meaning;

use std::path::{Path, PathBuf};

use logos::Logos;
use sidegate::lang::Token;

use crate::support::{root, run, sidegate, with_input};
use meaning::{check, formatted};

fn policies(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            policies(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "policy") {
            found.push(path);
        }
    }
}

#[test]
fn files_are_formatted_as_the_snapshots_show() {
    insta::with_settings!({snapshot_path => "format", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::glob!("format/*.policy", |path| {
            insta::assert_snapshot!("formatted", check(&std::fs::read_to_string(path).unwrap()));
        });
    });
}

#[test]
fn every_file_keeps_its_meaning_and_its_comments() {
    let mut files = Vec::new();
    for folder in ["policies", "tests"] {
        policies(&root().join(folder), &mut files);
    }
    let mut parsed = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        if formatted(&text).is_some() {
            parsed += 1;
            let windows = text.replace('\n', "\r\n");
            assert_eq!(check(&windows), check(&text), "{}", file.display());
        }
        if file.starts_with(root().join("policies")) {
            assert_eq!(formatted(&text), Some(text), "{} is formatted", file.display());
        }
    }
    assert!(parsed > 8, "{parsed}");
    assert_eq!(check(""), "");
    assert_eq!(check("\n\n  # a  \n\n\n"), "# a\n");
    assert_eq!(formatted("allow a {"), None);
}

#[test]
fn a_comment_may_stand_before_every_token() {
    for name in ["declarations", "testing", "routes"] {
        let text = std::fs::read_to_string(root().join(format!("tests/format/{name}.policy"))).unwrap();
        for (_, token) in Token::lexer(&text).spanned() {
            let (before, after) = text.split_at(token.start);
            for comment in ["# one\n", "\n# one\n", "# one\n# two\n", "\n\n# one\n\n\n# two\n\n"] {
                check(&format!("{before}{comment}{after}"));
            }
        }
    }
}

#[test]
fn what_is_long_or_deep_neither_crashes_nor_takes_long() {
    let policy = |condition: &str| format!("allow a {{ action any resource any when {condition} }}");
    let many = |item: &str, between: &str| vec![item; 20_000].join(between);
    let large = policy(&many("(user.traits.a OR NOT [user.b, 1] == user.c)", " OR "));
    assert_eq!(formatted(&large), None, "it would be too large to be read again");
    let started = std::time::Instant::now();
    for text in [
        policy(&many("user.traits.some_number == 1", " AND ")),
        policy(&many("(a OR NOT [b, 1] == c)", " OR ")),
        policy(&format!("{} > 1", many("user.n", " + "))),
        policy(&format!("len([{}]) > 1", many("[user.traits.n, 1]", ", "))),
        policy(&format!("{}true{}", "(a AND NOT (b == ".repeat(21), "))".repeat(21))),
        policy(&format!("{}true{}", "f([".repeat(32), "])".repeat(32))),
        format!("route GET \"/{}\" => \"b\" on \"c\"\n", "a".repeat(100_000)).repeat(2),
        format!("test \"a\" {{ {} {{}} user {{}} }}", "a".repeat(100_000)),
        many("let a = [b, c] == d # e", "\n"),
        many("route GET \"/a\" => \"b\" on \"c\"", "\n"),
        format!("test \"a\" {{ user {{ a: [{}] }} }}", many("{ b: 1 }", ",")),
        format!("test \"a\" {{ user {} }}", "{ a: ".repeat(62) + "1" + &"}".repeat(62)),
    ] {
        assert!(text.len() <= 1 << 20, "{}", text.len());
        let once = formatted(&text).unwrap();
        assert!(formatted(&once).as_ref() == Some(&once), "{}", &once[..1_000]);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}

/// A folder of tenants with one file that is formatted, one that is not, and one that cannot be.
fn tenants() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    for (name, text) in [("good", "let a = true\n"), ("messy_test", "\u{feff}test \"t\"{}\r\n"), ("bad", "let a = \n")]
    {
        std::fs::write(folder.path().join(format!("acme/{name}.policy")), text).unwrap();
    }
    folder
}

fn fmt(args: &[&str], path: &Path) -> (i32, String, String) {
    let (output, out, err) = run(sidegate().arg("fmt").args(args).arg(path));
    (output.status.code().unwrap(), out.replace(&path.display().to_string(), "."), err)
}

#[test]
fn the_command_rewrites_what_is_not_formatted_and_nothing_else() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tenants();
    let file = |name: &str| folder.path().join("acme").join(name);
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let messy = read("messy_test.policy");

    let (status, out, err) = fmt(&["--check"], folder.path());
    assert_eq!((status, out.as_str()), (1, "./acme/messy_test.policy\n1 file would change, 1 unchanged\n"));
    assert!(err.contains("bad.policy:1:"), "{err}");
    let (status, out, _) = fmt(&["--diff"], folder.path());
    assert_eq!(status, 1);
    assert!(out.starts_with("--- ./acme/messy_test.policy\n+++ ") && out.contains("\n+test \"t\" {}\n"), "{out}");
    let (status, out, _) = fmt(&["--check", "--json"], folder.path());
    assert_eq!(status, 1);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["changed"], serde_json::json!(["./acme/messy_test.policy"]));
    assert_eq!((&report["unchanged"], &report["diagnostics"][0]["code"]), (&1.into(), &"E004".into()));
    assert_eq!(read("messy_test.policy"), messy, "none of these writes");

    symlink("messy_test.policy", file("link.policy")).unwrap();
    std::fs::set_permissions(file("messy_test.policy"), PermissionsExt::from_mode(0o640)).unwrap();
    let written = std::fs::metadata(file("good.policy")).unwrap().modified().unwrap();
    let (status, out, _) = fmt(&[], folder.path());
    assert_eq!((status, out.as_str()), (1, "./acme/link.policy\n1 file changed, 2 unchanged\n"));
    assert_eq!(read("messy_test.policy"), "test \"t\" {}\n");
    assert_eq!(read("bad.policy"), "let a = \n");
    assert!(file("link.policy").is_symlink());
    assert_eq!(std::fs::metadata(file("messy_test.policy")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::metadata(file("good.policy")).unwrap().modified().unwrap(), written);
    assert_eq!(std::fs::read_dir(folder.path().join("acme")).unwrap().count(), 4, "nothing is left behind");

    std::fs::remove_file(file("bad.policy")).unwrap();
    assert_eq!(fmt(&["--check"], &folder.path().join("acme")).0, 0);
    assert_eq!(fmt(&["--diff"], &file("good.policy")), (0, String::new(), String::new()));
}

#[test]
fn the_command_formats_standard_input() {
    let fmt = |args: &[&str], input: &str| with_input(sidegate().arg("fmt").args(args).arg("-"), input);
    let nothing = String::new;
    assert_eq!(fmt(&[], "let a=true"), (0, "let a = true\n".to_owned(), nothing()));
    assert_eq!(fmt(&[], ""), (0, nothing(), nothing()));
    assert_eq!(fmt(&["--check"], "let a=true").0, 1);
    assert_eq!(fmt(&["--check"], "let a = true\n").0, 0);
    let (status, out, err) = fmt(&[], "let a = ");
    assert_eq!((status, out), (1, nothing()));
    assert!(err.contains("<stdin>:1:"), "{err}");
    assert_eq!(fmt(&["a.policy"], "").0, 2);
    assert_eq!(run(sidegate().arg("fmt")).0.status.code(), Some(2));
    assert_eq!(run(sidegate().args(["fmt", "/nowhere"])).0.status.code(), Some(2));
}
