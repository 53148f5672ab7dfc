//! What a use case can refuse, in terms of the use case; which status that is, is not known here.

use crate::store::{StoreError, Trouble};

use super::folder::FolderError;

/// Shorthand of this room.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// What is wrong with one member of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Fault {
    /// JSON pointer (RFC 6901) to the member.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub detail: String,
    /// A stable word for programs.
    pub code: &'static str,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(&'static str),
    /// The input means nothing here: everything that is wrong with it.
    #[error("{}", .0.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Fault>),
    /// It would leave behind what stands on it: what that is.
    #[error("{}; with ?force=true it is done all the same", .0.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Orphans(Vec<Fault>),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// What was to be changed is not what the caller has seen.
    #[error("{0}")]
    Stale(String),
    /// There are no profiling rules that could be used.
    #[error("the profiling rules cannot be used: {0}")]
    NoRules(String),
    /// The store could not do it; nothing was changed.
    #[error(transparent)]
    Unavailable(StoreError),
    /// The store failed in the midst of an import.
    #[error("{}; the users on {done} lines before are written, so take the file in again", .why.trouble())]
    Interrupted {
        /// How many lines are done.
        done: u64,
        /// What the store said.
        why: StoreError,
    },
    /// A body cannot be kept in the data folder.
    #[error("{}: {}", no_room(.0), .0)]
    NoRoom(std::io::Error),
    /// What is stored is not as it should be.
    #[error(transparent)]
    Corrupt(StoreError),
    /// The data folder is not as it should be.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Redis cannot be used at all.
    #[error("Redis: {0}")]
    Redis(String),
    /// A file could not be opened.
    #[error("{what}")]
    Io {
        /// Which file, and for what.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why the data folder keeps nothing.
#[must_use]
pub fn no_room(error: &std::io::Error) -> &'static str {
    match Trouble::of_file(error) {
        Trouble::Full => "the data folder's disk is full",
        Trouble::ReadOnly => "the data folder is read-only",
        _ => "the data folder cannot be written",
    }
}

/// The JSON pointer to a member (RFC 6901, section 3).
#[must_use]
pub fn pointer_to(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}

/// A path of serde as a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&pointer_to(key)),
            Segment::Enum { variant } => pointer.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    pointer
}

impl ServiceError {
    /// One thing that is wrong with the input.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault { pointer: pointer.into(), detail: detail.into(), code }])
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooManyTraits(_) => Self::invalid("", "too_many_attributes", error.to_string()),
            StoreError::Nul => Self::invalid("", "nul_character", error.to_string()),
            StoreError::KeyTaken | StoreError::TokenTaken | StoreError::Rotated(_) => Self::Conflict(error.to_string()),
            StoreError::NoTenant => Self::NotFound("there is no such tenant"),
            StoreError::Stale => Self::Stale(format!("{error}: read it again, and then decide")),
            StoreError::LoginOfAnother => Self::invalid("/loginId", "login_of_another_user", error.to_string()),
            StoreError::Sql(_)
            | StoreError::TimedOut
            | StoreError::Queued
            | StoreError::Behind
            | StoreError::Unconfirmed(_)
            | StoreError::Migrate(_)
            | StoreError::Newer(_)
            | StoreError::File(..) => Self::Unavailable(error),
            StoreError::Corrupt { .. } => Self::Corrupt(error),
        }
    }
}
