//! The keys of an issuer: a JWK Set (RFC 7517). Each key is good for its own algorithms only, so that what a token says of
//! itself never chooses how it is checked (RFC 8725, section 3.1).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// More keys than that have no good reason, and each may have to be tried.
const MAX_KEYS: usize = 100;

/// Public keys for checking signatures.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    /// The key as it was given, to tell it from others.
    text: String,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why a text is no set of keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadKeys {
    #[error("this is no JWK Set: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
}

impl KeySet {
    /// Reads a set. Keys of other kinds and for other uses are left out, as the RFC asks; if none is left, nobody's signature
    /// counts.
    pub(super) fn parse(text: &str) -> Result<Self, BadKeys> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_str(text)?;
        if set.keys.len() > MAX_KEYS {
            return Err(BadKeys::TooMany);
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(|key| read(serde_json::from_value(key).ok()?)).collect();
        Ok(Self(keys))
    }

    /// Whether every key of another set is here, too.
    pub(super) fn has_all_of(&self, other: &Self) -> bool {
        other.0.iter().all(|key| self.0.iter().any(|own| own.text == key.text))
    }

    /// The keys that a token may be signed with, by what it says of its key. One that says nothing must leave no choice.
    pub(super) fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<&DecodingKey> {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id);
        let fitting: Vec<_> = self.0.iter().filter(fits).map(|key| &key.key).collect();
        if id.is_none() && fitting.len() > 1 { Vec::new() } else { fitting }
    }
}

fn read(jwk: Jwk) -> Option<Key> {
    let common = &jwk.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        _ => return None,
    };
    if let Some(named) = common.key_algorithm {
        algorithms.retain(|algorithm| named == (*algorithm).into());
    }
    if algorithms.is_empty() || !is_for_signatures {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let text = serde_json::to_string(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, text, algorithms, key })
}
