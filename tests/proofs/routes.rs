//! The tree of routes, compared with a plain search for the best of all that match.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sidegate::engine::{RawFile, Route, Target, compile};

use super::prove;
use crate::support::count;

fn set() -> impl Strategy<Value = Vec<String>> {
    let segments = vec(select(&["a", "b", "{x}"][..]), 0..4);
    let route = (
        select(&["ANY", "GET", "PUT", "GET, PUT"][..]),
        segments,
        any::<bool>(),
        option::weighted(0.3, select(&["h.example", "i.example"][..])),
    );
    let route = route.prop_map(|(methods, mut segments, rest, host)| {
        // Captures of one route have different names.
        let mut names = ["{x}", "{y}", "{z}", "{w}"].into_iter();
        for segment in &mut segments {
            *segment = if *segment == "{x}" { names.next().unwrap() } else { segment };
        }
        let rest = if rest { vec!["{r...}"] } else { Vec::new() };
        let path = segments.into_iter().chain(rest).collect::<Vec<_>>().join("/");
        let host = host.map_or_else(String::new, |host| format!(" host \"{host}\""));
        format!("route {methods} \"/{path}\"{host} =>")
    });
    vec(route, 1..12)
}

/// How good a match is: the greater the better. `None` for a route that does not match.
fn rank(route: &Route, target: Target<'_>) -> Option<(Vec<u8>, bool, bool)> {
    let method = route.methods.is_empty() || route.methods.iter().any(|method| method == target.method);
    let host = route.host.as_deref().is_none_or(|host| Some(host) == target.host);
    let mut segments = target.segments.iter();
    let mut kinds = Vec::new();
    for wanted in route.path.split('/').skip(1) {
        if wanted.ends_with("...}") {
            let rest = segments.by_ref().count();
            kinds.push(1);
            return (method && host && rest > 0).then_some((kinds, route.host.is_some(), !route.methods.is_empty()));
        }
        let segment = segments.next()?;
        kinds.push(if wanted.starts_with('{') { 2 } else { 3 });
        if !wanted.starts_with('{') && wanted != *segment {
            return None;
        }
    }
    let all = segments.next().is_none() && method && host;
    all.then_some((kinds, route.host.is_some(), !route.methods.is_empty()))
}

#[test]
fn the_best_of_all_routes_is_found() {
    let request = (select(&["GET", "PUT", "DELETE"][..]), vec(select(&["a", "b", "c"][..]), 1..6), 0..3usize);
    prove(count(300, 6_000), (set(), vec(request, 1..12)), |(lines, requests)| {
        // Routes that tie are refused, so each of them is tried beside those before.
        let mut text = String::new();
        let mut program = None;
        for (place, line) in lines.iter().enumerate() {
            let longer = format!("{text}{line} \"a{place}\" on \"t\"\n");
            let file = RawFile { name: "a.policy".to_owned(), content: Ok(longer.clone().into_bytes()) };
            if let Some(compiled) = compile(vec![file], &Arc::default()).program {
                (text, program) = (longer, Some(compiled));
            }
        }
        let program = program.expect("at least one route stands alone");
        for (method, segments, host) in requests {
            let host = [None, Some("h.example"), Some("i.example")][host];
            let target = Target { method, host, segments: &segments };
            let found = program.routes().find(target);
            let best = program.routes().iter().filter_map(|route| Some((rank(route, target)?, route)));
            let best = best.max_by(|(a, _), (b, _)| a.cmp(b));
            let expected = best.map(|(_, route)| route.action.as_str());
            prop_assert_eq!(
                found.map(|found| found.action),
                expected,
                "{} {:?} {:?} in\n{}",
                method,
                segments,
                host,
                text
            );
        }
        Ok(())
    });
}
