//! Kinds of probes: what it means if one of them reaches through, and what mends it.

use serde::Serialize;

/// A kind of probes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: &'static str,
    /// What a hole of that kind means.
    pub(super) means: &'static str,
    /// What mends it.
    pub(super) mend: &'static str,
}

macro_rules! groups {
    ($($(#[$doc:meta])* $ident:ident = $name:literal, $means:literal, $mend:literal;)*) => {
        $($(#[$doc])* pub(super) const $ident: &Group = &Group { name: $name, means: $means, mend: $mend };)*
        /// All kinds, in the order in which they are tried.
        pub(super) const ALL: &[&Group] = &[$($ident),*];
    };
}

groups! {
    IDENTITY = "identity fields",
        "who a client says it is was believed: everybody can be anybody",
        "have the proxy take away or set every field that the app reads an identity from, in each spelling, and let the app be reached through the proxy alone";
    FORWARDED = "forwarded fields",
        "a field that a client sent, and not the request itself, was what was decided about, or what the app served",
        "have the proxy set these fields itself on the way to sidegate, from the request line as it came, and take them away on the way to the app";
    METHODS = "methods",
        "a method passes without being asked about",
        "ask about every method alike: no limit_except, if, or rule of a method around the question";
    AGENTS = "user agents",
        "whoever calls itself a health check or a robot passes",
        "answer health checks at a path of their own, and let no User-Agent decide";
    UPGRADES = "upgrades",
        "a connection changes its protocol without being asked about, and nobody asks about what follows on it",
        "ask about requests with Upgrade, too, and hand on none but WebSocket: never h2c";
    HOSTS = "hosts and absolute addresses",
        "a request that names another host, or names it twice, gets to the same app another way",
        "have every name, and those that no server block names, go through the same question";
    PATHS = "paths",
        "the proxy and the app read one path in two ways, and only the harmless one was decided about",
        "hand on to sidegate and to the app the very bytes that came ($request_uri, never $uri; no path behind proxy_pass)";
    NEAR = "near paths",
        "the app takes this for the same thing, and the policies or the proxy do not",
        "write the routes, or the proxy's locations, so that whatever is not named is closed, not open";
    CLIMBING = "paths out of the open",
        "what begins like an open path is let through, and the app finds its way from there to what is closed",
        "hand on to sidegate the very bytes that came, decide by no prefix in the proxy, and have the app see the same bytes";
    PUBLISHED = "sidegate's own endpoints",
        "everybody can ask sidegate in a proxy's name who may do what",
        "do not publish /authz/: have the proxy before sidegate answer 404 for /authz/ and /t/*/authz/";
}
