//! What is said about mistakes: `diagnostics/*.policy` hold them, one file or several in one, each beside a snapshot.

use std::sync::Arc;

use sidegate::engine::{Compiled, RawFile, compile, warnings};
use sidegate::lang::{Code, split_example};

use super::rendered;
use crate::support::root;

/// Compiles the files that stand in one text, and looks at everything.
fn checked(text: &str, name: &str) -> Compiled {
    let files =
        split_example(text, name).map(|(name, text)| RawFile { name: name.to_owned(), content: Ok(text.into()) });
    let mut compiled = compile(files.collect(), &Arc::default());
    warnings(&mut compiled);
    compiled
}

#[test]
fn mistakes_are_shown_with_their_place_and_a_way_out() {
    insta::with_settings!({snapshot_path => "diagnostics", prepend_module_to_snapshot => false}, {
        insta::glob!("diagnostics/*.policy", |path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let compiled = checked(&std::fs::read_to_string(path).unwrap(), name);
            assert!(!compiled.diagnostics.is_empty(), "{}", path.display());
            insta::assert_snapshot!("shown", rendered(&compiled));
        });
    });
}

/// These are about files, sizes and rules, which one short text cannot show.
const WITHOUT_EXAMPLE: [&str; 8] = ["E006", "E007", "E009", "E022", "E023", "E024", "E031", "W010"];

#[test]
fn every_code_has_a_meaning_and_an_example_that_shows_it() {
    for code in Code::ALL {
        assert!(!code.meaning().is_empty());
        assert_eq!(code.example().is_empty(), WITHOUT_EXAMPLE.contains(&code.as_str()), "{}", code.as_str());
        if !code.example().is_empty() {
            let compiled = checked(code.example(), "example.policy");
            let found = compiled.diagnostics.iter().any(|found| found.code == *code);
            assert!(found, "{}: {}", code.as_str(), rendered(&compiled));
        }
    }
}

#[test]
fn the_tour_of_diagnostics_shows_them_as_they_print() {
    let mut tour = String::from(
        "# Diagnostics\n\nWhat `sidegate check` finds, one after the other, as it prints. `sidegate explain CODE` shows each of \
         them. Errors (E) keep a\nset from being used; the last good one stays in force. Warnings (W) are for somebody to look at; \
         `--deny-warnings`\nmakes them count. Codes are stable, and never used again for something else.\n\nOf a text, the lines with \
         a mark are shown; definitions and settings that belong to it stand beside it. What has no text here\nis about whole \
         files, sizes or profiling rules: the finding itself says what mends it.\n",
    );
    for code in Code::ALL {
        tour += &format!("\n## {}\n\n{}\n", code.as_str(), code.meaning());
        if !code.example().is_empty() {
            let mut compiled = checked(code.example(), "example.policy");
            compiled.diagnostics.retain(|diagnostic| diagnostic.code == *code);
            tour += &format!("\n```text\n{}\n```\n", rendered(&compiled).trim_end());
        }
    }
    let path = root().join("docs/diagnostics.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(&path, &tour).unwrap();
    }
    let shown = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(shown, tour, "docs/diagnostics.md: INSTA_UPDATE=always writes it anew");
}
