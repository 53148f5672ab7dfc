//! Where a request comes from: whoever is at the other end of the connection, or whom a proxy there speaks for.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::model::TenantId;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a proxy shows that asks about requests of others, if it needs to.
pub(super) const SECRET: HeaderName = HeaderName::from_static("x-sidegate-secret");

/// Reverse proxies.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Where those are whose word counts.
    pub trusted: Vec<IpNet>,
    /// What one must show that asks about requests of others, wherever it is.
    pub secret: Option<SecretString>,
    /// Whose hosts they stand before: the tenants that decide where the path names none.
    pub hosts: BTreeMap<String, TenantId>,
}

impl Proxies {
    /// The address of the client. Proxies add to the end of the list, so it is read from there: the first that is none of
    /// ours is the client's, and what stands before it was said by who knows whom.
    pub(super) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut address = peer?;
        if self.trusted.is_empty() {
            return peer;
        }
        let mut said = forwarded(headers);
        while self.trusts(address) {
            match said.next().and_then(|text| text.parse().ok()) {
                Some(next) => address = next,
                None => break,
            }
        }
        Some(address)
    }

    /// Whether somebody may ask whether requests of others may pass, with what it shows: whoever knows the secret, if there is
    /// one; else somebody on this machine, or a proxy that is trusted. Whoever comes over a Unix socket has no address.
    pub(super) fn may_ask(&self, peer: Option<IpAddr>, shown: &[&[u8]]) -> bool {
        if let Some(secret) = &self.secret {
            // Of two, one may be a client's.
            return matches!(shown, [one] if bool::from(one.ct_eq(secret.expose_secret().as_bytes())));
        }
        peer.is_none_or(|address| address.to_canonical().is_loopback() || self.trusts(address))
    }

    /// The address of the client of a proxy that may ask; `None` if the proxy does not say. It is never the proxy's own, which
    /// policies may trust.
    pub(super) fn client_of_a_proxy(&self, headers: &HeaderMap) -> Option<IpAddr> {
        for text in forwarded(headers) {
            let said: IpAddr = text.parse().ok()?;
            if !self.trusts(said) {
                return Some(said);
            }
        }
        None
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// Who a request was forwarded for, the last first.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = headers.get_all(&X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whom_nobody_vouches_for_is_the_client() {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()];
        let proxies = Proxies { trusted, ..Proxies::default() };
        let client = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(&X_FORWARDED_FOR, line.parse().unwrap());
            }
            proxies.client(Some(peer.parse().unwrap()), &headers).unwrap().to_string()
        };
        assert_eq!(client("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "anybody can say so");
        assert_eq!(client("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.1.1.1"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1", "203.0.113.9", "10.1.1.1"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, made-up"]), "127.0.0.1", "what is no address vouches for nobody");
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client("::ffff:127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(Proxies::default().client(None, &HeaderMap::new()), None);
    }
}
