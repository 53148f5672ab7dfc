//! How the path of something closed can be written so that one party sees something else in it: what tests send through real
//! proxies, and what `sidegate doctor` sends a live site. [`RequestPath`](super::RequestPath) refuses every one of them.

/// Ways up, and how they are written.
const DOTS: [&str; 14] = [
    "..",
    "%2e%2e",
    ".%2e",
    "%2E.",
    "%252e%252e",
    "..;",
    "..;a=b",
    "%2e%2e%3b",
    "..%00",
    "%c0%ae%c0%ae",
    "%uff0e%uff0e",
    "..%09",
    "%EF%BC%8E%EF%BC%8E",
    "\u{ff0e}\u{ff0e}",
];

/// Separators, and how they are written.
const SLASHES: [&str; 10] = ["/", "//", "%2f", "\\", "%5c", "%252f", "%c0%af", "%EF%BC%8F", "/./", "%2f%2f"];

/// What some leave out between two segments.
const BETWEEN: [&str; 3] = ["/;/", "/x/../", "/%2e/"];

/// What some leave out before a path.
const BEFORE: [&str; 10] = ["/", "/.", "/%2e", "/;", "/x/..", "/..", "/%2f", "\\", "/%5c", "//x/.."];

/// What some cut off, or stop reading at.
const BEHIND: [&str; 23] = [
    ";",
    ";x=1",
    ";.css",
    "%00",
    "%00.css",
    "%0a",
    "%09",
    "%23",
    "%3f",
    "#",
    "#/x",
    "/.",
    "/x/..",
    "//",
    "/;/",
    "%2f",
    "\\",
    "/%2e",
    "%c0%80",
    "%e2%80%8b",
    "%25",
    "%",
    "%ff",
];

/// What is below an open path in no site, so that nobody is served anything there by right.
const NOTHING: &str = "no-such-page";

/// Ways from a path that everybody may have to one that is closed; both begin with a slash.
#[must_use]
pub fn climbing(open: &str, closed: &str) -> Vec<String> {
    let open = open.trim_end_matches('/');
    let up = levels(open);
    let below = closed.trim_start_matches('/');
    let mut paths = Vec::new();
    for dots in DOTS {
        for slash in SLASHES {
            paths.push(format!("{open}{}{slash}{below}", format!("{slash}{dots}").repeat(up)));
        }
    }
    let up = "/..".repeat(up);
    for before in ["/a;/..", ";x=", "/a%00/..", "/a%3f/..", "/%23/..", "/a\t/..", "/."] {
        paths.push(format!("{open}{before}{up}{closed}"));
    }
    // Whoever stops reading early sees the one, whoever does not the other.
    for between in [";", "#", "%00", "%2f.."] {
        paths.push(format!("{closed}{between}{open}/{NOTHING}"));
    }
    for dots in ["..", "%2e%2e", "..;"] {
        let up = format!("/{dots}").repeat(levels(closed));
        paths.push(format!("{}{up}{open}/{NOTHING}", closed.trim_end_matches('/')));
    }
    paths
}

/// How many ups lead from a path to the root: at least one, which is one too many there.
fn levels(path: &str) -> usize {
    path.split('/').filter(|segment| !segment.is_empty()).count().max(1)
}

/// Spellings of a path that begins with a slash. Those of its letters come last: not every path has letters.
#[must_use]
pub fn spellings(path: &str) -> Vec<String> {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let between = SLASHES.iter().filter(|slash| **slash != "/").chain(&BETWEEN);
    let mut paths: Vec<String> = between.map(|slash| format!("{parent}{slash}{last}")).collect();
    paths.extend(BEFORE.map(|before| format!("{before}{path}")));
    paths.extend(BEHIND.map(|behind| format!("{path}{behind}")));
    paths.push(path.trim_start_matches('/').to_owned());
    let plain = plain(path);
    if let (Some(&first), Some(&last)) = (plain.first(), plain.last()) {
        let swapped = |at: usize, with: String| format!("{}{with}{}", &path[..at], &path[at + 1..]);
        let byte = |at: usize| path.as_bytes()[at];
        paths.push(swapped(first, format!("%{:02x}", byte(first))));
        paths.push(swapped(last, format!("%{:02X}", byte(last))));
        paths.push(swapped(first, format!("%25{:02x}", byte(first))));
        // In two bytes, which UTF-8 forbids.
        paths.push(swapped(first, format!("%{:02x}%{:02x}", 0xc0 | byte(first) >> 6, 0x80 | byte(first) & 0x3f)));
        // In its full width, which becomes the plain one for those who normalise it.
        if let Some(wide) = char::from_u32(u32::from(byte(first)) + 0xfee0) {
            paths.push(swapped(first, wide.to_string()));
        }
    }
    paths
}

/// Where a path has letters and digits that no percent sign stands before.
fn plain(path: &str) -> Vec<usize> {
    let (mut found, mut escape) = (Vec::new(), 0);
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'%' => escape = 2,
            _ if escape > 0 => escape -= 1,
            _ if byte.is_ascii_alphanumeric() => found.push(at),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestPath;

    #[test]
    fn every_one_is_refused() {
        for (open, closed) in [("/public/", "/admin"), ("/a/b", "/reports/june"), ("/", "/x/"), ("/p", "/%C3%A9/7")] {
            let paths = [climbing(open, closed), spellings(closed)].concat();
            assert!(paths.len() > 200, "{}", paths.len());
            for path in paths {
                assert!(RequestPath::parse(&path, &[]).is_err(), "{path}");
            }
        }
    }

    #[test]
    fn they_go_up_as_far_as_is_needed() {
        let from = |open: &str| climbing(open, "/reports/june");
        assert_eq!(from("/public/")[0], "/public/../reports/june");
        assert_eq!(from("/a/b")[0], "/a/b/../../reports/june");
        assert_eq!(from("/")[0], "/../reports/june");
        let all = spellings("/reports/june");
        for path in ["/reports%2fjune", "//reports/june", "/%72eports/june", "/reports/jun%65", "/reports/june;"] {
            assert!(all.iter().any(|known| known == path), "{path}");
        }
    }

    #[test]
    fn every_path_with_a_letter_has_as_many() {
        assert_eq!(spellings("/a").len(), spellings("/reports/june.html").len());
        assert!(spellings("/").len() < spellings("/a").len());
    }
}
