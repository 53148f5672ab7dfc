//! From a method and a path to a row of the table.

use http::Method;

use super::listener::Serves;
use super::routes::{Family, ROUTES, Route};

/// All paths of the table.
pub(super) struct Router {
    paths: matchit::Router<Vec<&'static Route>>,
}

/// A row, and what the path says.
pub(super) struct Found<'r> {
    pub(super) route: &'static Route,
    /// Parameters of the path, as they were sent: nothing is decoded before it is known who asks.
    pub(super) params: matchit::Params<'r, 'r>,
}

/// Why there is no row.
pub(super) enum NotFound {
    Path,
    Method {
        /// A row of the same path, for its form of errors.
        route: &'static Route,
        allow: String,
    },
}

impl Router {
    /// Builds the router; two rows that cannot be told apart are an error of ours.
    pub(super) fn new() -> Result<Self, matchit::InsertError> {
        let mut by_path: Vec<(String, Vec<&'static Route>)> = Vec::new();
        for route in ROUTES {
            for path in route.paths() {
                match by_path.iter_mut().find(|(known, _)| *known == path) {
                    Some((_, routes)) => routes.push(route),
                    None => by_path.push((path, vec![route])),
                }
            }
        }
        let mut paths = matchit::Router::new();
        for (path, routes) in by_path {
            paths.insert(path, routes)?;
        }
        Ok(Self { paths })
    }

    /// Finds the row. Paths are matched as they were sent, so that `%2F` is part of a parameter.
    pub(super) fn find<'r>(&'r self, method: &Method, path: &'r str, serves: Serves) -> Result<Found<'r>, NotFound> {
        let found = self.paths.at(path).map_err(|_| NotFound::Path)?;
        let routes = found.value;
        // All rows of a path are for the same people.
        if serves == Serves::Requests && routes.iter().all(|route| route.is_administration()) {
            return Err(NotFound::Path);
        }
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        // Proxies may ask with the method of the request that they ask about.
        let fits = |route: &&&Route| route.method == *wanted || route.family == Family::Proxies;
        let Some(route) = routes.iter().find(fits) else {
            let first = routes.first().ok_or(NotFound::Path)?;
            return Err(NotFound::Method { route: first, allow: allow(routes) });
        };
        Ok(Found { route, params: found.params })
    }
}

fn allow(routes: &[&Route]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}
