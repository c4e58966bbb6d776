//! The tags of entries in far tiers: their versions are captured before a load, kept in the envelope, and compared at every look.
//!
//! The versions are those of the tier that processes share, if there is one, else of the furthest. What this process knows of them it need not ask for, but
//! a version that does not agree is asked for before it counts: another may have been made meanwhile, which this process was not told yet.

use super::{
    Far,
    cells::Tagged,
    fill::Fill,
    link::{Link, Unanswered},
    visit::Visit,
};
use crate::{
    backend::{Address, Backend, BackendFuture, Fingerprint},
    budget::Budget,
    envelope::TagVersion,
    identity,
};
use bytes::Bytes;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How long a tag lives at least after it was made.
const TAG: Duration = Duration::from_secs(30 * 24 * 3600);

impl<V: Send + Sync + 'static> Far<V> {
    /// The tier whose versions count.
    pub(super) fn authority(&self) -> usize {
        self.tiers.iter().rposition(|tier| tier.link.is_shared()).unwrap_or(self.tiers.len().saturating_sub(1))
    }

    /// What is known of these tags.
    pub(super) fn tagged(&self, tags: &[String]) -> Vec<Tagged> {
        match self.tiers.get(self.authority()) {
            Some(tier) if !tags.is_empty() => {
                tier.link.be_told();
                tier.link.cells_of(tags)
            }
            _ => Vec::new(),
        }
    }

    /// Do the versions of an entry agree with those of now? What is not known, or does not agree, is asked for.
    pub(super) async fn agree(
        &self,
        at: Visit<'_>,
        fill: &mut Fill,
        stored: &[TagVersion],
    ) -> Result<bool, Unanswered> {
        let Visit { index, tier, budget } = at;
        if index != self.authority() {
            return Ok(true);
        }
        // A look by key alone does not know the tags that the function gave.
        let is_missing = |name: &str| !fill.tagged.iter().any(|tag| *tag.name == *name);
        let further: Vec<String> =
            stored.iter().filter(|tag| is_missing(&tag.name)).map(|tag| tag.name.to_string()).collect();
        fill.tagged.extend(tier.link.cells_of(&further));
        // This process has invalidated one of them, and the tier does not know it yet.
        if fill.tagged.iter().any(|tag| tier.link.undelivered.holds_tag(&tag.name)) {
            return Ok(false);
        }
        let version_of = |tag: &Tagged| stored.iter().find(|stored| *stored.name == *tag.name).map(|tag| tag.version);
        let doubtful: Vec<usize> = fill
            .tagged
            .iter()
            .enumerate()
            .filter(|(_, tag)| tag.version != version_of(tag) || tag.version.is_none())
            .map(|(at, _)| at)
            .collect();
        if doubtful.is_empty() {
            return Ok(true);
        }
        // What the entry lacks it will not have after asking.
        if fill.tagged.iter().any(|tag| version_of(tag).is_none()) {
            return Ok(false);
        }
        let names: Vec<String> =
            doubtful.iter().filter_map(|at| Some(fill.tagged.get(*at)?.name.to_string())).collect();
        // Anew, so that what is told while it is asked is seen.
        let mut fresh = tier.link.cells_of(&names);
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        let versions = tier.link.versions_of(&asked, budget).await?;
        for ((at, mut tag), version) in doubtful.into_iter().zip(fresh.drain(..)).zip(versions) {
            tag.version = None;
            if let Some(version) = version {
                tier.link.watch.cells.learn(&mut tag, version);
            }
            if let Some(place) = fill.tagged.get_mut(at) {
                *place = tag;
            }
        }
        Ok(fill.tagged.iter().all(|tag| tag.version.is_some() && tag.version == version_of(tag)))
    }

    /// Before a load: every tag has a version.
    pub(super) async fn prepare_tags(&self, at: Visit<'_>, fill: &mut Fill) -> Result<(), Unanswered> {
        let Visit { index, tier, budget } = at;
        if index != self.authority() || fill.tagged.iter().all(|tag| tag.version.is_some()) {
            return Ok(());
        }
        let names: Vec<String> = fill.tagged.iter().map(|tag| tag.name.to_string()).collect();
        let mut fresh = tier.link.cells_of(&names);
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        let versions = tier.link.make_versions(&asked, budget).await?;
        for (tag, version) in fresh.iter_mut().zip(versions) {
            tier.link.watch.cells.learn(tag, version);
        }
        fill.tagged = fresh;
        Ok(())
    }
}

impl Fill {
    /// What the envelope says of its tags.
    pub(super) fn versions(&self) -> Vec<TagVersion> {
        let version = |tag: &Tagged| Some(TagVersion { name: (*tag.name).into(), version: tag.version? });
        self.tagged.iter().filter_map(version).collect()
    }
}

impl Link {
    /// What is known of these tags.
    pub(super) fn cells_of(&self, names: &[String]) -> Vec<Tagged> {
        let shared = self.backend().shared();
        // What no other process changes needs no telling.
        let is_leased = self.watch.is_leased();
        let is_told =
            |tag: &str| shared.is_none_or(|shared| is_leased && self.watch.covered(shared.part_of_tag(tag)).is_any());
        self.watch.cells.of(names, is_told)
    }

    async fn versions_of(
        self: &std::sync::Arc<Self>,
        tags: &[&str],
        budget: &Budget,
    ) -> Result<Vec<Option<u64>>, Unanswered> {
        if self.is_shared() {
            return self.call_shared(budget, |shared| shared.tags(tags)).await;
        }
        let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
        let found = self.call(budget, |backend| backend.get_many(&places)).await?;
        Ok(found.into_iter().map(|bytes| version(&bytes?)).collect())
    }

    async fn make_versions(
        self: &std::sync::Arc<Self>,
        tags: &[&str],
        budget: &Budget,
    ) -> Result<Vec<u64>, Unanswered> {
        if self.is_shared() {
            return self.fill_shared(budget, |shared| shared.make_tags(tags, TAG)).await;
        }
        let mut versions = Vec::with_capacity(tags.len());
        for (tag, there) in tags.iter().zip(self.versions_of(tags, budget).await?) {
            let version = match there {
                Some(version) => version,
                None => {
                    let made = random();
                    let bytes = Bytes::copy_from_slice(&made.to_le_bytes());
                    self.fill(budget, |backend| Box::pin(async move { backend.set(&place(tag), bytes, None).await }))
                        .await?;
                    made
                }
            };
            versions.push(version);
        }
        Ok(versions)
    }

    /// The versions of these tags, which are kept where changes are told. `make`: those that are not there are made.
    pub(super) async fn learn(
        self: &std::sync::Arc<Self>,
        names: &[String],
        make: bool,
        budget: &Budget,
    ) -> Result<Vec<Tagged>, Unanswered> {
        let mut cells = self.cells_of(names);
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        let versions = match make {
            true => self.make_versions(&asked, budget).await?.into_iter().map(Some).collect(),
            false => self.versions_of(&asked, budget).await?,
        };
        for (cell, version) in cells.iter_mut().zip(versions) {
            cell.version = None;
            if let Some(version) = version {
                self.watch.cells.learn(cell, version);
            }
        }
        Ok(cells)
    }
}

/// Takes their versions away.
pub(super) fn outdate<'a>(backend: &'a dyn Backend, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
    match backend.shared() {
        Some(shared) => shared.invalidate_tags(tags),
        None => Box::pin(async move {
            let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
            backend.remove_many(&places).await
        }),
    }
}

/// Where a backend that no other process uses has the version of a tag: beside the entries, as one of a cache without a name.
fn place(tag: &str) -> Address {
    Address::new("", &identity::text::cache_name(tag), Fingerprint(0))
}

fn version(bytes: &Bytes) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)).filter(|version| *version != 0)
}

/// Not zero, and no number that anyone has had.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now()) | 1
}
