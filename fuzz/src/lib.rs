//! What the targets share: an input taken apart into files, facts with outages, and a way to replay inputs where there
//! is no fuzzer.

mod input;
mod replay;
mod world;

pub use input::Input;
pub use replay::replay;
pub use world::World;

use codespan_reporting::term::termcolor::NoColor;
use sidegate::lang::{Diagnostic, Rendered, Sources, render};

/// Makes a program of a function that takes bytes: a fuzzer of it, or one that calls it with files.
#[macro_export]
macro_rules! target {
    ($check:path) => {
        #[cfg(feature = "libfuzzer")]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $check(data));

        #[cfg(not(feature = "libfuzzer"))]
        fn main() {
            $crate::replay($check);
        }
    };
}

/// Every place is in its source, and every finding can be shown to people and to programs.
pub fn check_diagnostics(sources: &Sources, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        for label in &diagnostic.labels {
            let source = sources.get(label.site.source).expect("a place is in a source");
            assert!(source.text.get(label.site.span.range()).is_some(), "{diagnostic:?} is no place in its source");
        }
        serde_json::to_string(&Rendered::new(sources, diagnostic)).expect("it can be written as JSON");
    }
    render(&mut NoColor::new(Vec::new()), sources, diagnostics).expect("it can be shown");
}
