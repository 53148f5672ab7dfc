//! Where other servers may be: anywhere in the internet, and in named networks besides. Whoever may name a URL that we ask
//! must not reach through us what they cannot reach themselves.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// Addresses that mean something on this machine or in this network alone, or nothing (the IANA registries of
/// special-purpose addresses, RFC 6890).
const SPECIAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

static NOT_PUBLIC: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| SPECIAL.iter().filter_map(|network| network.parse().ok()).collect());

/// Reads networks, or single addresses, with commas between them.
///
/// # Errors
/// What is wrong with the first that is none.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let read = |network: &str| {
        let network = network.trim();
        let one = || network.parse::<IpAddr>().map(IpNet::from);
        network.parse().or_else(|_| one()).map_err(|_| format!("{network:?} is no network"))
    };
    text.split(',').map(read).collect()
}

/// Networks that are asked although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// This machine.
    #[must_use]
    pub fn loopback() -> Self {
        Self(["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect())
    }

    /// Reads networks with commas between them.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        networks(text).map(Self)
    }

    /// Whether a server at an address may be asked, and without TLS: that is for networks that are named.
    pub(super) fn admit(&self, address: IpAddr, encrypted: bool) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
            || (encrypted && !NOT_PUBLIC.iter().any(|network| network.contains(&address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_must_be_named() {
        assert_eq!(NOT_PUBLIC.len(), SPECIAL.len());
        let admits =
            |networks: &Networks, address: &str, encrypted| networks.admit(address.parse().unwrap(), encrypted);
        let none = Networks::default();
        for address in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(admits(&none, address, true) && !admits(&none, address, false), "{address}");
        }
        for address in
            ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "::1", "::", "::ffff:10.0.0.1", "fd00::1"]
        {
            assert!(!admits(&none, address, true), "{address}");
        }
        let named = Networks::parse("10.0.0.0/8, ::1").unwrap();
        assert!(admits(&named, "10.1.2.3", false) && admits(&named, "::1", false));
        assert!(admits(&named, "::ffff:10.1.2.3", true) && !admits(&named, "127.0.0.1", true));
        assert!(admits(&Networks::loopback(), "127.0.0.1", false));
        assert!(Networks::parse("10.0.0.0/8,home").unwrap_err().contains("\"home\""));
    }
}
