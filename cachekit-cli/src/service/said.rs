//! What the API says, as far as it is shown. What a service of another version does not say is missing here, but for what tells the API from something else that answers.

use crate::output;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// `GET api/caches`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Caches {
    pub(crate) caches: Vec<Row>,
    #[serde(default)]
    pub(crate) conflicts: Vec<Conflict>,
    #[serde(default)]
    pub(crate) access: Access,
}

/// A cache in the list of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) strategy: String,
    #[serde(default)]
    pub(crate) ttl: Value,
    #[serde(default)]
    pub(crate) bound: Value,
    #[serde(default)]
    pub(crate) calls: u64,
    #[serde(default)]
    pub(crate) hits: u64,
    /// `None`: the service is older than this figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) misses: Option<u64>,
    #[serde(default)]
    pub(crate) hit_ratio: Option<f64>,
    #[serde(default)]
    pub(crate) entries: u64,
    #[serde(default)]
    pub(crate) weight: u64,
    #[serde(default)]
    pub(crate) loads: u64,
    #[serde(default)]
    pub(crate) load_errors: u64,
    #[serde(default)]
    pub(crate) evicted: u64,
    #[serde(default)]
    pub(crate) load_seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backend_down: Option<String>,
}

/// A name that was given twice.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Conflict {
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Who asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Access {
    pub(crate) who: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) entries: bool,
}

/// `GET api/caches/{cache}`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Detail {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) place: String,
    #[serde(default)]
    pub(crate) key_type: String,
    #[serde(default)]
    pub(crate) value_type: String,
    #[serde(default)]
    pub(crate) loads_in_flight: u64,
    /// `None`: the service is built without advice.
    #[serde(default)]
    pub(crate) advised: Option<bool>,
    #[serde(default)]
    pub(crate) configuration: Configuration,
    #[serde(default)]
    pub(crate) stats: Stats,
    #[serde(default)]
    pub(crate) tiers: Vec<TierState>,
    /// All of it, as it came.
    #[serde(skip)]
    pub(crate) whole: Value,
}

/// Settings in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Configuration {
    pub(crate) enabled: bool,
    pub(crate) strategy: String,
    pub(crate) bound: Value,
    pub(crate) ttl: Value,
    pub(crate) idle_seconds: Option<f64>,
    pub(crate) stale_while_revalidate_seconds: f64,
    pub(crate) stale_if_error_seconds: f64,
    pub(crate) refresh_ahead_percent: Option<f64>,
    pub(crate) max_loads: Option<u64>,
    pub(crate) lock_seconds: Option<f64>,
    pub(crate) dry_run: bool,
    pub(crate) timeout_seconds: Option<f64>,
    pub(crate) soft_load_timeout_seconds: Option<f64>,
    pub(crate) hard_load_timeout_seconds: Option<f64>,
    /// Who says a setting, where it is not the code.
    pub(crate) sources: std::collections::BTreeMap<String, String>,
}

/// Counters since the service has started.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) hits: u64,
    pub(crate) stale_hits: u64,
    pub(crate) misses: std::collections::BTreeMap<String, u64>,
    pub(crate) bypasses: std::collections::BTreeMap<String, u64>,
    pub(crate) joins: u64,
    pub(crate) loads: u64,
    pub(crate) load_errors: u64,
    pub(crate) load_panics: u64,
    pub(crate) load_timeouts: u64,
    pub(crate) load_time: LoadTime,
    pub(crate) refreshes: u64,
    pub(crate) removals: std::collections::BTreeMap<String, u64>,
    pub(crate) entries: u64,
    pub(crate) weight: u64,
    pub(crate) far: Far,
}

impl Stats {
    /// Loads that gave no value.
    pub(crate) fn failed(&self) -> u64 {
        self.load_errors + self.load_panics + self.load_timeouts
    }
}

/// How long loads took.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoadTime {
    pub(crate) count: u64,
    pub(crate) sum_seconds: f64,
    pub(crate) p50_seconds: Option<f64>,
    pub(crate) p99_seconds: Option<f64>,
}

/// What backends did.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Far {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) errors: u64,
    pub(crate) rejected: u64,
    pub(crate) stores: u64,
    pub(crate) store_errors: u64,
}

/// A place of a cache.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TierState {
    pub(crate) tier: String,
    pub(crate) name: String,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) undelivered: u64,
}

/// Whether a backend gets operations.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Breaker {
    pub(crate) state: String,
    pub(crate) are_fills_paused: bool,
    pub(crate) opened: u64,
    pub(crate) last_failure: Option<String>,
}

/// `GET api/caches/{cache}/entries`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Entries {
    pub(crate) entries: Vec<Entry>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) key: Option<String>,
    /// JSON, or its beginning.
    pub(crate) value: Option<String>,
    pub(crate) is_cut: bool,
    pub(crate) tier: String,
    pub(crate) state: String,
    pub(crate) age_seconds: Option<f64>,
    pub(crate) ttl_left_seconds: Option<f64>,
    pub(crate) tags: u64,
}

/// `POST api/caches/{cache}/explain`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Explained {
    pub(crate) cache: String,
    pub(crate) state: String,
    pub(crate) age_seconds: Option<f64>,
    pub(crate) ttl_left_seconds: Option<f64>,
    pub(crate) tags: u64,
    pub(crate) loading: bool,
    pub(crate) strategy: String,
    /// `disabled`, `dry_run`: why a call computes whatever there is.
    pub(crate) bypassed: Option<String>,
    /// Which one has it.
    pub(crate) tier: Option<String>,
    pub(crate) policy: Option<Standing>,
    pub(crate) backends: Vec<String>,
    /// Those whose breaker is open.
    pub(crate) not_asked: Vec<String>,
    pub(crate) address: Option<String>,
    pub(crate) tied_to_build: Option<String>,
}

/// Where an entry stands with its policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Standing {
    pub(crate) queue: Option<String>,
    pub(crate) facts: Value,
    pub(crate) text: String,
}

impl Explained {
    /// What there is to say beside state and times.
    pub(crate) fn further(&self) -> [(&'static str, Option<String>); 4] {
        let computes = self.bypassed.as_deref().map(|why| match why {
            "disabled" => "the cache is switched off".to_owned(),
            "dry_run" => "it is a dry run, which compares".to_owned(),
            other => other.to_owned(),
        });
        [
            ("calls compute", computes),
            ("in", self.tier.clone()),
            ("policy", self.policy.as_ref().map(|policy| policy.text.clone())),
            (
                "not asked now",
                (!self.not_asked.is_empty()).then(|| format!("{}: the breaker is open", self.not_asked.join(", "))),
            ),
        ]
    }
}

/// A time that was said in seconds. What is no time is none.
pub(crate) fn seconds(said: f64) -> Duration {
    Duration::try_from_secs_f64(said).unwrap_or_default()
}

/// As people read it.
pub(crate) fn ttl(said: &Value) -> String {
    match said {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other["seconds"].as_f64().map_or_else(|| "?".to_owned(), |ttl| output::age(seconds(ttl))),
    }
}

/// As people read it.
pub(crate) fn bound(said: &Value) -> String {
    match (said["entries"].as_u64(), said["weight"].as_u64()) {
        (Some(entries), _) => output::count(entries),
        (_, Some(weight)) => output::bytes(weight),
        _ => "none".to_owned(),
    }
}
