//! What a layer is told.

use super::{CacheLayer, flights::Flights, rule::Rule, shareable::Shareable, shared::Shared, time::Time};
use crate::{
    fields::authority,
    store::{self, EntryCodec, Limits, Store},
};
use cachekit_runtime::{Cache, Place, time::Clock};
use http::HeaderValue;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Builds a [`CacheLayer`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct CacheLayerBuilder {
    pub(super) name: Option<String>,
    status_name: Option<String>,
    unsaid: Option<HeaderValue>,
    pub(super) rules: Vec<Rule>,
    otherwise: Rule,
    hosts: Vec<String>,
    scheme: String,
    max_bytes: u64,
    max_variants: usize,
    wait_limit: Duration,
    fill_limit: Duration,
    hit_for_miss: Duration,
    timeout: Option<Duration>,
    places: Vec<Place>,
    clock: Option<Clock>,
}

impl Default for CacheLayerBuilder {
    fn default() -> Self {
        CacheLayerBuilder {
            name: None,
            status_name: Some("cachekit".to_owned()),
            unsaid: None,
            rules: Vec::new(),
            otherwise: Rule::new(),
            hosts: Vec::new(),
            scheme: "http".to_owned(),
            max_bytes: 64 << 20,
            max_variants: 64,
            wait_limit: Duration::from_secs(5),
            fill_limit: Duration::from_secs(30),
            hit_for_miss: Duration::from_secs(10),
            timeout: None,
            places: Vec::new(),
            clock: None,
        }
    }
}

impl CacheLayerBuilder {
    /// The name of its cache: in statistics, in backends, and in the tags of its purges. Layers of one name share their entries in backends. Default: `http` and a number,
    /// which is no name for a backend: another layer, or another version of the program, would have it too. So [`backends`](Self::backends) need one.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its name in `Cache-Status`; `None`: the field is not sent. Default: `cachekit`.
    pub fn status_name(mut self, name: Option<String>) -> Self {
        self.status_name = name;
        self
    }

    /// What clients are told of a success whose fields do not say how long they may keep it.
    #[cfg(feature = "axum")]
    pub(super) fn unsaid(mut self, value: HeaderValue) -> Self {
        self.unsaid = Some(value);
        self
    }

    /// Adds a rule. The first that matches a request counts.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What holds for requests that no rule matches. Default: [`Rule::new`].
    pub fn otherwise(mut self, rule: Rule) -> Self {
        self.otherwise = rule;
        self
    }

    /// Requests for other hosts go past the cache, so that nobody fills it with hosts of their own. Default: every host.
    pub fn hosts<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// The scheme of the URIs that clients use: `https` behind something that ends TLS. Only some requests tell it, so this one is in all keys, and `http` and `https` of a host are
    /// not told apart. Default: `http`.
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = scheme.into();
        self
    }

    /// How many bytes it holds at most in memory. Default: 64 MiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many variants of one URI are stored at most, per process; of more the one goes that was not used for longest. Default: 64.
    pub fn max_variants(mut self, variants: usize) -> Self {
        self.max_variants = variants;
        self
    }

    /// How long a request waits for another that asks for the same, before it asks on its own, and is waited for in its place. Default: 5 s.
    pub fn wait_limit(mut self, time: Duration) -> Self {
        self.wait_limit = time;
        self
    }

    /// How long the handler is asked, and its body read, when no client waits for it any more: for the store alone, or to refresh what is stale. When the time is
    /// over nobody joins a response that is under way either, and it goes on as long as somebody reads it. Default: 30 s.
    pub fn fill_limit(mut self, time: Duration) -> Self {
        self.fill_limit = time;
        self
    }

    /// For how long nobody waits for a response that could not be shared, and nothing stale is refreshed after a refusal. Default: 10 s.
    pub fn hit_for_miss(mut self, time: Duration) -> Self {
        self.hit_for_miss = time;
        self
    }

    /// Where entries are, nearest first, as [`cachekit::Builder::backends`](cachekit_runtime::Builder::backends). Without a [`name`](Self::name) there is an error in the log, and
    /// they stay in memory. Default: in memory.
    pub fn backends(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.places.extend(places);
        self
    }

    /// How long a request waits for backends in all. Default: 250 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The layer. Clones of it, and the services that it wraps, share one cache.
    #[must_use]
    pub fn build(self) -> CacheLayer {
        static LAYERS: AtomicU64 = AtomicU64::new(0);
        let is_named = self.name.is_some();
        let name = self.name.unwrap_or_else(|| format!("http-{}", LAYERS.fetch_add(1, Ordering::Relaxed)));
        let mut cache = Cache::builder().name(name.clone()).max_bytes_with(self.max_bytes, store::weight);
        let mut passed = Cache::builder().name(format!("{name}-passed")).ttl(self.hit_for_miss);
        if let Some(clock) = &self.clock {
            cache = cache.clock(clock.clone());
            passed = passed.clock(clock.clone());
        }
        if let Some(timeout) = self.timeout {
            cache = cache.timeout(timeout);
        }
        let is_alone = self.places.is_empty() || !is_named;
        if !self.places.is_empty() && !is_named {
            tracing::error!("a cache of responses with backends has no name; it stays in memory");
        } else if !self.places.is_empty() {
            cache = cache.stored(self.places, cachekit_runtime::codec::erase(EntryCodec));
        }
        let hosts = self.hosts.into_iter().map(|host| match authority::normalised(&host, &self.scheme) {
            Some(host) => host,
            None => {
                // It stays, and is nobody's: with none at all every host would be served.
                tracing::error!(host, "what is to be served is no host");
                host
            }
        });
        let limits = Limits { max_bytes: self.max_bytes, max_variants: self.max_variants, is_alone };
        let shared = Shared {
            store: Store::new(cache, passed, &name, limits),
            flights: Arc::new(Flights::default()),
            rules: self.rules.into_iter().map(|rule| Arc::new(rule.checked(&self.scheme))).collect(),
            otherwise: Arc::new(self.otherwise.checked(&self.scheme)),
            hosts: hosts.collect(),
            scheme: self.scheme,
            status_name: self.status_name,
            unsaid: self.unsaid,
            shareable: Shareable::default(),
            wait_limit: self.wait_limit,
            fill_limit: self.fill_limit,
            time: self.clock.map_or(Time::System, Time::Injected),
        };
        CacheLayer { shared: Arc::new(shared) }
    }
}
