//! What `docs/language.md` says of the language is true: its files compile, its tests pass, its conditions are worth
//! what it says, and its commands print what it shows.

use std::path::Path;
use std::process::Command;

use sidegate::engine::builtins::{self, Parameter};
use sidegate::model::{Object, Stored, Value};

use super::{Asked, Truth, worth};
use crate::support::{root, run};

const GUIDE: &str = "docs/language.md";

fn guide() -> String {
    std::fs::read_to_string(root().join(GUIDE)).unwrap()
}

/// A fenced block: what stands behind the fence, and what stands in it.
fn blocks(guide: &str) -> impl Iterator<Item = (&str, &str)> {
    guide.split("\n```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap())
}

/// The blocks of a kind.
fn of_kind<'g>(guide: &'g str, kind: &'static str) -> impl Iterator<Item = &'g str> {
    blocks(guide).filter(move |(info, _)| *info == kind).map(|(_, text)| text)
}

/// Puts the files of the guide where it says that they are: before each stands its path.
fn write_files(guide: &str, folder: &Path) {
    let mut written = Vec::new();
    let mut parts = guide.split("\n```");
    while let (Some(before), Some(block)) = (parts.next(), parts.next()) {
        let (info, text) = block.split_once('\n').unwrap();
        let Some((_, name)) = info.split_once(' ') else { continue };
        let path =
            before.split('`').rev().find(|code| code.ends_with(name)).unwrap_or_else(|| panic!("where is {name}?"));
        crate::support::write_file(&folder.join(path), &format!("{text}\n"));
        written.push(path);
    }
    assert!(written.len() >= 10, "{written:?}");
    let copied = ["policies/acme", "policies/typo"].map(|tenant| folder.join(tenant).join("traits.json"));
    std::fs::copy(&copied[0], &copied[1]).unwrap();
}

#[test]
fn the_table_of_functions_in_the_guide_is_true() {
    let rows = builtins::ALL.iter().map(|builtin| {
        let takes = builtin.parameters.iter().map(|parameter| match parameter {
            Parameter::Path => "a path".to_owned(),
            Parameter::Value(types) => types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
        });
        let takes = takes.collect::<Vec<_>>().join(", ");
        let example = builtin.examples[0];
        format!("| `{}` | {takes} | {} | {} | `{example}` |\n", builtin.name, builtin.returns, builtin.summary)
    });
    let header = "| function | takes | gives | | for example |\n|---|---|---|---|---|\n".to_owned();
    let table = header + &rows.collect::<String>();
    let guide = guide();
    let (before, rest) = guide.split_once("<!-- functions -->\n").expect("the start of the table");
    let (_, after) = rest.split_once("<!-- end of functions -->").expect("the end of the table");
    is_in_the_guide(format!("{before}<!-- functions -->\n{table}<!-- end of functions -->{after}"));
}

#[test]
fn the_commands_in_the_guide_print_what_it_shows() {
    let guide = guide();
    let folder = tempfile::tempdir().unwrap();
    write_files(&guide, folder.path());
    for command in ["check --deny-warnings", "fmt --check", "test"] {
        let mut sidegate = crate::support::sidegate();
        let (output, out, err) = run(sidegate.args(command.split(' ')).arg(folder.path().join("policies/acme")));
        assert!(output.status.success(), "{command}: {out}{err}");
    }

    let program = Path::new(env!("CARGO_BIN_EXE_sidegate")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut expected = guide.clone();
    let mut commands = 0;
    for shown in of_kind(&guide, "console") {
        let command = shown.lines().next().and_then(|line| line.strip_prefix("$ ")).unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("{command} 2>&1")]).current_dir(folder.path()).env("PATH", &path);
        let (_, out, _) = run(&mut bash);
        expected = expected.replace(shown, format!("$ {command}\n{}", out).trim_end());
        commands += 1;
    }
    assert!(commands >= 4, "the guide shows its tools: {commands}");
    is_in_the_guide(expected);
}

/// Whether the guide reads like that; `INSTA_UPDATE=always` makes it so.
fn is_in_the_guide(expected: String) {
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(root().join(GUIDE), &expected).unwrap();
    }
    let guide = guide();
    let differs = guide.lines().zip(expected.lines()).find(|(is, should)| is != should);
    assert!(guide == expected, "{GUIDE}, which INSTA_UPDATE=always writes anew: {differs:#?}");
}

#[test]
fn the_conditions_in_the_guide_are_worth_what_it_says() {
    let guide = guide();
    let json = |name: &'static str| Object::parse(of_kind(&guide, name).next().unwrap()).unwrap();
    let part = |object: &Object<'static>, name: &str| match object.get(name) {
        Some(Value::Object(part)) => part.clone(),
        _ => panic!("there is no {name}"),
    };
    let (facts, query) = (json("json facts.json").into_owned(), json("json query.json").into_owned());
    let [mut user, resource, mut login, token] = ["user", "resource", "login", "token"].map(|name| part(&facts, name));
    user.set("id", Value::Str("alice".into()));
    for at in ["first_at", "last_at"] {
        let Some(Value::Str(text)) = login.get(at) else { panic!("{at}") };
        let time = text.parse().unwrap();
        login.set(at, Value::Time(time));
    }
    let asked = Asked {
        user: Stored::Present((&user).into()),
        resource: Stored::Present((&resource).into()),
        login: Stored::Present((&login).into()),
        token: Some(&token),
        properties: part(&part(&query, "resource"), "properties"),
        context: part(&query, "context"),
        ..Asked::default()
    };
    let lines: Vec<&str> = of_kind(&guide, "conditions").flat_map(str::lines).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 30, "the guide is full of examples: {}", lines.len());
    for line in lines {
        let (condition, is) = line.rsplit_once('#').unwrap_or_else(|| panic!("{line}"));
        let expected = match is.split([' ', ':', ',']).find(|word| !word.is_empty()) {
            Some("true") => Truth::True,
            Some("false") => Truth::False,
            Some("unknown") => Truth::Unknown,
            _ => panic!("{line}: # true, # false or # unknown"),
        };
        assert_eq!(worth(condition, &asked), Ok(expected), "{line}");
    }
}
