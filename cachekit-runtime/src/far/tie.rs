//! What keeps a copy near by true to the tier that others change too.

use super::{
    Far,
    cells::{self, Tagged},
    fill::Fill,
    watch::{Sight, Watch},
};
use crate::{backend::Witness, envelope::Head, tags::TagSet};
use std::sync::Arc;

/// Of a copy that is about to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    pub(crate) watch: Arc<Watch>,
    pub(crate) sight: Sight,
    /// Of what the tier has; `None`: it has nothing that the copy could be compared with.
    pub(crate) seen: Option<(Witness, u64)>,
    pub(crate) tags: Option<TagSet>,
}

impl<V: Send + Sync + 'static> Far<V> {
    /// What others change, if this process is told of it.
    pub(crate) fn watch(&self) -> Option<&Arc<Watch>> {
        let tier = self.tiers.iter().rev().find(|tier| tier.link.is_shared())?;
        tier.link.be_told().then_some(&tier.link.watch)
    }

    /// The part of what others change that says whether all entries of the cache are valid.
    pub(crate) fn generation_part(&self) -> u16 {
        let shared = self.tiers.iter().rev().find_map(|tier| tier.link.backend().shared());
        shared.map_or(0, |shared| shared.part_of_cache(&self.name))
    }

    /// To be noted before the tiers are asked.
    pub(crate) fn sight(&self, id: &str) -> Option<Sight> {
        let tier = self.tiers.iter().rev().find(|tier| tier.link.is_shared())?;
        let watch = self.watch()?;
        let shared = tier.link.backend().shared()?;
        Some(watch.sight(id, shared.part(id), shared.part_of_cache(&self.name)))
    }

    /// Of a copy of what was read, or stored, under the fill's sight.
    pub(super) fn tie(&self, fill: &Fill, head: Option<Head>, generation: Option<u64>) -> Option<Box<Tie>> {
        self.tie_under(fill.sight, &fill.tagged, head, generation)
    }

    /// As [`tie`](Self::tie), with these tags.
    pub(super) fn tie_under(
        &self,
        sight: Option<Sight>,
        tagged: &[Tagged],
        head: Option<Head>,
        generation: Option<u64>,
    ) -> Option<Box<Tie>> {
        // In this order: a cache that keeps no copies has nothing told.
        let sight = sight?;
        let watch = self.watch()?.clone();
        let seen = head.zip(generation).map(|(head, generation)| (head.witness(), generation));
        Some(Box::new(Tie { watch, sight, seen, tags: cells::set_of(tagged) }))
    }
}
