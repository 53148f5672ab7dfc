//! From a method and a path to a row of the table.

use http::Method;
use percent_encoding::percent_decode_str;

use super::routes::{ROUTES, Route};

/// All paths of the table.
pub(super) struct Router {
    paths: matchit::Router<Vec<&'static Route>>,
}

/// A row, and what the path says.
pub(super) struct Found {
    pub(super) route: &'static Route,
    /// The tenant that the path names, if it names one.
    pub(super) tenant: Option<String>,
    pub(super) params: Vec<(String, String)>,
}

/// Why there is no row.
pub(super) enum NotFound {
    Path,
    Method {
        /// A row of the same path, for its form of errors.
        route: &'static Route,
        allow: String,
    },
    /// A parameter is no text.
    Encoding(&'static Route),
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

    /// Finds the row. Paths are matched as they were sent; parameters are decoded once, afterwards, so that `%2F`
    /// is part of a parameter.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Found, NotFound> {
        let found = self.paths.at(path).map_err(|_| NotFound::Path)?;
        let routes = found.value;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(route) = routes.iter().find(|route| route.method == *wanted) else {
            let first = routes.first().ok_or(NotFound::Path)?;
            return Err(NotFound::Method { route: first, allow: allow(routes) });
        };
        let mut tenant = None;
        let mut params = Vec::new();
        for (name, value) in found.params.iter() {
            let decoded = percent_decode_str(value).decode_utf8().map_err(|_| NotFound::Encoding(route))?;
            if name == "tenant" {
                tenant = Some(decoded.into_owned());
            } else {
                params.push((name.to_owned(), decoded.into_owned()));
            }
        }
        Ok(Found { route, tenant, params })
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
