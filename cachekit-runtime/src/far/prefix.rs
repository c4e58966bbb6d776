//! Invalidating by the beginning of the arguments, and what is known of the tiers: for the registry.

use super::{Far, bridge, link::Link};
use crate::{
    Error,
    backend::{Address, Failure},
    breaker::Purpose,
    identity::text::is_hashed,
    outcome::Delivery,
    registry::TierState,
};
use std::{collections::HashSet, sync::Arc};

/// Entries of a page of a walk.
const PAGE: usize = 512;

impl<V: Clone + Send + Sync + 'static> Far<V> {
    /// Invalidates all entries whose arguments begin so; says how many there were. Of shortened arguments only the beginning is known: those that may be meant
    /// go too.
    pub(crate) async fn invalidate_prefix(self: Arc<Self>, prefix: String) -> Result<(usize, Delivery), Error> {
        let (mut count, mut delivery) = (0, Delivery::Local);
        for tier in &self.tiers {
            let (more, told) = self.clone().invalidate_prefix_of(&tier.link, &prefix).await?;
            count += more;
            delivery = delivery.and(told);
        }
        if !self.silent.is_empty() {
            // No call waits for a place that none looks at. Where it does not answer, all of the cache goes there: nobody knows what is meant.
            let far = self.clone();
            bridge::spawn_from_thread(async move {
                for tier in &far.silent {
                    if far.clone().invalidate_prefix_of(&tier.link, &prefix).await.is_err() {
                        tier.link.undelivered.add_cache(&far.name);
                        tier.link.attend();
                    }
                }
            });
            delivery = delivery.and(Delivery::Queued);
        }
        Ok((count, delivery))
    }

    async fn invalidate_prefix_of(self: Arc<Self>, link: &Link, prefix: &str) -> Result<(usize, Delivery), Error> {
        let (mut count, mut delivery) = (0, Delivery::Local);
        let mut from = None;
        loop {
            let name = link.backend().name();
            if link.breaker().admit(Purpose::Read).is_err() {
                return Err(Error::backend(name, Failure::Unreachable, "it failed lately and is not asked now"));
            }
            let page = link.patiently(link.backend().scan(Some(&self.name), from, PAGE)).await?;
            // Once for all fingerprints.
            let mut ids = HashSet::new();
            let meant = page.entries.into_iter().map(|scanned| scanned.address);
            let meant: Vec<Address> =
                meant.filter(|address| is_meant(address, prefix) && ids.insert(address.id().to_owned())).collect();
            if !meant.is_empty() {
                count += meant.len();
                delivery = delivery.and(self.clone().invalidate_many(meant).await);
            }
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok((count, delivery)),
            }
        }
    }

    /// The error where no thread could be had.
    pub(crate) fn nobody_to_ask(&self) -> Error {
        Error::backend(self.name.clone(), Failure::Other, "there is no thread to ask its backends from")
    }

    /// How its tiers fare.
    pub(crate) fn states(&self) -> Vec<TierState> {
        let state = |(tier, is_used): (&super::Tier, bool)| {
            let mut state = TierState::new(tier.kind, tier.link.backend().name());
            state.breaker = Some(tier.link.breaker().stats());
            state.undelivered = tier.link.undelivered.len();
            state.times = Some(tier.link.times.snapshot());
            state.is_used = is_used;
            state.link = Some(Arc::as_ptr(&tier.link).addr());
            state
        };
        let silent = self.silent.iter().map(|tier| (tier, false));
        self.tiers.iter().map(|tier| (tier, true)).chain(silent).map(state).collect()
    }
}

fn is_meant(address: &Address, prefix: &str) -> bool {
    let arguments = address.id().get(address.cache().len() + 1..).unwrap_or_default();
    let beginning = arguments.rsplit_once('~').map(|(beginning, _)| beginning).filter(|_| is_hashed(arguments));
    match beginning {
        Some(beginning) => beginning.starts_with(prefix) || prefix.starts_with(beginning),
        None => arguments.starts_with(prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Fingerprint;

    #[test]
    fn a_shortened_text_is_meant_where_it_may_be() {
        let is_meant =
            |arguments: &str, prefix: &str| is_meant(&Address::new("users", arguments, Fingerprint(1)), prefix);
        assert!(is_meant("42,1", "42,") && is_meant("42", "") && !is_meant("42", "42,"));
        let short = format!("\"aaaa~{}", "0".repeat(32));
        assert!(is_meant(&short, "\"aa") && is_meant(&short, "\"aaaab") && !is_meant(&short, "\"b"));
        assert!(!is_meant("\"a~b\"", "\"a~bc"));
    }
}
