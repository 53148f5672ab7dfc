//! What mends a failure that is not the program's.

use std::io;

use crate::service::{StoreError, Trouble};

/// A way out, if the error is one that somebody can mend.
pub(super) fn of(error: &anyhow::Error) -> Option<&'static str> {
    let mut troubles = error.chain().map(trouble);
    Some(match troubles.find(|trouble| *trouble != Trouble::Refuses)? {
        Trouble::Full => "make room on that disk, and do it again",
        Trouble::ReadOnly => {
            "it must be writable for the user who runs this: look at how it is mounted and at its owner"
        }
        Trouble::Locked => "somebody else works on the database: do it again once they are through",
        Trouble::Disk => "look at the disk: at how it is mounted, and at what room it has",
        Trouble::Silent => "is the database there, and does it answer?",
        Trouble::Refuses => return None,
    })
}

fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    match (error.downcast_ref::<StoreError>(), error.downcast_ref::<io::Error>()) {
        (Some(error), _) => error.trouble(),
        (None, Some(error)) => Trouble::of_file(error),
        (None, None) => Trouble::Refuses,
    }
}
