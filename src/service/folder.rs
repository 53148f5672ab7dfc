//! The data folder: the database, the keys of this instance and the admin's token, for its owner's eyes only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::model::hex;
use crate::store::{AuditKey, DatabaseAt, SealKey};

use super::dev_tokens::DevTokens;
use super::entropy;
use super::tickets::TicketSigner;
use super::tokens::TokenHasher;

/// An admin token has at least this many bytes.
pub const MIN_SECRET: usize = 32;

const DATABASE: &str = "sidegate.db";
const DATABASE_NOTE: &str = "database";
const ADMIN_TOKEN: &str = "admin-token";
const TOKEN_KEY: &str = "token.key";
const DEV_KEY: &str = "dev-token.key";
const AUDIT_KEY: &str = "audit.key";
const TICKET_KEY: &str = "ticket.key";
const URL: &str = "url";
/// A JSON array of tenant and user on each line.
const WARM_USERS: &str = "warm-users";

/// A folder that `serve` made.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

/// What is wrong with a data folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nobody made it.
    #[error(
        "{0} is not a data folder of sidegate: start `sidegate serve` once, which makes it, or name the folder of \
         a running one with --data"
    )]
    NotOurs(PathBuf),
    /// The server keeps its data elsewhere.
    #[error(
        "the server of this data folder uses {noted}, and this is {given}: name the same one with SIDEGATE_DATABASE or \
         --database"
    )]
    OtherDatabase {
        /// What the server uses.
        noted: String,
        /// What this command was given.
        given: String,
    },
    /// The system refused.
    #[error("{path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A secret that is no good.
    #[error(
        "{path} holds {bytes} bytes, and at least {least} are needed: put the right one back; if it is lost, delete the file, and `serve` makes another"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// What it holds.
        bytes: usize,
        /// What it must hold.
        least: usize,
    },
}

impl DataFolder {
    /// Makes the folder, if it is not there, with its keys.
    ///
    /// # Errors
    /// [`FolderError`] names the file that cannot be made.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        let folder = Self::without_keys(path)?;
        folder.create_secret(TOKEN_KEY, &entropy::secret())?;
        folder.create_secret(DEV_KEY, &entropy::secret())?;
        folder.create_secret(AUDIT_KEY, &entropy::secret())?;
        folder.create_secret(TICKET_KEY, &entropy::secret())?;
        Ok(folder)
    }

    /// Makes the folder, if it is not there, and leaves it to somebody else to put keys into it.
    ///
    /// # Errors
    /// [`FolderError`] if it cannot be made.
    pub fn without_keys(path: &Path) -> Result<Self, FolderError> {
        let folder = Self(path.to_owned());
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| folder.io("", source))?;
        Ok(folder)
    }

    /// Whether keys are in it.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.0.join(TOKEN_KEY).is_file()
    }

    /// Opens a folder that [`DataFolder::create`] made.
    ///
    /// # Errors
    /// [`FolderError::NotOurs`] with a hint.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let folder = Self(path.to_owned());
        if !folder.has_keys() {
            return Err(FolderError::NotOurs(path.to_owned()));
        }
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database in a data folder, which is used unless another one is named.
    #[must_use]
    pub fn database(path: &Path) -> DatabaseAt {
        DatabaseAt::Sqlite(path.join(DATABASE))
    }

    /// Notes which database the server uses.
    ///
    /// # Errors
    /// [`FolderError`] if the file cannot be written.
    pub fn note_database(&self, at: &DatabaseAt) -> Result<(), FolderError> {
        self.note(DATABASE_NOTE, &noted(at))
    }

    /// Refuses another database than the one that the server uses.
    ///
    /// # Errors
    /// [`FolderError::OtherDatabase`]
    pub fn check_database(&self, at: &DatabaseAt) -> Result<(), FolderError> {
        match fs::read_to_string(self.0.join(DATABASE_NOTE)) {
            Ok(theirs) if theirs.trim_end() != noted(at) => {
                Err(FolderError::OtherDatabase { noted: theirs.trim_end().to_owned(), given: noted(at) })
            }
            _ => Ok(()),
        }
    }

    /// The file of the admin's token.
    #[must_use]
    pub fn admin_token_file(&self) -> PathBuf {
        self.0.join(ADMIN_TOKEN)
    }

    /// The admin's token; made if there is none.
    ///
    /// # Errors
    /// [`FolderError`] if it cannot be made, or is too short.
    pub fn admin_token(&self) -> Result<SecretString, FolderError> {
        self.create_secret(ADMIN_TOKEN, &format!("sga_{}", entropy::secret()))?;
        self.secret(ADMIN_TOKEN).map(SecretString::from)
    }

    /// Notes under which URL the server that uses this folder is reached.
    ///
    /// # Errors
    /// [`FolderError`] if the file cannot be written.
    pub fn note_url(&self, url: &str) -> Result<(), FolderError> {
        self.note(URL, url)
    }

    /// Under which URL the server that last used this folder is reached.
    ///
    /// # Errors
    /// [`FolderError`] if no server has noted it.
    pub fn url(&self) -> Result<String, FolderError> {
        let text = fs::read_to_string(self.0.join(URL)).map_err(|source| self.io(URL, source))?;
        Ok(text.trim().to_owned())
    }

    /// Notes which users were in memory.
    ///
    /// # Errors
    /// [`FolderError`] if the file cannot be written.
    pub(super) fn note_warm_users(&self, lines: &str) -> Result<(), FolderError> {
        self.note(WARM_USERS, lines)
    }

    /// Which users were in memory when the last run ended.
    ///
    /// # Errors
    /// [`FolderError`] if nobody has noted it.
    pub(super) fn warm_users(&self) -> Result<String, FolderError> {
        fs::read_to_string(self.0.join(WARM_USERS)).map_err(|source| self.io(WARM_USERS, source))
    }

    /// What hashes service tokens.
    ///
    /// # Errors
    /// [`FolderError`] if the key is not there or too short.
    pub fn token_hasher(&self) -> Result<TokenHasher, FolderError> {
        Ok(TokenHasher::new(self.secret(TOKEN_KEY)?.as_bytes()))
    }

    /// What seals facts in Redis: all sidecars have the key of tokens in common.
    ///
    /// # Errors
    /// [`FolderError`] if the key is not there or too short.
    pub fn seal_key(&self) -> Result<SealKey, FolderError> {
        Ok(SealKey::new(self.secret(TOKEN_KEY)?.as_bytes()))
    }

    /// What vouches for the heads of the audit trails.
    ///
    /// # Errors
    /// [`FolderError`] if the key is not there or too short.
    pub fn audit_key(&self) -> Result<AuditKey, FolderError> {
        Ok(AuditKey::new(self.secret(AUDIT_KEY)?.as_bytes()))
    }

    /// By what sidecars know that they have the same keys. Whoever reads it learns nothing of these: all are random.
    ///
    /// # Errors
    /// [`FolderError`] if a key is not there or too short.
    pub(super) fn keys(&self) -> Result<String, FolderError> {
        let mut hash = Sha256::new();
        for name in [TOKEN_KEY, DEV_KEY, AUDIT_KEY, TICKET_KEY] {
            hash.update(Sha256::digest(self.secret(name)?.as_bytes()));
        }
        Ok(hex(&hash.finalize()[..8]))
    }

    /// What signs and checks tickets.
    pub(super) fn ticket_signer(&self) -> Result<TicketSigner, FolderError> {
        Ok(TicketSigner::new(self.secret(TICKET_KEY)?.as_bytes()))
    }

    /// What mints and checks development tokens.
    ///
    /// # Errors
    /// [`FolderError`] if the key is not there or too short.
    pub fn dev_tokens(&self) -> Result<DevTokens, FolderError> {
        Ok(DevTokens::new(self.secret(DEV_KEY)?.as_bytes()))
    }

    /// Makes a file for its owner alone, whole or not at all, unless there is one already.
    fn create_secret(&self, name: &str, secret: &str) -> Result<(), FolderError> {
        let path = self.0.join(name);
        if path.exists() {
            return Ok(());
        }
        // A link, unlike a rename, never replaces what another process made in the meantime.
        self.make(name, secret, |fresh| match fs::hard_link(fresh, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        })
    }

    /// Puts a text into a file that may be there already; one that says so already needs no room on the disk.
    fn note(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.0.join(name);
        if fs::read_to_string(&path).is_ok_and(|noted| noted.trim_end() == text) {
            return Ok(());
        }
        self.make(name, text, |fresh| fs::rename(fresh, &path))
    }

    /// Makes a file for its owner alone aside, and puts it in its place once it is whole.
    fn make(&self, name: &str, text: &str, put: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), FolderError> {
        let fresh = self.0.join(format!(".{name}.{}", entropy::secret()));
        let made = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            put(&fresh)
        })();
        let _ = fs::remove_file(&fresh);
        made.map_err(|source| self.io(name, source))
    }

    fn secret(&self, name: &str) -> Result<String, FolderError> {
        let text = fs::read_to_string(self.0.join(name)).map_err(|source| self.io(name, source))?;
        let secret = text.trim();
        if secret.len() < MIN_SECRET {
            let (path, bytes) = (self.0.join(name), secret.len());
            return Err(FolderError::Short { path, bytes, least: MIN_SECRET });
        }
        Ok(secret.to_owned())
    }

    fn io(&self, name: &str, source: io::Error) -> FolderError {
        FolderError::Io { path: self.0.join(name), source }
    }
}

/// What is noted of a database: where its server is, without a password.
fn noted(at: &DatabaseAt) -> String {
    match at {
        DatabaseAt::Sqlite(_) => "SQLite, in that folder".to_owned(),
        at => at.to_string(),
    }
}
