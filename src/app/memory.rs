//! How much memory there is to use.

use std::fs;

/// The cache takes an eighth of the memory by itself, within these bounds, in MiB.
const SHARE: u64 = 8;
const LEAST: u64 = 64;
const MOST: u64 = 4096;

/// What the cache takes if nobody says, in MiB.
pub(super) fn default_cache_mib() -> u64 {
    let limits = [
        fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text)),
        // A container's own limit.
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok()),
    ];
    share(limits.into_iter().flatten().min())
}

fn share(bytes: Option<u64>) -> u64 {
    bytes.map_or(LEAST, |bytes| (bytes / SHARE) >> 20).clamp(LEAST, MOST)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eighth_of_what_there_is() {
        assert_eq!(total("MemTotal:       24689208 kB\nMemFree: 1 kB\n"), Some(24_689_208 * 1024));
        assert_eq!(total("nothing"), None);
        assert_eq!([None, Some(1 << 28), Some(1 << 33), Some(1 << 40)].map(share), [64, 64, 1024, 4096]);
    }
}
