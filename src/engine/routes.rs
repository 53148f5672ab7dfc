//! From the method, path and host of a request to the action and the resource that it is about.
//!
//! Routes stand in a tree of segments. A literal segment beats a capture, a capture beats the rest of a path; what
//! matches deeper beats what matches less; then a named host beats none, and a method beats `ANY`. A way down the tree
//! that ends in nothing is gone back, so the best of all routes that match is found.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::lang::Site;

/// The routes of a set.
#[derive(Debug, Default)]
pub struct Routes {
    root: Node,
    routes: Vec<Route>,
}

/// A request to be named. The path is decoded, and one that two parties cannot read differently.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// `GET`, `POST` and so on, in upper case.
    pub method: &'t str,
    /// The host without a port, in lower case.
    pub host: Option<&'t str>,
    /// The segments between the slashes, decoded.
    pub segments: &'t [&'t str],
}

/// What a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed<'r> {
    /// The action.
    pub action: &'r str,
    /// The type of the resource.
    pub resource: &'r str,
    /// The id of the resource; `*` where the route names none.
    pub id: String,
    /// What the segments in braces hold, by name.
    pub captures: Vec<(&'r str, String)>,
    /// The route's place.
    pub site: Site,
}

/// One route, as it was checked.
#[derive(Debug)]
pub struct Route {
    /// The methods; none for `ANY`.
    pub methods: Vec<SmolStr>,
    /// The path as it was written.
    pub path: SmolStr,
    /// The host, if it must be that one.
    pub host: Option<SmolStr>,
    /// The action.
    pub action: SmolStr,
    /// The type of the resource.
    pub resource: SmolStr,
    /// The names of the captures, in the order of the path.
    pub captures: Vec<SmolStr>,
    /// Which capture is the id.
    pub id: Option<usize>,
    /// Its place.
    pub site: Site,
}

/// One segment of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(SmolStr),
    /// `{name}`: one segment that is not empty.
    Capture,
    /// `{name...}`: all that is left, and not nothing.
    Rest,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<SmolStr, Node>,
    capture: Option<Box<Node>>,
    /// Routes that take the rest of a path from here.
    rest: Vec<usize>,
    /// Routes that end here.
    end: Vec<usize>,
}

impl Routes {
    /// Enters a route, unless it ties with one that is there: then that one's place is returned.
    pub(super) fn insert(&mut self, segments: &[Segment], route: Route) -> Result<(), Site> {
        let mut node = &mut self.root;
        for segment in segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Capture => node.capture.get_or_insert_default(),
                Segment::Rest => break,
            };
        }
        let here = if segments.last() == Some(&Segment::Rest) { &mut node.rest } else { &mut node.end };
        let tied = here.iter().filter_map(|other| self.routes.get(*other)).find(|other| other.ties(&route));
        if let Some(other) = tied {
            return Err(other.site);
        }
        here.push(self.routes.len());
        self.routes.push(route);
        Ok(())
    }

    /// All routes, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The best route for a request.
    #[must_use]
    pub fn find(&self, target: Target<'_>) -> Option<Routed<'_>> {
        let mut captured = Vec::new();
        let route = self.descend(&self.root, target, target.segments, &mut captured)?;
        let id = route.id.and_then(|place| captured.get(place)).cloned().unwrap_or_else(|| "*".to_owned());
        let captures = route.captures.iter().map(SmolStr::as_str).zip(captured).collect();
        Some(Routed { action: &route.action, resource: &route.resource, id, captures, site: route.site })
    }

    fn descend<'r>(
        &'r self,
        node: &'r Node,
        target: Target<'_>,
        left: &[&str],
        captured: &mut Vec<String>,
    ) -> Option<&'r Route> {
        let Some((segment, after)) = left.split_first() else { return self.best(&node.end, target) };
        if let Some(route) = node.literals.get(*segment).and_then(|next| self.descend(next, target, after, captured)) {
            return Some(route);
        }
        if segment.is_empty() && after.is_empty() {
            return None;
        }
        if let Some(next) = node.capture.as_deref()
            && !segment.is_empty()
        {
            captured.push((*segment).to_owned());
            if let Some(route) = self.descend(next, target, after, captured) {
                return Some(route);
            }
            captured.pop();
        }
        let route = self.best(&node.rest, target)?;
        captured.push(left.join("/"));
        Some(route)
    }

    /// The best of the routes that have one path.
    fn best(&self, routes: &[usize], target: Target<'_>) -> Option<&Route> {
        let fitting = routes.iter().filter_map(|number| self.routes.get(*number)).filter(|route| route.fits(target));
        fitting.max_by_key(|route| (route.host.is_some(), !route.methods.is_empty()))
    }
}

impl Route {
    fn fits(&self, target: Target<'_>) -> bool {
        let method = self.methods.is_empty() || self.methods.iter().any(|method| method == target.method);
        method && self.host.as_deref().is_none_or(|host| Some(host) == target.host)
    }

    /// Whether a request could be both, and neither is the better.
    fn ties(&self, other: &Route) -> bool {
        let both_any = self.methods.is_empty() && other.methods.is_empty();
        self.host == other.host && (both_any || self.methods.iter().any(|method| other.methods.contains(method)))
    }
}
