//! Names of fields, each kept once for all users who have it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// How many are kept: more than any honest set of traits, at 64 bytes the most 4 MiB.
const MOST: usize = 65_536;

static NAMES: RwLock<Option<HashSet<&'static str>>> = RwLock::new(None);

/// The same name, borrowed from the one copy of it. (With lists that are as long as they need to be, it makes a cached user with ten traits 250
/// bytes smaller.)
pub(super) fn shared(name: String) -> Cow<'static, str> {
    let known =
        NAMES.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|names| names.get(&*name).copied());
    if let Some(known) = known {
        return Cow::Borrowed(known);
    }
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    match names.get(&*name) {
        Some(known) => Cow::Borrowed(known),
        None if names.len() >= MOST => Cow::Owned(name),
        None => {
            // Never freed: names come back with the next user.
            let kept: &'static str = name.leak();
            names.insert(kept);
            Cow::Borrowed(kept)
        }
    }
}
