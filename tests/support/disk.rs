//! A disk that fails: `disk.c` between a program and the system.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::preload;

/// A folder on a disk that can be full or read-only, for programs that are started with its environment.
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// All that is in that folder, which need not be there yet, is on the disk.
    pub fn below(folder: &Path) -> Self {
        let parent = folder.parent().unwrap().canonicalize().unwrap();
        Self { folder: parent.join(folder.file_name().unwrap()) }
    }

    /// What a program on this disk is started with.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        // Beside the folder, where whoever works in that can read it.
        let library = self.folder.with_extension("so");
        if !library.exists() {
            std::fs::copy(built(), &library).unwrap();
        }
        [("LD_PRELOAD", text(&library)), ("FAILING_DISK", text(&self.folder))]
    }

    /// No file grows from now on.
    pub fn fill(&self) {
        self.mark("full");
    }

    /// Nothing is written from now on.
    pub fn protect(&self) {
        self.mark("read-only");
    }

    /// All is well again.
    pub fn mend(&self) {
        for state in ["full", "read-only"] {
            let _ = std::fs::remove_file(self.folder.with_extension(state));
        }
    }

    fn mark(&self, state: &str) {
        std::fs::write(self.folder.with_extension(state), "").unwrap();
    }
}

/// The library, built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| preload::build("disk"))
}
