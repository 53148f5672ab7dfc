//! Routes, checked: methods, paths with captures, hosts, and no two that tie.

use smol_str::SmolStr;

use crate::lang::ast::{Name, Route as Written, RouteId, Text};
use crate::lang::{Code, Diagnostic, Site, SourceId};

use super::super::routes::{Route, Routes, Segment};

/// What a method is called that is all of them.
const ANY: &str = "ANY";

/// A path may have so many segments: looking for a route goes down one level for each.
const MAX_SEGMENTS: usize = 64;

/// Enters all routes of a set into one table.
pub(super) fn resolve(written: &[(SourceId, &Written)], diagnostics: &mut Vec<Diagnostic>) -> Routes {
    let mut routes = Routes::default();
    for (source, route) in written {
        match check(*source, route) {
            Ok((segments, checked)) => {
                let site = checked.site;
                if let Err(first) = routes.insert(&segments, checked) {
                    let message = "two routes tie: a request could be both";
                    diagnostics.push(
                        Diagnostic::error(Code::RoutesTie, site, message)
                            .also(first, "the other one")
                            .help("give one of them another method or a host, or leave it out"),
                    );
                }
            }
            Err(finding) => diagnostics.push(*finding),
        }
    }
    routes
}

type Checked<T> = Result<T, Box<Diagnostic>>;

fn bad<T>(site: Site, message: impl Into<String>, help: impl Into<String>) -> Checked<T> {
    Err(Box::new(Diagnostic::error(Code::BadRoute, site, message).help(help)))
}

fn check(source: SourceId, route: &Written) -> Checked<(Vec<Segment>, Route)> {
    let site = Site { source, span: route.path.span };
    let methods = methods(source, &route.methods)?;
    let (segments, captures) = self::path(site, &route.path.text)?;
    let host = route.host.as_ref().map(|host| self::host(source, host)).transpose()?;
    let id = route.id.as_ref().map(|id| self::id(source, id, &captures)).transpose()?;
    let action = SmolStr::from(route.action.text.as_str());
    let resource = SmolStr::from(route.resource.text.as_str());
    let path = SmolStr::from(route.path.text.as_str());
    Ok((segments, Route { methods, path, host, action, resource, captures, id, site }))
}

/// The methods; none for `ANY`.
fn methods(source: SourceId, names: &[Name]) -> Checked<Vec<SmolStr>> {
    let mut methods: Vec<SmolStr> = Vec::new();
    for name in names {
        let site = Site { source, span: name.span };
        let text = name.text.as_str();
        if text.bytes().any(|byte| !byte.is_ascii_uppercase()) {
            let help = format!("methods are written in upper case, such as {}", text.to_ascii_uppercase());
            return bad(site, format!("`{text}` is no method"), help);
        }
        if methods.contains(&name.text) {
            return bad(site, format!("{text} stands here twice"), "leave one of them out");
        }
        methods.push(name.text.clone());
    }
    if !methods.iter().any(|method| method == ANY) {
        return Ok(methods);
    }
    match names {
        [_] => Ok(Vec::new()),
        [first, .., last] => {
            let other = if first.text == ANY { last } else { first };
            let message = format!("{} is among ANY, and would never be looked at", other.text);
            bad(Site { source, span: other.span }, message, "leave it out, or write a route of its own for it")
        }
        [] => Ok(Vec::new()),
    }
}

/// The segments of a path and the names of its captures.
fn path(site: Site, text: &str) -> Checked<(Vec<Segment>, Vec<SmolStr>)> {
    let Some(below) = text.strip_prefix('/') else {
        return bad(site, "the path of a route starts with /", format!("write \"/{text}\""));
    };
    let parts: Vec<&str> = below.split('/').collect();
    if parts.len() > MAX_SEGMENTS {
        return bad(site, format!("a path has at most {MAX_SEGMENTS} segments"), "end it with {name...}");
    }
    let mut segments = Vec::with_capacity(parts.len());
    let mut captures: Vec<SmolStr> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let last = place.saturating_add(1) == parts.len();
        let capture = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        let Some(capture) = capture else {
            segments.push(Segment::Literal(literal(site, part, last)?));
            continue;
        };
        let (name, segment) = match capture.strip_suffix("...") {
            Some(name) if last => (name, Segment::Rest),
            Some(_) => return bad(site, format!("nothing can follow `{part}`"), "it takes all that is left of a path"),
            None => (capture, Segment::Capture),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return bad(
                site,
                format!("`{part}` has no name"),
                "a capture is {name}, or {name...} for the rest of a path",
            );
        }
        if captures.iter().any(|other| other == name) {
            return bad(site, format!("two captures are called `{name}`"), "give each a name of its own");
        }
        captures.push(name.into());
        segments.push(segment);
    }
    Ok((segments, captures))
}

/// A segment that stands for itself. A request whose path holds anything that is refused here never gets this far:
/// such a route could not be reached.
fn literal(site: Site, part: &str, last: bool) -> Checked<SmolStr> {
    let unreachable = |what: &str, help: &str| bad(site, format!("no request has this path: {what}"), help);
    match part {
        "" if !last => unreachable("it has a segment of nothing between two slashes", "leave one of them out"),
        "." | ".." => unreachable("`.` and `..` are refused", "write the path that is meant"),
        _ if part.contains(['{', '}']) => {
            bad(site, format!("`{part}` is neither a name nor a capture"), "a capture is a whole segment: /{name}/")
        }
        _ if part.contains('*') => {
            bad(site, format!("`{part}` is no wildcard"), "write {name}, or {name...} at the end")
        }
        _ if part.contains('%') => unreachable("it is decoded when it gets here", "write the character itself"),
        _ if part.contains(['?', '#']) => {
            unreachable("it ends before ? and #", "leave the query out: it takes no part")
        }
        _ if part.contains(['\\', ';']) || part.contains(char::is_control) => {
            unreachable("\\, ; and control characters are refused", "leave them out")
        }
        _ => Ok(part.into()),
    }
}

fn host(source: SourceId, host: &Text) -> Checked<SmolStr> {
    let site = Site { source, span: host.span };
    let text = host.text.as_str();
    if text.contains(':') {
        return bad(site, "the host of a route has no port", "leave the port out: it takes no part");
    }
    let fits = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !text.split('.').all(fits) {
        return bad(
            site,
            format!("\"{text}\" is no host"),
            "a name such as \"www.example.com\"; others are in punycode",
        );
    }
    Ok(text.to_ascii_lowercase().into())
}

/// Which capture is the id of the resource.
fn id(source: SourceId, id: &RouteId, captures: &[SmolStr]) -> Checked<usize> {
    let site = Site { source, span: id.name.span };
    if id.name.text != "id" {
        let help = "write { id } or { id: capture }; other captures are no attributes, for the client chose them";
        return bad(site, format!("a route gives a resource its id, and no `{}`", id.name.text), help);
    }
    let capture = id.capture.as_ref().unwrap_or(&id.name);
    captures.iter().position(|name| *name == capture.text).map_or_else(
        || {
            let known = if captures.is_empty() {
                format!("write {{{}}} in the path", capture.text)
            } else {
                format!("the path has {}", captures.join(", "))
            };
            bad(Site { source, span: capture.span }, format!("the path has no {{{}}}", capture.text), known)
        },
        Ok,
    )
}
