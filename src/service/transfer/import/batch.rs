//! Rows of a file in batches, each of which goes into one transaction.

use std::collections::HashSet;
use std::fs::File;
use std::hash::Hash;
use std::io;

use tokio::sync::mpsc::Sender;

use crate::model::PortableUser;
use crate::service::tenants::Tenant;

use super::super::rows::{Row, Rows};
use super::super::{Format, REFUSALS, Refusal};

/// Users of a batch: few enough that others who write wait for some hundredths of a second, enough that what a
/// transaction costs by itself does not count.
const USERS: usize = 250;

/// Bytes of a file in a batch, unless one user takes more.
const BYTES: usize = 4 << 20;

/// Bytes of one user on several lines, which is more than the fields of any can take.
const ONE_USER: usize = 80 << 20;

/// Some users, each of whom is there once, with the line that each begins on.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) users: Vec<(u64, PortableUser)>,
    /// Lines that were read, good or not.
    pub(super) read: u64,
    /// Lines that are no use.
    pub(super) refused_lines: u64,
    /// What is wrong with the first of them.
    pub(super) refusals: Vec<Refusal>,
    bytes: usize,
}

/// Reads a file to its end, or until nobody wants more of it.
///
/// # Errors
/// The system's.
pub(super) fn read_batches(tenant: &Tenant, format: Format, file: File, sender: &Sender<Batch>) -> io::Result<()> {
    let mut rows = Rows::new(tenant, format, file)?;
    let (mut batch, mut seen) = (Batch::default(), HashSet::new());
    while let Some(Row { line, bytes, user }) = rows.next()? {
        if let Ok(user) = &user {
            let goes_on = batch.users.last().is_some_and(|(_, last)| last.id == user.id);
            let full = match goes_on {
                true => batch.bytes > ONE_USER,
                false => batch.users.len() >= USERS || batch.bytes > BYTES || seen.contains(&user.id),
            };
            if full {
                seen.clear();
                if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
            }
        }
        batch.read += 1;
        batch.bytes += bytes;
        match user {
            Ok(user) if batch.users.last().is_some_and(|(_, last)| last.id == user.id) => {
                if let Some((_, last)) = batch.users.last_mut() {
                    merge(last, user);
                }
            }
            Ok(user) => {
                seen.insert(user.id.clone());
                batch.users.push((line, user));
            }
            Err(refused) => {
                batch.refused_lines += 1;
                let room = REFUSALS.saturating_sub(batch.refusals.len());
                batch.refusals.extend(refused.into_iter().take(room));
            }
        }
    }
    // Nobody is there any more who wants it: that is no matter of reading.
    let _ = sender.blocking_send(batch);
    Ok(())
}

/// Adds what a line says to what the line before it said of the same user. What both say, the later one says.
fn merge(user: &mut PortableUser, next: PortableUser) {
    user.created_at = user.created_at.or(next.created_at);
    extend(&mut user.fields, next.fields, |field| field.slug.clone());
    extend(&mut user.identities, next.identities, |identity| (identity.provider.clone(), identity.subject.clone()));
    extend(&mut user.consents, next.consents, |consent| consent.purpose.clone());
    extend(&mut user.logins, next.logins, |login| login.login_id.clone());
}

fn extend<T, K: Hash + Eq>(list: &mut Vec<T>, next: Vec<T>, key: impl Fn(&T) -> K) {
    let said: HashSet<K> = next.iter().map(&key).collect();
    if !said.is_empty() {
        list.retain(|one| !said.contains(&key(one)));
        list.extend(next);
    }
}
