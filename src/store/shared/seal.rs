//! Values as they lie in Redis: `1`, the number of a change in nineteen digits, a nonce, and the content, sealed together
//! with number and key (AES-256-GCM-SIV, RFC 8452). Nobody who reads Redis learns anything, and nobody who writes into it
//! makes up a value or puts one under another name.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The format of values; those of another are another's.
pub(super) const FORMAT: char = '1';

/// The format and the number.
const HEAD: usize = 20;

/// What values are sealed with. All sidecars of an instance have the same.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(hidden)")
    }
}

impl SealKey {
    /// From a secret of any length.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
        mac.update(b"sidegate facts in Redis");
        Self(mac.finalize().into_bytes().into())
    }
}

/// What is known of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The number of the last change that the reading of it saw.
    pub as_of: i64,
    /// What it is; `None` if nobody stored it.
    pub content: Option<Vec<u8>>,
}

pub(super) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(super) fn new(SealKey(key): &SealKey) -> Self {
        #[expect(clippy::expect_used, reason = "the key has the right length")]
        Self(RandomizedNonceKey::new(&AES_256_GCM_SIV, key).expect("a key of 32 bytes"))
    }

    /// A value as it lies under a key.
    pub(super) fn seal(&self, key: &str, sealed: &Sealed) -> Option<Vec<u8>> {
        let head = format!("{FORMAT}{:019}", sealed.as_of);
        let mut content = match &sealed.content {
            Some(content) => [b"+", content.as_slice()].concat(),
            None => b"-".to_vec(),
        };
        let nonce = self.0.seal_in_place_append_tag(bound(&head, key), &mut content).ok()?;
        Some([head.as_bytes(), nonce.as_ref(), &content].concat())
    }

    /// What lies under a key, if it is what one of us has put there.
    pub(super) fn open(&self, key: &str, mut value: Vec<u8>) -> Option<Sealed> {
        let (head, rest) = value.split_at_mut_checked(HEAD)?;
        let (nonce, content) = rest.split_at_mut_checked(NONCE_LEN)?;
        let head = std::str::from_utf8(head).ok()?;
        let as_of = head.strip_prefix(FORMAT)?.parse().ok()?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let content = self.0.open_in_place(nonce, bound(head, key), content).ok()?;
        let content = match content.split_first()? {
            (b'+', content) => Some(content.to_vec()),
            _ => None,
        };
        Some(Sealed { as_of, content })
    }
}

/// What a value is bound to.
fn bound(head: &str, key: &str) -> Aad<Vec<u8>> {
    Aad::from([head.as_bytes(), key.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_where_it_was_put_and_as_it_was() {
        let sealer = Sealer::new(&SealKey::new(b"secret"));
        for content in [None, Some(Vec::new()), Some(b"plan=pro".to_vec())] {
            let sealed = Sealed { as_of: 42, content };
            let value = sealer.seal("a:alice", &sealed).unwrap();
            assert!(value.starts_with(b"10000000000000000042") && !value.windows(3).any(|part| part == b"pro"));
            assert_eq!(sealer.open("a:alice", value.clone()), Some(sealed));
            assert_eq!(sealer.open("b:alice", value.clone()), None, "another name");
            assert_eq!(Sealer::new(&SealKey::new(b"other")).open("a:alice", value.clone()), None, "another key");
            for place in 0..value.len() {
                let mut changed = value.clone();
                changed[place] ^= 1;
                assert_eq!(sealer.open("a:alice", changed), None, "byte {place}");
                assert_eq!(sealer.open("a:alice", value[..place].to_vec()), None, "cut at {place}");
            }
        }
    }

    #[test]
    fn numbers_are_in_the_order_of_their_texts() {
        let sealer = Sealer::new(&SealKey::new(b"secret"));
        let head = |as_of| sealer.seal("k", &Sealed { as_of, content: None }).unwrap()[..HEAD].to_vec();
        assert!(head(9) < head(10) && head(i64::MAX - 1) < head(i64::MAX));
        assert_eq!(head(i64::MAX).len(), HEAD);
    }
}
