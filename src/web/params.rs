//! Parameters of a path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

use super::Problem;

/// Parameters of a path, decoded once. They borrow from the request wherever nothing was encoded.
pub struct Params<'r>(SmallVec<[(&'r str, Cow<'r, str>); 3]>);

impl<'r> Params<'r> {
    /// Decodes what a router found.
    ///
    /// # Errors
    /// 400 for bytes that are no UTF-8.
    pub fn decode(found: impl Iterator<Item = (&'r str, &'r str)>) -> Result<Self, Problem> {
        let decode = |(name, value)| match percent_decode_str(value).decode_utf8() {
            Ok(decoded) => Ok((name, decoded)),
            Err(_) => Err(Problem::bad_request("the path holds bytes that are no UTF-8 once decoded")),
        };
        found.map(decode).collect::<Result<_, _>>().map(Self)
    }

    /// A parameter; empty if the path has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}
