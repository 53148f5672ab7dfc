//! Names that are checked once, where they enter, and trusted afterwards.

use std::borrow::Borrow;
use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;

/// Why a text is not the id that it was meant to be: a sentence that names the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {rule}")]
pub struct InvalidId {
    /// What the text was meant to be, such as `a user id`.
    what: &'static str,
    /// The rule that it breaks.
    rule: &'static str,
}

/// Whether a text can name something that others named: 1 to 255 bytes without control characters. Databases can store
/// it, find it by an index, and a log can show it.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks `text` and keeps a copy of it.
            ///
            /// # Errors
            /// [`InvalidId`] names the rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(SmolStr::new(text)))
                } else {
                    Err(InvalidId { what: $what, rule: $rule })
                }
            }

            /// The id as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

id!(
    /// A tenant: `[a-z0-9][a-z0-9-]{0,62}`. Users, policies and tokens of two tenants never meet.
    TenantId,
    "a tenant",
    "is 1 to 63 of a-z, 0-9 and -, and does not start with -",
    |text| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

id!(
    /// A user of a tenant: any string of 1 to 255 bytes without control characters.
    UserId,
    "a user id",
    "is 1 to 255 bytes without control characters",
    is_name
);

id!(
    /// The name of a trait or of a profile field: `[a-z][a-z0-9_]{0,62}`.
    Slug,
    "a slug",
    "is 1 to 63 of a-z, 0-9 and _, and starts with a letter",
    |text| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }
);

/// A resource of a tenant: its type and its id, each any string of 1 to 255 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceId {
    kind: SmolStr,
    id: SmolStr,
}

/// What stands between type and id in a key: neither holds control characters.
const BETWEEN: char = '\u{1f}';

impl ResourceId {
    /// Checks a type and an id, and keeps a copy of them.
    ///
    /// # Errors
    /// [`InvalidId`] names the rule that one of them breaks.
    pub fn parse(kind: &str, id: &str) -> Result<Self, InvalidId> {
        let rule = "is 1 to 255 bytes without control characters";
        for (text, what) in [(kind, "a resource type"), (id, "a resource id")] {
            if !is_name(text) {
                return Err(InvalidId { what, rule });
            }
        }
        Ok(Self { kind: SmolStr::new(kind), id: SmolStr::new(id) })
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its id within the type.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One text for both.
    #[must_use]
    pub fn to_key(&self) -> String {
        format!("{}{BETWEEN}{}", self.kind, self.id)
    }

    /// Type and id of a text that [`ResourceId::to_key`] made.
    #[must_use]
    pub fn split_key(key: &str) -> Option<(&str, &str)> {
        key.split_once(BETWEEN)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_to_their_rules() {
        for good in ["acme", "0", "a-b", &"a".repeat(63)] {
            assert!(TenantId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert!(TenantId::parse(bad).is_err(), "{bad}");
        }
        for good in ["auth0|64", "a@b.example", "a/b", "ü", &"x".repeat(255)] {
            assert!(UserId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a\n", "\0", "a\u{85}", &"x".repeat(256)] {
            assert!(UserId::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "Plan", "1a", "a-b", "_a"] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Slug::parse("Plan").unwrap_err().to_string(),
            "a slug is 1 to 63 of a-z, 0-9 and _, and starts with a letter"
        );
    }
}
