//! What the results were measured on, and of which versions.

use std::{
    env, fs, thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// The peers, as their packages are called.
const PEERS: [&str; 12] = [
    "cached",
    "dashmap",
    "foyer-memory",
    "hashbrown",
    "hitbox-fn",
    "hitbox-redis",
    "lru",
    "memoize",
    "mini-moka",
    "moka",
    "quick_cache",
    "redis",
];

/// The lock file from which this very program was built.
const LOCK: &str = include_str!("../../Cargo.lock");

const TOOLCHAIN: &str = include_str!("../../rust-toolchain.toml");

/// The processor's name, or its architecture where the system does not say.
#[must_use]
pub fn processor() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, model)| model));
    format!("{}, {}", model.unwrap_or(env::consts::ARCH).trim(), env::consts::OS)
}

/// Hardware threads that this process may use.
#[must_use]
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The version of Rust that the workspace pins.
#[must_use]
pub fn toolchain() -> &'static str {
    TOOLCHAIN.lines().find_map(|line| line.strip_prefix("channel")?.split('"').nth(1)).unwrap_or("unknown")
}

/// Today in UTC, as in 2026-01-31.
#[must_use]
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The versions of the peers; of those that others also bring in an older one, the newest.
#[must_use]
pub fn versions() -> Vec<(&'static str, &'static str)> {
    PEERS.iter().filter_map(|peer| Some((*peer, version(LOCK, peer)?))).collect()
}

fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        if line == name {
            // Cargo sorts them from the oldest to the newest.
            found = lines.next()?.split('"').nth(1);
        }
    }
    found
}

/// Year, month and day of a day since 1970-01-01, by counting.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_453), (2025, 12, 31));
        assert_eq!(date(20_454), (2026, 1, 1));
    }

    #[test]
    fn every_peer_has_a_version() {
        assert_eq!(versions().len(), PEERS.len());
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        assert_eq!((version(lock, "a"), version(lock, "b")), (Some("2.0.0"), None));
    }
}
