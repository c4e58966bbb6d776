//! What a cache is told of its far tiers.

use super::{
    NearTtlOf,
    link::Link,
    place::{Place, Which},
    resolve::link_of,
};
use crate::{
    codec::DynCodec,
    identity::text::{KeyText, Unwritable},
    outcome::Tier,
    time::Clock,
};
use std::{sync::Arc, time::Duration};

/// How long all waits of one call for backends take together, unless it is told otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(250);

/// Writes a key for a backend.
type TextOf<K> = fn(&K) -> Result<KeyText, Unwritable>;

/// A backend, and which of the places it stands for.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) place: usize,
    pub(crate) elsewhere: Option<String>,
    pub(crate) link: Arc<Link>,
    pub(crate) kind: Tier,
}

pub(crate) struct FarSettings<K, V> {
    /// Nearest first. Empty: the cache is in memory alone.
    pub(super) places: Vec<Which>,
    /// Whether typed memory is in front of them.
    pub(crate) near: bool,
    pub(crate) near_ttl: Option<NearTtlOf<V>>,
    pub(crate) codec: Option<Arc<dyn DynCodec<V>>>,
    pub(crate) text_of: Option<TextOf<K>>,
    pub(crate) compress: bool,
    pub(crate) timeout: Duration,
    /// The lease of the fill lock.
    pub(crate) lock: Option<Duration>,
    /// How long copies of a tier that does not answer are given after it was heard last; `None`: as the configuration says.
    pub(crate) near_outage: Option<Duration>,
    /// Of the attribute: part of the values' identity.
    pub(crate) tag_templates: &'static [&'static str],
}

impl<K, V> FarSettings<K, V> {
    pub(crate) fn new() -> Self {
        FarSettings {
            places: Vec::new(),
            near: true,
            near_ttl: None,
            codec: None,
            text_of: None,
            compress: false,
            timeout: TIMEOUT,
            lock: None,
            near_outage: None,
            tag_templates: &[],
        }
    }

    pub(crate) fn put(&mut self, places: impl IntoIterator<Item = Place>) {
        let (near, far): (Vec<_>, Vec<_>) =
            places.into_iter().map(|place| place.0).partition(|which| matches!(which, Which::Memory));
        self.near = !near.is_empty() || far.is_empty();
        self.places = far;
    }

    /// Its places behind the memory, nearest first.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Tier> {
        self.places.iter().map(Which::tier)
    }

    /// The backend of one of its places, where that is or elsewhere. `None`: it cannot be had, and a line in the log says why.
    pub(crate) fn link(
        &self,
        place: usize,
        elsewhere: Option<&str>,
        clock: &Clock,
        is_isolated: bool,
    ) -> Option<Placed> {
        let which = self.places.get(place)?;
        let elsewhere = elsewhere.filter(|_| !is_isolated);
        let link = link_of(which, elsewhere, clock, is_isolated)?;
        Some(Placed { place, elsewhere: elsewhere.map(str::to_owned), link, kind: which.tier() })
    }

    /// Is anything known of the place: a backend of the program's own, or one that somebody has described?
    pub(crate) fn is_described(&self, place: usize) -> bool {
        self.places.get(place).is_some_and(|which| match which {
            Which::Named(kind) => crate::config::is_described(*kind),
            Which::Memory | Which::Own(_) => true,
        })
    }

    /// Its far places, as they are called.
    #[cfg(feature = "registry")]
    pub(crate) fn places(&self) -> impl Iterator<Item = (Tier, String)> {
        self.places.iter().map(|which| (which.tier(), format!("{:?}", Place(which.clone()))))
    }

    pub(crate) fn is_far(&self) -> bool {
        !self.places.is_empty()
    }
}
