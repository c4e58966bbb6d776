//! Our strategies by name: the one list that all benchmarks read.

use cachekit::policy::Strategy;

const NAMES: [&str; 9] = ["lru", "lfu", "fifo", "sieve", "s3-fifo", "s3-tinylfu", "w-tinylfu", "lirs", "adaptive"];

/// The strategy that chooses among the others while it runs.
pub const ADAPTIVE: &str = "adaptive";

/// Those of the list that this build of cachekit has.
#[must_use]
pub fn strategies() -> Vec<Strategy> {
    NAMES.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_among_them() {
        let default = Strategy::default();
        assert!(strategies().iter().any(|strategy| strategy.name() == default.name()));
    }
}
