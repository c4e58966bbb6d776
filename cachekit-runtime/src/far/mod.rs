//! The far tiers of a cache: backends of bytes behind, or in place of, the typed memory.
//!
//! `ask` looks through them, nearest first (`glimpse` is the short way of most looks), and notes what a fill will need; `fill` stores what was computed; `remove` invalidates. `link` is one backend with
//! its breaker, `undelivered` the invalidations that it has not taken yet, `order` what keeps stores behind invalidations where a backend knows no
//! witness, `bridge` where futures run that no async caller drives, `place` and `resolve` which backend a name stands for.

mod ask;
mod bridge;
mod cells;
mod deliver;
mod fill;
mod flush;
pub(crate) mod freshness;
mod glimpse;
mod link;
mod lock;
mod many;
mod many_stored;
mod order;
mod place;
#[cfg(feature = "registry")]
mod prefix;
mod remove;
mod resolve;
mod settings;
mod shared;
mod switches;
mod sync;
#[cfg(feature = "inspect")]
pub(crate) mod tag_entries;
#[cfg(not(feature = "inspect"))]
mod tag_entries;
mod tagged;
mod tie;
mod traced;
mod undelivered;
mod visit;
mod watch;

pub(crate) use ask::{Accept, Asked, Found, Known, Question};
#[cfg(feature = "redis")]
pub(crate) use bridge::spawn_apart;
pub(crate) use cells::Tagged;
pub(crate) use fill::{Fill, Insertion, Sealed};
pub(crate) use flush::flush;
pub(crate) use glimpse::Glimpse;
pub(crate) use link::Link;
pub(crate) use place::Kind;
pub use place::{Place, place_at};
pub(crate) use remove::{invalidate_tag, soften_tag, told_and_wait, with_tags};
pub(crate) use settings::{FarSettings, Placed};
#[cfg(feature = "inspect")]
pub(crate) use shared::MARKER;
#[cfg(feature = "redis")]
pub(crate) use switches::{without_boot, without_slots};
pub(crate) use switches::{without_epochs, without_own};
pub use sync::sync;
pub(crate) use tie::Tie;
pub(crate) use watch::{Covered, LEASE, Near, Sight, Watch};

use crate::{
    backend::{Address, Fingerprint},
    budget::Budget,
    codec::DynCodec,
    identity::{self, Identity, text::KeyText},
    outcome,
    stats::FarCounters,
    time::{Clock, Deadlines, Sleep, nanos},
};
use bridge::wait;
use order::Order;
use std::{
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The far tiers of one cache.
pub(crate) struct Far<V> {
    /// As backends know the cache.
    name: String,
    tiers: Vec<Tier>,
    /// Places in which no call looks or stores, now or no more, and which are told of invalidations: others may look there, and this process may again.
    silent: Vec<Tier>,
    codec: Arc<dyn DynCodec<V>>,
    version: Option<u64>,
    identity: OnceLock<Identity>,
    compress: bool,
    timeout: Duration,
    lock: Option<Duration>,
    /// How long the nearer tiers keep a value.
    near_ttl: NearTtlOf<V>,
    max_value_bytes: usize,
    tag_templates: &'static [&'static str],
    /// How long what was made stale may be given while it is loaded anew, in nanoseconds.
    revalidate: u64,
    /// It is given to the end of its ttl.
    gives_softened: bool,
    order: Arc<Order>,
    clock: Clock,
    /// Of its calls' budgets, which are all equally long.
    deadlines: Arc<Deadlines>,
    pub(crate) counters: Arc<FarCounters>,
    /// What was stored first has been read back.
    is_verified: AtomicBool,
}

/// One far tier.
struct Tier {
    link: Arc<Link>,
    kind: outcome::Tier,
    /// When the fingerprint was announced last; 0: never.
    announced: AtomicU64,
    /// `None`: it is told, and nobody asks it.
    _use: Option<Arc<()>>,
}

impl Tier {
    fn used((link, kind): (Arc<Link>, outcome::Tier)) -> Self {
        let mark = link.used();
        Tier { _use: Some(mark), ..Tier::silent((link, kind)) }
    }

    fn silent((link, kind): (Arc<Link>, outcome::Tier)) -> Self {
        Tier { link, kind, announced: AtomicU64::new(0), _use: None }
    }
}

/// What of a cache's far tiers can change.
pub(crate) struct Rearranged {
    pub(crate) links: Vec<(Arc<Link>, outcome::Tier)>,
    pub(crate) silent: Vec<(Arc<Link>, outcome::Tier)>,
    pub(crate) timeout: Duration,
    pub(crate) revalidate: Duration,
}

/// All that a cache says of its far tiers, once its places are found.
pub(crate) struct Parts<V> {
    pub(crate) name: String,
    pub(crate) links: Vec<(Arc<Link>, outcome::Tier)>,
    pub(crate) silent: Vec<(Arc<Link>, outcome::Tier)>,
    pub(crate) codec: Arc<dyn DynCodec<V>>,
    pub(crate) version: Option<u64>,
    pub(crate) compress: bool,
    pub(crate) timeout: Duration,
    pub(crate) lock: Option<Duration>,
    pub(crate) near_ttl: NearTtlOf<V>,
    pub(crate) max_value_bytes: usize,
    pub(crate) clock: Clock,
    pub(crate) tag_templates: &'static [&'static str],
    pub(crate) revalidate: Duration,
    pub(crate) gives_softened: bool,
}

impl<V: Send + Sync + 'static> Far<V> {
    pub(crate) fn new(parts: Parts<V>) -> Arc<Self> {
        Arc::new(Far {
            name: identity::text::cache_name(&parts.name),
            tiers: parts.links.into_iter().map(Tier::used).collect(),
            silent: parts.silent.into_iter().map(Tier::silent).collect(),
            codec: parts.codec,
            version: parts.version,
            identity: OnceLock::new(),
            compress: parts.compress,
            timeout: parts.timeout,
            lock: parts.lock,
            near_ttl: parts.near_ttl,
            max_value_bytes: parts.max_value_bytes,
            tag_templates: parts.tag_templates,
            revalidate: nanos(parts.revalidate),
            gives_softened: parts.gives_softened,
            order: Arc::new(Order::new()),
            deadlines: Deadlines::new(&parts.clock),
            clock: parts.clock,
            counters: Arc::default(),
            is_verified: AtomicBool::new(false),
        })
    }

    /// The same cache with other tiers and times. What it had begun goes on, and keeps its order with what this one does.
    pub(crate) fn rearranged(&self, change: Rearranged) -> Arc<Self> {
        let Rearranged { links, silent, timeout, revalidate } = change;
        let known = |mut tier: Tier| {
            let before = self.all_tiers().find(|before| Arc::ptr_eq(&before.link, &tier.link));
            tier.announced = AtomicU64::new(before.map_or(0, |before| before.announced.load(Ordering::Relaxed)));
            tier
        };
        Arc::new(Far {
            name: self.name.clone(),
            tiers: links.into_iter().map(Tier::used).map(known).collect(),
            silent: silent.into_iter().map(Tier::silent).map(known).collect(),
            codec: self.codec.clone(),
            version: self.version,
            identity: self.identity.clone(),
            compress: self.compress,
            timeout,
            lock: self.lock,
            near_ttl: self.near_ttl.clone(),
            max_value_bytes: self.max_value_bytes,
            tag_templates: self.tag_templates,
            revalidate: nanos(revalidate),
            gives_softened: self.gives_softened,
            order: self.order.clone(),
            // Those of one are all equally long.
            deadlines: Deadlines::new(&self.clock),
            clock: self.clock.clone(),
            counters: self.counters.clone(),
            is_verified: AtomicBool::new(self.is_verified.load(Ordering::Acquire)),
        })
    }

    fn all_tiers(&self) -> impl Iterator<Item = &Tier> {
        self.tiers.iter().chain(&self.silent)
    }

    pub(crate) fn identity(&self) -> Identity {
        *self.identity.get_or_init(|| self.codec.identity(self.version, self.tag_templates))
    }

    /// As backends know the cache.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.all_tiers().map(|tier| &tier.link)
    }

    /// It has entries with tags.
    pub(crate) fn has_tags(&self) {
        self.all_tiers().for_each(|tier| tier.link.undelivered.add_tagged(&self.name));
    }

    /// Of its backends, nearest first.
    pub(crate) fn names(&self) -> Vec<String> {
        self.tiers.iter().map(|tier| tier.link.backend().name().to_owned()).collect()
    }

    /// Of those of its backends that are not asked for now, because their breaker is open.
    pub(crate) fn names_of_open(&self) -> Vec<String> {
        let open = self.tiers.iter().filter(|tier| tier.link.is_open());
        open.map(|tier| tier.link.backend().name().to_owned()).collect()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.identity().fingerprint
    }

    /// Where the entry of these arguments is.
    pub(crate) fn address(&self, arguments: KeyText) -> Address {
        match arguments.into_parts() {
            (whole, Some(short)) => Address::shortened(&self.name, &short, &whole, self.fingerprint()),
            (whole, None) => Address::of_own(&self.name, whole, self.fingerprint()),
        }
    }

    /// For all waits of one call.
    pub(crate) fn budget(&self) -> Budget {
        Budget::start_among(&self.deadlines, self.timeout)
    }

    /// Until then, by the cache's clock.
    pub(crate) fn sleep_until(&self, time: u64) -> Sleep {
        self.clock.sleep_until(time)
    }

    /// Blocks this thread for what the tiers do, which ends within its budget. `None` where that could not be run.
    pub(crate) fn wait<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let immediate = self.tiers.iter().all(|tier| tier.link.backend().capabilities().immediate);
        wait(immediate, future)
    }

    /// Lets it go on without a caller that is no task.
    pub(crate) fn spawn_from_thread(&self, future: impl Future<Output = ()> + Send + 'static) {
        bridge::spawn_from_thread(future);
    }

    /// Lets it go on without the caller. `must`: also after the shutdown.
    pub(crate) fn spawn(&self, must: bool, future: impl Future<Output = ()> + Send + 'static) {
        bridge::spawn(must, future);
    }
}

impl<V: Send + Sync + 'static> fmt::Debug for Far<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Far").field("name", &self.name).field("tiers", &self.names()).finish_non_exhaustive()
    }
}

/// How long the nearer tiers keep a value; `None`: as long as the furthest.
pub(crate) type NearTtlOf<V> = Arc<dyn Fn(&V) -> Option<Duration> + Send + Sync>;
