//! How much may be asked, by whom: of each tenant, and by those whom nobody knows.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use moka::sync::Cache;

use crate::model::{Caller, Limits};

use super::Service;
use super::tenants::Tenant;

/// For how long a failure counts.
const FAILURES_COUNT_FOR: Duration = Duration::from_secs(10);

/// So many addresses are kept in mind.
const ADDRESSES: u64 = 100_000;

/// How often what is long over is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// A decision.
    Decision,
    /// Anything else of the API.
    Api,
    /// A page, or what everybody may know.
    Page,
}

/// Too much was asked: when one may ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Duration);

/// The limiters of a tenant, with what each has let pass.
#[derive(Debug)]
pub(super) struct Limiters {
    pub(super) limits: Limits,
    api: Option<DefaultKeyedRateLimiter<String>>,
    decisions: Option<DefaultKeyedRateLimiter<String>>,
    addresses: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Limiters {
    pub(super) fn new(limits: Limits) -> Self {
        let quota = |per_second| NonZeroU32::new(per_second).map(Quota::per_second);
        Self {
            limits,
            api: quota(limits.api_per_second).map(DefaultKeyedRateLimiter::keyed),
            decisions: quota(limits.decisions_per_second).map(DefaultKeyedRateLimiter::keyed),
            addresses: quota(limits.address_per_second).map(DefaultKeyedRateLimiter::keyed),
        }
    }

    fn tidy(&self) {
        self.api.iter().chain(&self.decisions).for_each(DefaultKeyedRateLimiter::retain_recent);
        self.addresses.iter().for_each(DefaultKeyedRateLimiter::retain_recent);
    }
}

impl Tenant {
    /// Whether one more request of a kind may be answered; those who run the instance are not counted.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn admit(&self, asks: Asks, caller: Option<&Caller>, address: Option<IpAddr>) -> Result<(), TooMany> {
        let Limiters { api, decisions, addresses, .. } = &*self.limiters;
        let by_token = match asks {
            Asks::Decision => decisions,
            Asks::Api => api,
            Asks::Page => &None,
        };
        if by_token.is_none() && addresses.is_none() || caller.is_some_and(Caller::runs_the_instance) {
            return Ok(());
        }
        if let (Some(limiter), Some(address)) = (addresses, address) {
            check(limiter, &network(address))?;
        }
        match (by_token, caller) {
            (Some(limiter), Some(caller)) => check(limiter, &caller.key()),
            _ => Ok(()),
        }
    }
}

fn check<K: Clone + Eq + std::hash::Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), TooMany> {
    let now = DefaultClock::default().now();
    limiter.check_key(key).map_err(|not_yet| TooMany(not_yet.wait_time_from(now)))
}

/// Whom an address stands for: whoever has one of IPv6 has a whole network of them (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

/// How often those at each address had nothing that counts to show.
pub(super) struct Failures {
    counts: Cache<IpAddr, Arc<AtomicU32>>,
    /// So many are let pass; zero is no limit.
    most: u32,
}

impl Failures {
    pub(super) fn new(most: u32) -> Self {
        Self { counts: Cache::builder().max_capacity(ADDRESSES).time_to_live(FAILURES_COUNT_FOR).build(), most }
    }

    /// Whether somebody there may try once more, with what is not known yet.
    pub(super) fn may_try(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let Some(address) = address.filter(|_| self.most > 0) else { return Ok(()) };
        let count = self.counts.get(&network(address)).map_or(0, |count| count.load(Ordering::Relaxed));
        if count < self.most { Ok(()) } else { Err(TooMany(FAILURES_COUNT_FOR)) }
    }

    /// Counts a failure.
    pub(super) fn failed(&self, address: Option<IpAddr>) {
        if let Some(address) = address.filter(|_| self.most > 0) {
            self.counts.get_with(network(address), Arc::default).fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Service {
    /// Forgets who asked long ago; never returns.
    pub async fn keep_limits_tidy(&self) {
        loop {
            tokio::time::sleep(TIDY_EVERY).await;
            self.tenants().iter().for_each(|tenant| tenant.limiters.tidy());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_by_network_and_are_over_after_a_while() {
        let (failures, at) = (Failures::new(2), |text: &str| Some(text.parse().unwrap()));
        for address in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(failures.may_try(at(address)), Ok(()));
            failures.failed(at(address));
        }
        assert_eq!(failures.may_try(at("192.0.2.1")), Err(TooMany(FAILURES_COUNT_FOR)));
        assert_eq!(failures.may_try(at("192.0.2.2")), Ok(()));
        assert_eq!(failures.may_try(None), Ok(()));
        failures.failed(at("2001:db8::1"));
        failures.failed(at("2001:db8::2"));
        assert!(failures.may_try(at("2001:db8:0:0:ffff::3")).is_err());
        assert!(failures.may_try(at("2001:db8:0:1::3")).is_ok());
        let unlimited = Failures::new(0);
        unlimited.failed(at("192.0.2.1"));
        assert_eq!(unlimited.may_try(at("192.0.2.1")), Ok(()));
    }
}
