//! `sidegate backup` and `sidegate restore`: the whole database as a file.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::service::{Clock, DataFolder};
use crate::store::{AuditKey, Store};

use super::data::Data;
use super::output::Output;
use super::progress::shown;
use super::show;

/// Write everything in the database into a file: all tenants with users, definitions, rules, tokens (as hashes), the
/// audit trail. It is of one moment, and a server may go on working. Beside it, copy the keys in the data folder
/// (DATA/*.key) and DATA/admin-token: they are files, and without them the tokens in a backup are of no use. Keep both
/// as you keep the data.
#[derive(Args)]
pub(super) struct Backup {
    #[command(flatten)]
    data: Data,
    /// Where to write; the file is there once it is whole; - is standard output
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (_, store) = self.data.open().await?;
        let mut out = Output::create(Some(&self.file))?;
        let mut backup = store.backup(Clock::system().now()).await?;
        let written = Cell::new(0);
        let work = async {
            while let Some(part) = backup.next().await? {
                out.write_all(&part)?;
                written.set(backup.written());
            }
            out.flush()?;
            anyhow::Ok(())
        };
        shown(work, || ("rows written:", written.get(), None)).await?;
        out.finish()?;
        drop(backup);
        store.close().await;
        eprintln!("{}", show::count(written.get() as usize, "row", "rows"));
        Ok(ExitCode::SUCCESS)
    }
}

/// Bring a backup back into an empty database, of SQLite or of PostgreSQL, whichever it was made of: all of it or, if
/// the file is not whole, nothing. Copy the keys into the data folder, too (DATA/*.key and DATA/admin-token of the server
/// that was backed up), and only then start the server.
#[derive(Args)]
pub(super) struct Restore {
    #[command(flatten)]
    data: Data,
    /// The backup; - is standard input
    file: PathBuf,
}

impl Restore {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let (path, database) = self.data.places()?;
        let file: Box<dyn BufRead> = match self.file == Path::new("-") {
            true => Box::new(BufReader::new(std::io::stdin())),
            false => {
                let cannot = || format!("cannot read {}", self.file.display());
                Box::new(BufReader::with_capacity(1 << 18, std::fs::File::open(&self.file).with_context(cannot)?))
            }
        };
        let folder = DataFolder::without_keys(&path)?;
        folder.check_database(&database)?;
        // What is brought back is sealed already, so the key is not needed if it is not there yet.
        let key = folder.audit_key().unwrap_or_else(|_| AuditKey::new(&[]));
        let store = Store::open(&database, key).await.with_context(|| format!("cannot open {database}"))?;
        let count = Cell::new(0);
        let outcome = shown(store.restore(file, |rows| count.set(rows)), || ("rows read:", count.get(), None)).await;
        // Closed in any case: what was begun is taken back.
        store.close().await;
        let restored = outcome?;
        let rows = restored.rows.values().sum::<u64>();
        let rows = show::count(rows as usize, "row", "rows");
        show::line(format_args!("{rows} of {:.0} are in {database}", restored.at))?;
        if !folder.has_keys() {
            eprintln!(
                "note: {} holds no keys: copy those of the server that was backed up (*.key, admin-token) there before \
                 you start this one; with new ones, its tokens are of no use",
                path.display()
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
