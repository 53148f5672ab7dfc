//! What the commands are given: the policies of one tenant, of all, or a text on standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::engine::RawFile;
use crate::lang::MAX_FILE;
use crate::service::read_policies;

use super::Usage;

/// The files of every set under `folder`; - is one file on standard input.
pub(super) fn sets(folder: &Path) -> Result<Vec<Vec<RawFile>>> {
    if folder == Path::new("-") {
        return Ok(vec![vec![stdin()?]]);
    }
    Ok(folders(folder)?.iter().map(|folder| read_policies(folder)).collect())
}

/// The files of one tenant.
pub(super) fn one_set(folder: &Path) -> Result<Vec<RawFile>> {
    if folder == Path::new("-") {
        return Ok(vec![stdin()?]);
    }
    match folders(folder)?.as_slice() {
        [only] => Ok(read_policies(only)),
        several => {
            let names: Vec<_> = several.iter().map(|folder| folder.display().to_string()).collect();
            Err(Usage(format!("there are several tenants here, name one: {}", names.join(", "))).into())
        }
    }
}

fn stdin() -> Result<RawFile> {
    let mut text = Vec::new();
    std::io::stdin().take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    Ok(RawFile { name: "<stdin>".to_owned(), content: Ok(text) })
}

/// The folder itself, if policies are in it, or else those folders in it that have some.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Err(Usage(format!("there is no folder {}", folder.display())).into());
    }
    if !read_policies(folder).is_empty() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.') && entry.path().is_dir())
        .map(|entry| entry.path())
        .filter(|folder| !read_policies(folder).is_empty())
        .collect();
    below.sort();
    if below.is_empty() {
        let message = format!("there are no .policy files in {}, nor in a folder in it", folder.display());
        return Err(Usage(message).into());
    }
    Ok(below)
}
