//! Paths that two parties could read differently: none of them may reach the app, unless every reading of the bytes that the
//! app got is one that everybody may have.

use std::collections::BTreeSet;

use sidegate::model::{climbing, spellings};

use super::app::field;
use super::frames;
use super::scene::{Over, Scene};

/// Everything below here is for everybody; everything else is for nobody.
const OPEN: &str = "/public/";

fn paths() -> Vec<String> {
    // From further down, too; Envoy takes a second to hang up on what is no ASCII.
    let deeper = climbing("/public/a/", "/admin").into_iter().filter(|path| path.is_ascii());
    let unclear = [climbing(OPEN, "/admin"), spellings("/admin"), spellings("/public/a"), deeper.collect()];
    let mut paths: BTreeSet<String> = unclear.concat().into_iter().collect();
    for odd in [
        "/public/..",
        "/public/%2e%2e",
        "/../public/a",
        "/admin/..;/public/a",
        "/public/a?/../admin",
        "/publi%63/../admin",
        "/PUBLIC/a",
        "/public/a%0d%0aX-Auth-Subject:%20root",
        "/public/%zz",
        "/public/%2",
        "/public/..%2f",
        "/public%2F..%2Fadmin",
        "/public/%u002e%u002e/admin",
        "*",
        "http://app.acme.example/admin",
        "http://other.example/public/a",
        "http://app.acme.example/public/../admin",
        "/public/\u{2215}..\u{2215}admin",
        "/public/%E2%88%95admin",
        "/public/%ff%fe/admin",
        "/public/a b",
        "/public/{a}",
        "/public/a|b",
        "/public/a^b",
        "/public/;/admin",
        "/public/a%252f..%252f..%252fadmin",
        "/public/%c1%9c/admin",
        "/public/.../admin",
        "/public/a/",
    ] {
        paths.insert(odd.to_owned());
    }
    paths.into_iter().collect()
}

/// Every way in which somebody might read a path: decoded up to three times, in every order of what is taken away.
fn readings(target: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([target.to_owned()]);
    for _ in 0..4 {
        let more: Vec<String> =
            all.iter().flat_map(|path| [decoded(path), plain(path), merged(path), cut(path), resolved(path)]).collect();
        let before = all.len();
        all.extend(more);
        if all.len() == before {
            break;
        }
    }
    all
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Backslashes and look-alikes as what they look like.
fn plain(path: &str) -> String {
    let path = path.replace("%u002e", ".").replace("%uff0e", ".").replace(['\\', '\u{2215}', '\u{ff0f}'], "/");
    path.replace('\u{ff0e}', ".")
}

fn merged(path: &str) -> String {
    let mut path = path.to_owned();
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    path
}

/// Without path parameters, and up to where some stop reading.
fn cut(path: &str) -> String {
    let path = path.split(['#', '\0', '?']).next().unwrap();
    path.split('/').map(|segment| segment.split(';').next().unwrap()).collect::<Vec<_>>().join("/")
}

fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Whatever somebody makes of what reached the app, everybody may have it.
pub fn assert_open(scene: &Scene, seen: &str, asked: &str) {
    let target = seen.split(' ').nth(1).unwrap();
    for reading in readings(target) {
        assert!(
            reading.starts_with(OPEN),
            "{:?}: {asked} reached the app as {target:?}, which somebody reads as {reading:?}",
            scene.proxy
        );
    }
}

pub fn no_path_reaches_the_app_on_a_reading_that_was_not_decided(scene: &Scene) {
    let paths = paths();
    assert!(paths.len() >= 350, "{}", paths.len());
    let mut passed = 0;
    // Envoy takes a second to close a connection on which something was not right.
    for some in paths.chunks(64) {
        std::thread::scope(|threads| {
            for (number, path) in some.iter().enumerate() {
                threads.spawn(move || ask(scene, path, &number.to_string()));
            }
        });
        for seen in scene.app.seen() {
            let number = field(&seen, "x-number").and_then(|number| number.parse::<usize>().ok());
            assert_open(scene, &seen, &format!("{:?}", number.map(|number| &some[number])));
            passed += 1;
        }
    }
    // Those that are clear do come through.
    assert!(passed >= 2, "{:?}: {passed}", scene.proxy);
}

fn ask(scene: &Scene, path: &str, number: &str) {
    match scene.over {
        Over::Http1 | Over::IdentityProxy => {
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: app.acme.example\r\nConnection: close\r\nX-Number: {number}\r\n\r\n"
            );
            scene.send(head.as_bytes());
        }
        Over::Http2 | Over::Grpc => {
            let (scheme, authority) = ((":scheme", "http"), (":authority", "app.acme.example"));
            let fields = [(":method", "GET"), scheme, authority, (":path", path), ("x-number", number)];
            frames::send(scene.address, &fields, None);
        }
    }
}
