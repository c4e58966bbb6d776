//! The settings of a cache that can be changed while it is in use, and a change of one.

use crate::{outcome::Tier, policy::Strategy};
use std::{fmt, time::Duration};

/// A setting of a cache that configuration and handles can change while it is in use.
///
/// Of what is said of one the last of these counts: the code, `cachekit.toml`, the environment, a live change. A live change stays in force until it is
/// [taken back](crate::Cache::take_back).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// How long a value is fresh.
    Ttl,
    /// How long an entry stays without being used.
    Idle,
    /// How long past its ttl a value is given while it is refreshed.
    StaleWhileRevalidate,
    /// How long past its ttl a value is given in place of an error.
    StaleIfError,
    /// The most entries.
    Capacity,
    /// The most bytes, of a cache that is bounded by weight.
    MaxBytes,
    /// Who makes room.
    Strategy,
    /// Whether it is switched on.
    Enabled,
    /// Whether every call computes, and what would have been a hit is compared with that.
    DryRun,
    /// How long all waits of one call for backends take together.
    Timeout,
    /// After how long a stale value is given while a load goes on.
    SoftLoadTimeout,
    /// After how long a load fails.
    HardLoadTimeout,
    /// Whether one of its tiers is used, and where that is.
    Tier(Tier),
}

impl Setting {
    /// All of them, in the order in which the documentation lists them.
    pub const ALL: [Setting; 16] = [
        Setting::Ttl,
        Setting::Idle,
        Setting::StaleWhileRevalidate,
        Setting::StaleIfError,
        Setting::Capacity,
        Setting::MaxBytes,
        Setting::Strategy,
        Setting::Enabled,
        Setting::DryRun,
        Setting::Timeout,
        Setting::SoftLoadTimeout,
        Setting::HardLoadTimeout,
        Setting::Tier(Tier::Memory),
        Setting::Tier(Tier::File),
        Setting::Tier(Tier::Redis),
        Setting::Tier(Tier::Own),
    ];

    /// What `cachekit.toml` calls it: `ttl`, `tiers.redis`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Setting::Ttl => "ttl",
            Setting::Idle => "idle",
            Setting::StaleWhileRevalidate => "stale_while_revalidate",
            Setting::StaleIfError => "stale_if_error",
            Setting::Capacity => "capacity",
            Setting::MaxBytes => "max_bytes",
            Setting::Strategy => "strategy",
            Setting::Enabled => "enabled",
            Setting::DryRun => "dry_run",
            Setting::Timeout => "timeout",
            Setting::SoftLoadTimeout => "soft_load_timeout",
            Setting::HardLoadTimeout => "hard_load_timeout",
            Setting::Tier(Tier::Memory) => "tiers.memory",
            Setting::Tier(Tier::File) => "tiers.file",
            Setting::Tier(Tier::Redis) => "tiers.redis",
            Setting::Tier(Tier::Own) => "tiers.own",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a setting is to be. `None` of a time: none; of a capacity: unbounded.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Ttl(Option<Duration>),
    Idle(Option<Duration>),
    StaleWhileRevalidate(Duration),
    StaleIfError(Duration),
    Capacity(Option<u64>),
    MaxBytes(u64),
    Strategy(Strategy),
    Enabled(bool),
    DryRun(bool),
    SoftLoadTimeout(Option<Duration>),
    HardLoadTimeout(Option<Duration>),
    #[cfg(feature = "backend")]
    Timeout(Duration),
    #[cfg(feature = "backend")]
    Tier(Tier, Whereabouts),
}

/// What is said of a tier that a cache has.
#[cfg(feature = "backend")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// It is where the code has it.
    Declared,
    /// No call looks or stores there; invalidations are told all the same.
    Off,
    /// It is there: a URL of a Redis, a folder.
    #[cfg_attr(not(feature = "config"), expect(dead_code, reason = "configuration says so"))]
    At(String),
}

/// Without the address, which may have a password.
#[cfg(feature = "backend")]
impl fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Whereabouts::Declared => "Declared",
            Whereabouts::Off => "Off",
            Whereabouts::At(_) => "At(…)",
        })
    }
}

impl Change {
    pub(crate) fn setting(&self) -> Setting {
        match self {
            Change::Ttl(_) => Setting::Ttl,
            Change::Idle(_) => Setting::Idle,
            Change::StaleWhileRevalidate(_) => Setting::StaleWhileRevalidate,
            Change::StaleIfError(_) => Setting::StaleIfError,
            Change::Capacity(_) => Setting::Capacity,
            Change::MaxBytes(_) => Setting::MaxBytes,
            Change::Strategy(_) => Setting::Strategy,
            Change::Enabled(_) => Setting::Enabled,
            Change::DryRun(_) => Setting::DryRun,
            Change::SoftLoadTimeout(_) => Setting::SoftLoadTimeout,
            Change::HardLoadTimeout(_) => Setting::HardLoadTimeout,
            #[cfg(feature = "backend")]
            Change::Timeout(_) => Setting::Timeout,
            #[cfg(feature = "backend")]
            Change::Tier(tier, _) => Setting::Tier(*tier),
        }
    }

    /// Does it say the same? Strategies of one name are the same.
    #[cfg(all(feature = "config", feature = "registry"))]
    pub(crate) fn is_same(&self, other: &Change) -> bool {
        match (self, other) {
            (Change::Ttl(one), Change::Ttl(other))
            | (Change::Idle(one), Change::Idle(other))
            | (Change::SoftLoadTimeout(one), Change::SoftLoadTimeout(other))
            | (Change::HardLoadTimeout(one), Change::HardLoadTimeout(other)) => one == other,
            (Change::StaleWhileRevalidate(one), Change::StaleWhileRevalidate(other))
            | (Change::StaleIfError(one), Change::StaleIfError(other))
            | (Change::Timeout(one), Change::Timeout(other)) => one == other,
            (Change::Capacity(one), Change::Capacity(other)) => one == other,
            (Change::MaxBytes(one), Change::MaxBytes(other)) => one == other,
            (Change::Strategy(one), Change::Strategy(other)) => one.name() == other.name(),
            (Change::Enabled(one), Change::Enabled(other)) | (Change::DryRun(one), Change::DryRun(other)) => {
                one == other
            }
            (Change::Tier(one, there), Change::Tier(other, elsewhere)) => one == other && there == elsewhere,
            _ => false,
        }
    }
}
