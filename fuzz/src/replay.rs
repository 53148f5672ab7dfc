//! Running a target on files.

use std::path::{Path, PathBuf};

/// Calls `check` with every file that the command line names, and those in the folders that it names. A panic comes
/// after the name of the file that it came of.
pub fn replay(check: fn(&[u8])) {
    let mut files = Vec::new();
    std::env::args_os().skip(1).for_each(|path| find(Path::new(&path), &mut files));
    files.sort();
    assert!(!files.is_empty(), "name files or folders with inputs");
    for file in &files {
        let data = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let outcome = std::panic::catch_unwind(|| check(&data));
        outcome.unwrap_or_else(|_| panic!("it came of {}", file.display()));
    }
    println!("{} inputs are fine", files.len());
}

fn find(path: &Path, found: &mut Vec<PathBuf>) {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| find(&entry.path(), found)),
        Err(_) => found.push(path.to_owned()),
    }
}
