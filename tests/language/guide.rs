//! What `docs/language.md` says of the language is true.

use std::sync::Arc;

use sidegate::engine::builtins::{self, Parameter};
use sidegate::engine::{RawFile, compile, run_tests, warnings};
use sidegate::lang::Sources;

use super::{Asked, Truth, rendered, worth};
use crate::support::root;

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/language.md")).unwrap()
}

/// The blocks of the guide that are fenced as `kind`.
fn blocks(guide: &str, kind: &str) -> Vec<String> {
    let fenced = guide.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix(&format!("{kind}\n")).map(str::to_owned)).collect()
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
    let guide = guide();
    let (_, rest) = guide.split_once("<!-- functions -->\n").expect("the start of the table");
    let (table, _) = rest.split_once("<!-- end of functions -->").expect("the end of the table");
    let header = "| function | takes | gives | | for example |\n|---|---|---|---|---|\n".to_owned();
    assert_eq!(table, header + &rows.collect::<String>(), "docs/language.md: put the right side between the two marks");
}

#[test]
fn the_policies_in_the_guide_compile_and_its_tests_pass() {
    let guide = guide();
    let file = |name: String, text: &str| RawFile { name, content: Ok(text.as_bytes().to_vec()) };
    let policies = blocks(&guide, "policy");
    let json = blocks(&guide, "json traits.json");
    let (tests, declarations): (Vec<_>, Vec<_>) = policies.iter().partition(|block| block.contains("expect "));
    assert!(declarations.len() >= 5 && tests.len() >= 2 && !json.is_empty(), "the guide is full of examples");
    let policy_files = declarations.iter().enumerate().map(|(place, text)| file(format!("{place:02}.policy"), text));
    let files = policy_files.chain(json.iter().map(|text| file("traits.json".to_owned(), text)));
    let mut compiled = compile(files.collect(), &Arc::default());
    warnings(&mut compiled);
    assert!(compiled.diagnostics.is_empty(), "{}", rendered(&compiled));
    let program = compiled.program.as_ref().unwrap();
    for text in tests {
        let sources = Sources::single("guide_test.policy", text);
        let report = run_tests(program, &sources).unwrap();
        assert!(!report.outcomes.is_empty());
        for outcome in report.outcomes {
            assert!(outcome.wrong.is_none(), "{}: {:?}", outcome.expected, outcome.wrong.map(|wrong| wrong.sentence));
        }
    }
}

#[test]
fn the_conditions_in_the_guide_are_worth_what_it_says() {
    let guide = guide();
    let blocks = blocks(&guide, "conditions");
    let lines: Vec<&str> = blocks.iter().flat_map(|block| block.lines()).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 30, "the guide is full of examples: {}", lines.len());
    for line in lines {
        let (condition, is) = line.rsplit_once('#').unwrap_or_else(|| panic!("{line}"));
        let expected = match is.split_whitespace().next() {
            Some("true") => Truth::True,
            Some("false") => Truth::False,
            Some("unknown") => Truth::Unknown,
            _ => panic!("{line}: # true, # false or # unknown"),
        };
        assert_eq!(worth(condition, &Asked::default()), Ok(expected), "{line}");
    }
}
