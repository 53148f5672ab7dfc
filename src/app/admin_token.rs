//! The token of the instance's admin, from wherever it is given.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::config::{ConfigError, Layers, Origin, absolute, long_enough};

/// The admin's token: given, or to be made in the data folder.
#[derive(Debug)]
pub enum AdminToken {
    /// By the environment or the file.
    Given(SecretString, Origin),
    /// In a file that somebody named.
    File(PathBuf, SecretString),
    /// In the data folder.
    Made,
}

impl AdminToken {
    /// Reads it from whichever place comes first.
    ///
    /// # Errors
    /// [`ConfigError`] for one that is no good.
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let fitting = |token: &str| match token.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => long_enough(token).map(SecretString::from),
            false => Err("it does not fit into a header".to_owned()),
        };
        let origin_of = |name| layers.get(name).1;
        let (token_origin, file_origin) = (origin_of("admin_token"), origin_of("admin_token_file"));
        if token_origin == file_origin && token_origin != Origin::Default {
            return Err(ConfigError::Value {
                place: "admin_token and admin_token_file".to_owned(),
                value: "having both".to_owned(),
                why: "they come from the same place, so neither comes first".to_owned(),
                right: "one of them",
            });
        }
        if token_origin < file_origin
            && let Some(token) = layers.read("admin_token", |text| fitting(text.trim()))?
        {
            return Ok(Self::Given(token, token_origin));
        }
        let from_file = layers.read("admin_token_file", |path| {
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
            Ok((absolute(path), fitting(text.trim())?))
        })?;
        Ok(from_file.map_or(Self::Made, |(path, token)| Self::File(path, token)))
    }

    /// The token itself, unless it is to be made.
    #[must_use]
    pub fn given(&self) -> Option<SecretString> {
        match self {
            AdminToken::Given(token, _) | AdminToken::File(_, token) => Some(token.expose_secret().into()),
            AdminToken::Made => None,
        }
    }
}
