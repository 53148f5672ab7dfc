//! How pages for a tenant's users look.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::Wrong;

/// How pages for users look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Appearance {
    /// What the tenant is called on them.
    pub name: String,
    /// The colour of buttons and links, such as `#1452b8`.
    pub accent: Option<Colour>,
    /// The same for those who like dark pages.
    pub accent_dark: Option<Colour>,
}

/// A colour of the sRGB space, such as `#1452b8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour([u8; 3]);

/// What cards are made of, on light and on dark pages.
const LIGHT: Colour = Colour([0xff, 0xff, 0xff]);
const DARK: Colour = Colour([0x1d, 0x21, 0x26]);

/// How far a text must stand out (WCAG 2.2, success criterion 1.4.3).
const CONTRAST: f64 = 4.5;

/// A name is not longer than a heading.
const MAX_NAME: usize = 100;

impl Appearance {
    /// What nobody could read.
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        if self.name.chars().count() > MAX_NAME || self.name.chars().any(char::is_control) {
            let what = format!("a name has at most {MAX_NAME} characters, and no control characters");
            wrong.push(("/appearance/name".to_owned(), what, "write it shorter".to_owned()));
        }
        let colours = [("accent", self.accent, LIGHT, "darker"), ("accentDark", self.accent_dark, DARK, "lighter")];
        for (name, colour, page, more) in colours {
            let Some(contrast) = colour.map(|colour| colour.contrast(page)).filter(|contrast| *contrast < CONTRAST)
            else {
                continue;
            };
            let what = format!("text of this colour cannot be read: its contrast is {contrast:.1} to 1");
            let help = format!("take one that is {more}: at least {CONTRAST} to 1 against {page}");
            wrong.push((format!("/appearance/{name}"), what, help));
        }
    }
}

impl Colour {
    /// Black or white, whatever is read better on it.
    #[must_use]
    pub fn text(self) -> Self {
        let (white, black) = (LIGHT, Self([0, 0, 0]));
        if self.contrast(white) >= self.contrast(black) { white } else { black }
    }

    /// How far it stands out against another (WCAG 2.2, "contrast ratio"): from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits =
            text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let part = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
        match (part(0), part(2), part(4)) {
            (Some(red), Some(green), Some(blue)) => Ok(Self([red, green, blue])),
            _ => Err("a colour is written like \"#1452b8\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn contrasts_are_those_of_wcag() {
        assert_eq!(format!("{:.2}", colour("#777777").contrast(LIGHT)), "4.48");
        assert_eq!(format!("{:.2}", colour("#767676").contrast(LIGHT)), "4.54");
        assert_eq!(format!("{:.0}", colour("#000000").contrast(LIGHT)), "21");
        assert_eq!((colour("#1452b8").text(), colour("#8fb8ff").text()), (colour("#FFFFFF"), colour("#000000")));
        for bad in ["1452b8", "#1452b", "#1452b88", "#14 2b8", "#+4+2+8", "blue", "#ä452b"] {
            assert!(Colour::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
