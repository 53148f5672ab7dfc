//! Where Redis is.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionInfo, IntoConnectionInfo};

/// One Redis, or the first nodes of a cluster.
#[derive(Debug, Clone)]
pub struct RedisAt(pub(super) Vec<ConnectionInfo>);

impl FromStr for RedisAt {
    type Err = String;

    /// Reads `redis://user:password@host:port/db` (`rediss://` for TLS), or `redis+unix:///path`; several with commas are nodes of a cluster.
    fn from_str(text: &str) -> Result<Self, String> {
        let one = |url: &str| {
            let url = url.trim();
            if !["redis://", "rediss://", "redis+unix://"].iter().any(|scheme| url.starts_with(scheme)) {
                return Err("its scheme is neither redis, nor rediss, nor redis+unix".to_owned());
            }
            url.into_connection_info().map_err(|error| error.to_string())
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for RedisAt {
    /// Without passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.0.iter().map(|node| node.addr().to_string()).collect();
        f.write_str(&addresses.join(", "))
    }
}
