//! What a use case can refuse, in terms of the use case; which status that is, is not known here.

use crate::store::StoreError;

use super::folder::FolderError;

/// Shorthand of this room.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(&'static str),
    /// The input means nothing here.
    #[error("{detail}")]
    Invalid {
        /// JSON pointer to the member that is wrong.
        pointer: &'static str,
        /// A stable word for programs.
        code: &'static str,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// The store could not do it; nothing was changed.
    #[error(transparent)]
    Unavailable(StoreError),
    /// What is stored is not as it should be.
    #[error(transparent)]
    Corrupt(StoreError),
    /// The data folder is not as it should be.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file could not be opened.
    #[error("{what}")]
    Io {
        /// Which file, and for what.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooManyTraits(_) => {
                Self::Invalid { pointer: "", code: "too_many_attributes", detail: error.to_string() }
            }
            StoreError::Sql(_) | StoreError::TimedOut | StoreError::Migrate(_) | StoreError::Lock(..) => {
                Self::Unavailable(error)
            }
            StoreError::Corrupt { .. } => Self::Corrupt(error),
        }
    }
}
