//! Files that are written whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Where a command writes to.
pub(super) enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// A file that takes its name once it is whole; until then it is another one beside it, for its owner's eyes only.
    File(BufWriter<NamedTempFile>, PathBuf),
    /// A device or a pipe.
    Device(File),
}

impl Output {
    /// Begins a file; without a name, or with the name -, standard output.
    ///
    /// # Errors
    /// The system's, with the name.
    pub(super) fn create(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { return Ok(Self::Stdout(io::stdout())) };
        let cannot = || format!("cannot write {}", path.display());
        if path.exists() && !path.is_file() {
            return Ok(Self::Device(File::options().write(true).open(path).with_context(cannot)?));
        }
        // A link stays one: what it leads to is replaced.
        let path = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).with_context(cannot)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = tempfile::Builder::new().prefix(".sidegate-").tempfile_in(folder).with_context(cannot)?;
        Ok(Self::File(BufWriter::with_capacity(1 << 18, file), path))
    }

    /// Gives the file its name, once it is on the disk.
    ///
    /// # Errors
    /// The system's, with the name.
    pub(super) fn finish(self) -> Result<()> {
        let Self::File(writer, path) = self else { return Ok(()) };
        let finish = || -> io::Result<()> {
            let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        finish().with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stdout(out) => out.write(bytes),
            Output::File(file, _) => file.write(bytes),
            Output::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(out) => out.flush(),
            Output::File(file, _) => file.flush(),
            Output::Device(file) => file.flush(),
        }
    }
}
