//! Doing something again whenever a file below a folder changes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use notify::{RecursiveMode, Watcher};

use super::show;

/// Editors write a file in several steps: what follows within this time belongs to the same change.
const SETTLED: Duration = Duration::from_millis(100);

/// Does it once, and again after each change, until the program is interrupted.
pub(super) fn whenever_changed(folder: &Path, mut act: impl FnMut() -> Result<()>) -> Result<ExitCode> {
    let (sender, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the files is no change to them.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    loop {
        act()?;
        show::line(format_args!("\nwaiting for a change in {}\n", folder.display()))?;
        changes.recv()?;
        while changes.recv_timeout(SETTLED).is_ok() {}
    }
}
