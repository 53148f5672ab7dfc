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

pub(super) fn stdin() -> Result<RawFile> {
    let mut text = Vec::new();
    std::io::stdin().take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
    Ok(RawFile { name: "<stdin>".to_owned(), content: Ok(text) })
}

/// The folder itself, if policies are in it, or else those folders in it that have some.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        let of = folder.parent().filter(|of| !of.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let why = format!("{} is a file: name the folder of its tenant, {}", folder.display(), of.display());
        return Err(Usage(why).into());
    }
    if !folder.is_dir() {
        return Err(Usage(format!("there is no folder {}", folder.display())).into());
    }
    if !read_policies(folder).is_empty() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut below = folders_in(folder)?;
    below.retain(|folder| !read_policies(folder).is_empty());
    if below.is_empty() {
        return Err(no_policies(folder).into());
    }
    Ok(below)
}

/// The file itself, or the `.policy` files of a folder, tests too, or else those of the folders in it.
pub(super) fn policy_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        let missing = || Usage(format!("there is no file or folder {}", path.display()));
        return if path.exists() { Ok(vec![path.to_owned()]) } else { Err(missing().into()) };
    }
    let mut files = policies_in(path)?;
    if files.is_empty() {
        for folder in folders_in(path)? {
            files.extend(policies_in(&folder)?);
        }
    }
    if files.is_empty() { Err(no_policies(path).into()) } else { Ok(files) }
}

fn policies_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "policy") && !path.is_dir());
    Ok(files)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = entries(folder)?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

/// What is in a folder and not hidden, in order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let shown = |entry: &std::fs::DirEntry| !entry.file_name().to_string_lossy().starts_with('.');
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.flatten().filter(shown).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn no_policies(folder: &Path) -> Usage {
    Usage(format!("there are no .policy files in {}, nor in a folder in it", folder.display()))
}
