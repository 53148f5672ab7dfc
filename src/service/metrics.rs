//! Counters and histograms: a decision must not take a lock, or wait for another processor, to be counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::model::{Decision, Denial};
use crate::store::{CacheStats, Counter, SharedStats};

use super::Service;
use super::tenants::Policies;

/// Upper bounds of the latency histogram, in nanoseconds.
const BOUNDS: [u64; 14] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
];

/// How a decision came out.
const OUTCOMES: [&str; 3] = ["allow", "deny", "no_policies"];

#[derive(Default)]
pub(super) struct Metrics {
    outcomes: [Counter; OUTCOMES.len()],
    /// Decisions by latency; the last is for all that took longer than any bound.
    latency: [Counter; BOUNDS.len() + 1],
    latency_nanos: Counter,
    stale_answers: Counter,
    store_failures: AtomicU64,
    reloads: AtomicU64,
    last_reload_micros: AtomicU64,
}

impl Metrics {
    pub(super) fn decided(&self, decision: &Decision<'_>, stale: bool, took: Duration) {
        if stale {
            self.stale_answers.add(1);
        }
        let outcome = match decision {
            Decision::Allow(_) => 0,
            Decision::Deny(Denial::NoProgram(_)) => 2,
            Decision::Deny(_) => 1,
        };
        self.outcomes[outcome].add(1);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.latency[BOUNDS.partition_point(|bound| *bound < nanos)].add(1);
        self.latency_nanos.add(nanos);
    }

    pub(super) fn store_failed(&self) {
        self.store_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reloaded(&self, took: Duration) {
        self.reloads.fetch_add(1, Ordering::Relaxed);
        self.last_reload_micros.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The text format of OpenMetrics 1.0.
    pub(super) fn encode(&self, service: &Service) -> String {
        let mut registry = prometheus_client::registry::Registry::with_prefix("sidegate");
        registry.register_collector(Box::new(self.snapshot(service)));
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }

    fn snapshot(&self, service: &Service) -> Snapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let policies = service.tenants().into_iter().filter_map(|tenant| match &tenant.policies {
            Policies::InForce { program, problem } => {
                let (id, revision) = (tenant.id.to_string(), program.revision().to_owned());
                Some(InForce { tenant: id, revision, policies: program.policy_count(), stale: problem.is_some() })
            }
            Policies::None { .. } => None,
        });
        Snapshot {
            outcomes: self.outcomes.each_ref().map(Counter::get),
            latency: self.latency.each_ref().map(Counter::get),
            latency_nanos: self.latency_nanos.get(),
            store_failures: load(&self.store_failures),
            reloads: load(&self.reloads),
            last_reload_micros: load(&self.last_reload_micros),
            lost_log_lines: service.decision_log.lost(),
            cache: service.users.stats(),
            resources: service.resources.stats(),
            shared: service.shared.as_ref().map(|shared| shared.stats()),
            feed_lag: service.heard.lag(Instant::now()),
            stale_answers: self.stale_answers.get(),
            policies: policies.collect(),
        }
    }
}

/// All numbers as of one moment.
#[derive(Debug)]
struct Snapshot {
    outcomes: [u64; OUTCOMES.len()],
    latency: [u64; BOUNDS.len() + 1],
    latency_nanos: u64,
    store_failures: u64,
    reloads: u64,
    last_reload_micros: u64,
    lost_log_lines: u64,
    cache: CacheStats,
    resources: CacheStats,
    /// What became of looking into Redis, if there is one.
    shared: Option<SharedStats>,
    feed_lag: Duration,
    stale_answers: u64,
    policies: Vec<InForce>,
}

#[derive(Debug)]
struct InForce {
    tenant: String,
    revision: String,
    policies: usize,
    stale: bool,
}

impl prometheus_client::collector::Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let decisions = OUTCOMES.into_iter().zip(self.outcomes);
        by_outcome(&mut encoder, "decisions", "Decisions by outcome", decisions)?;

        const NANOS: f64 = 1e9;
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / NANOS).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.latency).collect();
        encoder
            .encode_descriptor(
                "decision_duration",
                "Time from a decoded question to its decision",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(
                self.latency_nanos as f64 / NANOS,
                self.latency.iter().sum(),
                &buckets,
                None,
            )?;

        for (name, what, stats) in
            [("user_lookups", "Users", self.cache), ("resource_lookups", "Resources", self.resources)]
        {
            let help =
                format!("{what} looked up: found in memory, read from the store, or waited for another's reading");
            let CacheStats { hits, misses, coalesced, .. } = stats;
            let outcomes = [("hit", hits), ("miss", misses - coalesced.min(misses)), ("coalesced", coalesced)];
            by_outcome(&mut encoder, name, &help, outcomes)?;
        }

        if let Some(stats) = self.shared {
            let help = "What became of looking into Redis for what is not in memory";
            let SharedStats { hits, misses, refused, failures, skipped, open: _ } = stats;
            let outcomes =
                [("hit", hits), ("miss", misses), ("too_old", refused), ("failure", failures), ("skipped", skipped)];
            by_outcome(&mut encoder, "redis_lookups", help, outcomes)?;
        }

        let counters = [
            ("stale_decisions", "Decisions from memory while changes could not be read", self.stale_answers),
            ("store_failures", "Decisions made without the store, because it did not answer", self.store_failures),
            ("policy_reloads", "Times that policy files were read", self.reloads),
            (
                "decision_log_lost",
                "Lines of the decision log dropped because it could not keep up",
                self.lost_log_lines,
            ),
        ];
        for (name, help, count) in counters {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(metric)?;
        }
        let reload_seconds = self.last_reload_micros as f64 / 1e6;
        let (lag, open) = (self.feed_lag.as_secs_f64(), self.shared.is_some_and(|shared| shared.open));
        let gauges = [
            ("feed_lag", "How long ago changes were last read", Some(Unit::Seconds), lag),
            (
                "redis_circuit_open",
                "1 while Redis is not asked, because it did not answer",
                None,
                f64::from(u8::from(open)),
            ),
            ("cached_users", "Users in memory", None, self.cache.entries as f64),
            ("cached_users", "Memory that they take", Some(Unit::Bytes), self.cache.bytes as f64),
            ("policy_reload", "How long the last reading of policy files took", Some(Unit::Seconds), reload_seconds),
        ];
        for (name, help, unit, value) in gauges {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }

        let mut policies = encoder.encode_descriptor("policies", "Policies in force", None, MetricType::Gauge)?;
        for in_force in &self.policies {
            let labels = [("tenant", &in_force.tenant), ("revision", &in_force.revision)];
            ConstGauge::new(in_force.policies as i64).encode(policies.encode_family(&labels)?)?;
        }
        let help = "1 where the files do not compile and the last good policies are in force";
        let mut stale = encoder.encode_descriptor("policies_stale", help, None, MetricType::Gauge)?;
        for in_force in &self.policies {
            let labels = [("tenant", &in_force.tenant)];
            ConstGauge::new(i64::from(in_force.stale)).encode(stale.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A counter for each way in which something may come out.
fn by_outcome(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    outcomes: impl IntoIterator<Item = (&'static str, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (outcome, count) in outcomes {
        ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
    }
    Ok(())
}
