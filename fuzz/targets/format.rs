//! The formatter: what it writes means the same, has the same comments, and stays as it is when formatted again.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[path = "../../tests/format/meaning.rs"]
mod meaning;

sidegate_fuzz::target!(check);

fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && meaning::formatted(text).is_some()
    {
        meaning::check(text);
    }
}
