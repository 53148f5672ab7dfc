//! The path of a request that a proxy asks about, read once: one that two parties could read differently is refused.
//!
//! What a proxy hands on, and what the server behind it makes of it, is not known here. A path that each of them reads in
//! the same way has no dot segments, no empty ones, nothing that is a separator once it is decoded, and no second layer of
//! encoding (RFC 3986, section 6.2.2; Unicode Technical Report 36, section 3.1).

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A path in segments, decoded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPath {
    segments: Vec<String>,
}

/// A form of a path that parties read differently, and a tenant may allow if all of its servers read it in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathForm {
    /// `/a;b`: some take what follows the semicolon away (Servlet path parameters), and decide about `/a`.
    Semicolon,
    /// `/a%2Fb`: some decode it before they look for segments, and see two.
    EncodedSlash,
    /// `/a//b`: some merge the slashes.
    EmptySegment,
    /// `/a%2541`: some decode twice.
    EncodedPercent,
}

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnclearPath {
    /// It is no path from the root.
    #[error("it does not begin with a slash")]
    NotFromRoot,
    /// It is far too long.
    #[error("it has more than {MAX_SEGMENTS} segments")]
    TooDeep,
    /// A character that no path holds as it is (RFC 3986, section 3.3).
    #[error("it holds a character that must be encoded")]
    NotEncoded,
    /// A fragment, which some cut off and others do not.
    #[error("it holds a #")]
    Fragment,
    /// `%` without two hexadecimal digits.
    #[error("its percent-encoding is broken")]
    BrokenEncoding,
    /// A letter, a digit, a dot or the like that nobody need encode: some compare paths without decoding them.
    #[error("it holds an encoded letter, digit, dot, hyphen or underscore")]
    NeedlesslyEncoded,
    /// Bytes that are no UTF-8, such as overlong forms.
    #[error("it is no UTF-8 once it is decoded")]
    NotUtf8,
    /// `.` or `..`, however they are written.
    #[error("it has a segment . or ..")]
    DotSegment,
    /// Two slashes.
    #[error("it has an empty segment")]
    EmptySegment,
    /// `;`
    #[error("it holds a semicolon")]
    Semicolon,
    /// An encoded slash.
    #[error("it holds an encoded slash")]
    EncodedSlash,
    /// A backslash.
    #[error("it holds a backslash")]
    Backslash,
    /// An encoded percent sign.
    #[error("it is encoded twice")]
    EncodedPercent,
    /// An encoded `?` or `#`.
    #[error("it holds an encoded ? or #")]
    EncodedDelimiter,
    /// NUL, CR, LF and their kin.
    #[error("it holds a control character")]
    Control,
    /// A character that nobody sees, and some leave out.
    #[error("it holds a character that nobody sees")]
    Invisible,
    /// A character that some take for a dot, a slash or a percent sign.
    #[error("it holds a character that looks like a dot, a slash or another delimiter")]
    LookAlike,
}

/// More segments than that have no good reason.
const MAX_SEGMENTS: usize = 256;

/// What delimits, for somebody.
const DELIMITERS: [char; 7] = ['/', '\\', '.', ';', '%', '?', '#'];

impl RequestPath {
    /// Reads a path, without its query.
    ///
    /// # Errors
    /// [`UnclearPath`] for one that two parties could read differently, unless its form is allowed.
    pub fn parse(path: &str, allowed: &[PathForm]) -> Result<Self, UnclearPath> {
        let below = path.strip_prefix('/').ok_or(UnclearPath::NotFromRoot)?;
        if path.contains('#') {
            return Err(UnclearPath::Fragment);
        }
        let count = below.split('/').count();
        if count > MAX_SEGMENTS {
            return Err(UnclearPath::TooDeep);
        }
        let mut segments = Vec::with_capacity(count);
        for (place, segment) in below.split('/').enumerate() {
            let is_last = place + 1 == count;
            if segment.is_empty() && !is_last && !allowed.contains(&PathForm::EmptySegment) {
                return Err(UnclearPath::EmptySegment);
            }
            segments.push(decode(segment, allowed)?);
        }
        Ok(Self { segments })
    }

    /// Its segments, decoded; the last is empty for a path that ends with a slash.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }
}

impl std::fmt::Display for RequestPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

fn decode(segment: &str, allowed: &[PathForm]) -> Result<String, UnclearPath> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                    return Err(UnclearPath::BrokenEncoding);
                };
                let encoded = char::from_u32(high * 16 + low).unwrap_or_default();
                // A segment of dots has its own name.
                if encoded.is_ascii_alphanumeric() || matches!(encoded, '-' | '_') {
                    return Err(UnclearPath::NeedlesslyEncoded);
                }
            }
            b'\\' => return Err(UnclearPath::Backslash),
            0..0x20 | 0x7f => return Err(UnclearPath::Control),
            // What browsers send as it is, though RFC 3986 would have it encoded: nobody reads it in two ways.
            b'|' | b'[' | b']' | b'^' => {}
            b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'?' | 0x80.. => return Err(UnclearPath::NotEncoded),
            _ => {}
        }
    }
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| UnclearPath::NotUtf8)?;
    if matches!(decoded.as_ref(), "." | "..") {
        return Err(UnclearPath::DotSegment);
    }
    for character in decoded.chars() {
        let (unclear, form) = match character {
            '\\' => (UnclearPath::Backslash, None),
            '/' => (UnclearPath::EncodedSlash, Some(PathForm::EncodedSlash)),
            ';' => (UnclearPath::Semicolon, Some(PathForm::Semicolon)),
            '%' => (UnclearPath::EncodedPercent, Some(PathForm::EncodedPercent)),
            '?' | '#' => (UnclearPath::EncodedDelimiter, None),
            character if character.is_control() => (UnclearPath::Control, None),
            character if is_invisible(character) => (UnclearPath::Invisible, None),
            character if !character.is_ascii() && looks_like_a_delimiter(character) => (UnclearPath::LookAlike, None),
            _ => continue,
        };
        if form.is_none_or(|form| !allowed.contains(&form)) {
            return Err(unclear);
        }
    }
    if segment.to_ascii_lowercase().contains("%2e") {
        return Err(UnclearPath::NeedlesslyEncoded);
    }
    // With slashes or semicolons allowed, a segment may hold others; with percent signs, it may be encoded again.
    let again = percent_decode_str(&decoded).decode_utf8_lossy();
    if [&decoded, &again].iter().any(|text| text.split(['/', ';', '\\']).any(|part| matches!(part, "." | ".."))) {
        return Err(UnclearPath::DotSegment);
    }
    Ok(decoded.into_owned())
}

/// Whether a character becomes a delimiter for those who normalise it (NFKC), or is easily taken for one.
fn looks_like_a_delimiter(character: char) -> bool {
    matches!(character, '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{2216}' | '\u{29f5}' | '\u{29f9}')
        || std::iter::once(character).nfkc().any(|plain| DELIMITERS.contains(&plain))
}

/// Whether a character is shown as nothing (Unicode Standard Annex 44, "Default_Ignorable_Code_Point").
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<Vec<String>, UnclearPath> {
        RequestPath::parse(path, &[]).map(|path| path.segments().map(str::to_owned).collect())
    }

    #[test]
    fn what_is_clear_is_decoded_once() {
        for (path, segments) in [
            ("/", &[""][..]),
            ("/reports/7", &["reports", "7"]),
            ("/reports/", &["reports", ""]),
            ("/a%20b/%C3%A9", &["a b", "\u{e9}"]),
            ("/%7Ealice", &["~alice"]),
            ("/a.b/..c/...", &["a.b", "..c", "..."]),
            ("/a+b,c=d&e@f:g!$'()*~_-", &["a+b,c=d&e@f:g!$'()*~_-"]),
            ("/a|b[c]", &["a|b[c]"]),
        ] {
            assert_eq!(
                read(path).as_deref(),
                Ok(&segments.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
                "{path}"
            );
        }
    }

    #[test]
    fn what_two_could_read_differently_is_refused() {
        use UnclearPath::*;
        for (path, why) in [
            ("", NotFromRoot),
            ("reports", NotFromRoot),
            ("http://acme.example/reports", NotFromRoot),
            ("*", NotFromRoot),
            ("/a/../b", DotSegment),
            ("/a/..", DotSegment),
            ("/./a", DotSegment),
            ("/a/%2e%2e/b", DotSegment),
            ("/a/.%2E/b", DotSegment),
            ("//a", EmptySegment),
            ("/a//b", EmptySegment),
            ("/a//", EmptySegment),
            ("/a%2Fb", EncodedSlash),
            ("/a%2fb", EncodedSlash),
            ("/..%2fadmin", EncodedSlash),
            ("/a\\b", Backslash),
            ("/a%5Cb", Backslash),
            ("/a%00", Control),
            ("/a%0d%0aX: y", NotEncoded),
            ("/a%0d%0aX", Control),
            ("/a\n", Control),
            ("/a;b", Semicolon),
            ("/a%3bb", Semicolon),
            ("/a;/../b", Semicolon),
            ("/%252e%252e/a", EncodedPercent),
            ("/a%25", EncodedPercent),
            ("/a%3Fb", EncodedDelimiter),
            ("/a%23b", EncodedDelimiter),
            ("/a#b", Fragment),
            ("/a?b", NotEncoded),
            ("/a b", NotEncoded),
            ("/\u{e9}", NotEncoded),
            ("/%", BrokenEncoding),
            ("/%4", BrokenEncoding),
            ("/%zz", BrokenEncoding),
            ("/%+1", BrokenEncoding),
            ("/%72eports", NeedlesslyEncoded),
            ("/a%2eb", NeedlesslyEncoded),
            ("/%C0%AE%C0%AE/a", NotUtf8),
            ("/%E0%80%AF", NotUtf8),
            ("/%ED%A0%80", NotUtf8),
            ("/%FF", NotUtf8),
            ("/%EF%BC%8E%EF%BC%8E/a", LookAlike),
            ("/%EF%BC%8Fa", LookAlike),
            ("/%E2%88%95a", LookAlike),
            ("/%E2%80%A5/a", LookAlike),
            ("/%E2%84%80", LookAlike),
            ("/%C2%85", Control),
            ("/.%E2%80%8B./a", Invisible),
            ("/a%C2%AD", Invisible),
            ("/a%E2%81%84b", LookAlike),
        ] {
            assert_eq!(read(path), Err(why), "{path}");
        }
        assert_eq!(read(&"/a".repeat(257)), Err(TooDeep));
    }

    #[test]
    fn a_tenant_may_allow_single_forms_and_never_the_way_up() {
        let allowing = |path: &str, form: PathForm| RequestPath::parse(path, &[form]).map(|path| path.to_string());
        assert_eq!(allowing("/a;b", PathForm::Semicolon).as_deref(), Ok("/a;b"));
        assert_eq!(allowing("/a%2Fb", PathForm::EncodedSlash).as_deref(), Ok("/a/b"));
        assert_eq!(allowing("/a//b", PathForm::EmptySegment).as_deref(), Ok("/a//b"));
        assert_eq!(allowing("/50%25", PathForm::EncodedPercent).as_deref(), Ok("/50%"));
        assert_eq!(allowing("/a%2F..%2Fb", PathForm::EncodedSlash), Err(UnclearPath::DotSegment));
        assert_eq!(allowing("/a;b", PathForm::EncodedSlash), Err(UnclearPath::Semicolon));
        assert_eq!(allowing("/a/..;/b", PathForm::Semicolon), Err(UnclearPath::DotSegment));
        assert_eq!(allowing("/a/..;x=1", PathForm::Semicolon), Err(UnclearPath::DotSegment));
        assert_eq!(allowing("/a/%252e%252e/b", PathForm::EncodedPercent), Err(UnclearPath::DotSegment));
    }
}
