//! The house is as `docs/ARCHITECTURE.md` says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Rooms and what each may import, from the table.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let (rooms, _) = text.split_once("## The way of a decision").unwrap();
    let rows = rooms.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let rooms = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (words(cells[2]).remove(0), words(cells[4]))
    });
    rooms.collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "lalrpop") {
            found.push(path);
        }
    }
}

#[test]
fn imports_only_go_down() {
    let table = table();
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut rooms_seen = BTreeMap::new();
    for file in &files {
        let below = file.strip_prefix(&src).unwrap();
        let room = below.iter().next().unwrap().to_str().unwrap().to_owned();
        if room.ends_with(".rs") {
            continue;
        }
        let allowed = table.get(&room).unwrap_or_else(|| panic!("{room} is not in the table"));
        rooms_seen.insert(room.clone(), ());
        let text = std::fs::read_to_string(file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase()).collect();
                let fine = used == room || allowed.contains(&used);
                assert!(fine, "{}:{}: {room} may not import {used}", below.display(), number + 1);
            }
        }
    }
    assert_eq!(rooms_seen.len(), table.len(), "every room of the table is there");
}

#[test]
fn the_pure_rooms_are_pure() {
    let impure = [
        "tokio",
        "std::fs",
        "std::env",
        "TcpStream",
        "UdpSocket",
        "std::time",
        "std::thread",
        "tracing",
        "async ",
        "println!",
    ];
    for room in ["model", "lang", "engine", "profiling"] {
        let mut files = Vec::new();
        sources(&root().join("src").join(room), &mut files);
        assert!(!files.is_empty());
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (line, word) in code.flat_map(|line| impure.map(|word| (line, word))) {
                assert!(!line.contains(word), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "grammar", "benches", "fuzz/src", "fuzz/targets"] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines: is it two things?", file.display());
    }
}
