//! `/account/appearance.css`: a tenant's own colours.

use std::fmt::Write;

use http::StatusCode;

use crate::model::{Appearance, Colour};
use crate::web::{Look, PageCall, Reply};

/// How a tenant's pages look.
pub(super) fn look<'c>(call: &PageCall<'c>) -> Look<'c> {
    let Appearance { name, accent, accent_dark } = &call.tenant.settings.appearance;
    let has_colours = accent.or(*accent_dark).is_some();
    Look { name, stylesheet: has_colours.then(|| format!("/t/{}/account/appearance.css", call.tenant.id)) }
}

/// `GET`
#[must_use]
pub fn appearance(call: &PageCall<'_>) -> Reply {
    let Appearance { accent, accent_dark, .. } = call.tenant.settings.appearance;
    let mut css = String::new();
    let colours = |colour: Colour| format!(":root {{ --accent: {colour}; --accent-text: {}; }}", colour.text());
    // What is written into a String is written.
    if let Some(accent) = accent {
        let _ = writeln!(css, "@media not (prefers-color-scheme: dark) {{ {} }}", colours(accent));
    }
    if let Some(accent) = accent_dark {
        let _ = writeln!(css, "@media (prefers-color-scheme: dark) {{ {} }}", colours(accent));
    }
    Reply { content_type: "text/css; charset=utf-8", body: css.into_bytes().into(), ..Reply::empty(StatusCode::OK) }
}
