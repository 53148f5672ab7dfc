//! Every operator with every pair of types: `operators.txt` holds the tables.

use std::collections::HashMap;

use sidegate::model::{Object, Stored};

use super::{Asked, Truth, worth};

/// How a table names a value, and the path where the facts of the test hold it.
const VALUES: [(&str, &str); 8] = [
    ("true", "user.traits.yes"),
    ("1", "user.traits.int"),
    ("1.5", "user.traits.double"),
    ("\"a\"", "user.traits.text"),
    ("time", "login.last_at"),
    ("[1]", "user.traits.list"),
    ("{}", "user.traits.object"),
    ("absent", "user.traits.nothing"),
];

/// What an operator makes of the values at two paths.
fn outcome(operator: &str, left: &str, right: &str, asked: &Asked<'_>) -> Truth {
    let worth = |condition: &str| worth(condition, asked).unwrap();
    match operator {
        "+" | "-" | "*" => worth(&format!("{left} {operator} {right} == {left} {operator} {right}")),
        "??" => match [left, right].map(|side| worth(&format!("{left} ?? {right} == {side}"))) {
            [Truth::True, _] => Truth::True,
            [_, Truth::True] => Truth::False,
            _ => Truth::Unknown,
        },
        _ => worth(&format!("{left} {} {right}", operator.replace('_', " "))),
    }
}

#[test]
fn operators_mean_what_the_tables_say() {
    let user = Object::parse(
        r#"{"id": "alice", "traits": {"yes": true, "int": 1, "double": 1.5, "text": "a", "list": [1], "object": {"k": 1}}}"#,
    )
    .unwrap();
    let mut login = Object::new();
    login.set("last_at", sidegate::model::Value::Time("2026-01-01T00:00:00Z".parse().unwrap()));
    let paths: HashMap<&str, &str> = VALUES.into_iter().collect();
    let text = std::fs::read_to_string(crate::support::root().join("tests/language/operators.txt")).unwrap();
    let (mut operator, mut columns) = ("", Vec::new());
    let asked =
        Asked { user: Stored::Present((&user).into()), login: Stored::Present((&login).into()), ..Asked::default() };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        if !paths.contains_key(first) {
            (operator, columns) = (first, words.collect());
            assert_eq!(columns.len(), VALUES.len(), "{line}");
            continue;
        }
        for (column, cell) in columns.iter().zip(words) {
            let (left, right) = (paths[first], paths[column]);
            let expected = match cell {
                "T" => Truth::True,
                "F" => Truth::False,
                "U" => Truth::Unknown,
                _ => panic!("{line}"),
            };
            let found = outcome(operator, left, right, &asked);
            count += 1;
            if found != expected {
                wrong.push(format!("{first} {operator} {column} is {found:?}, and should be {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, 16 * VALUES.len() * VALUES.len(), "all tables were read");
}
