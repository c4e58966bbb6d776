//! The tags of entries in far tiers: their versions are captured before a load, kept in the envelope, and compared at every look.
//!
//! The versions are those of the tier that processes share, if there is one, else of the furthest. What this process knows of them it need not ask for, but
//! a version that does not agree is asked for before it counts: another may have been made meanwhile, which this process was not told yet.

use super::{
    Far,
    cells::{Asked, Tagged},
    fill::Fill,
    freshness,
    link::{Link, Unanswered},
    tag_entries::{bytes_of, place, version},
    traced::Verb,
    visit::Visit,
};
use crate::{
    backend::{self, Address, BackendFuture},
    budget::Budget,
    envelope::TagVersion,
    tags::Version,
    time::nanos,
};
use bytes::Bytes;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// What the versions of an entry's tags say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    Current,
    /// It has been stale for so long, in nanoseconds.
    Stale(u64),
    Outdated,
}

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
    ///
    /// What has become stale is not invalid: it may be given for a while.
    pub(super) async fn agree(
        &self,
        at: Visit<'_>,
        fill: &mut Fill,
        stored: &[TagVersion],
    ) -> Result<Agreement, Unanswered> {
        let Visit { index, tier, budget } = at;
        if index != self.authority() {
            return Ok(Agreement::Current);
        }
        // A look by key alone does not know the tags that the function gave.
        let is_missing = |name: &str| !fill.tagged.iter().any(|tag| *tag.name == *name);
        let further: Vec<String> =
            stored.iter().filter(|tag| is_missing(&tag.name)).map(|tag| tag.name.to_string()).collect();
        fill.tagged.extend(tier.link.cells_of(&further));
        // This process has invalidated one of them, and the tier does not know it yet.
        if fill.tagged.iter().any(|tag| tier.link.undelivered.holds_tag(&tag.name)) {
            return Ok(Agreement::Outdated);
        }
        let version_of = |tag: &Tagged| {
            let stored = stored.iter().find(|stored| *stored.name == *tag.name)?;
            Some(Version { hard: stored.version, soft: stored.soft })
        };
        let doubtful: Vec<usize> = fill
            .tagged
            .iter()
            .enumerate()
            .filter(|(_, tag)| tag.version != version_of(tag) || tag.version.is_none())
            .map(|(at, _)| at)
            .collect();
        if doubtful.is_empty() {
            return Ok(Agreement::Current);
        }
        // What the entry lacks it will not have after asking.
        if fill.tagged.iter().any(|tag| version_of(tag).is_none()) {
            return Ok(Agreement::Outdated);
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
        let mut agreement = Agreement::Current;
        for tag in &fill.tagged {
            let (Some(now), Some(stored)) = (tag.version, version_of(tag)) else { return Ok(Agreement::Outdated) };
            if now == stored {
                continue;
            }
            let since = if now.hard == stored.hard { tag.stale_since(stored.soft) } else { None };
            let Some(since) = since else { return Ok(Agreement::Outdated) };
            let age = tier.link.clock.now().saturating_sub(since);
            agreement = match agreement {
                Agreement::Stale(before) => Agreement::Stale(before.max(age)),
                _ => Agreement::Stale(age),
            };
        }
        Ok(agreement)
    }

    /// Before a load: every tag has a version.
    pub(super) async fn prepare_tags(&self, at: Visit<'_>, fill: &mut Fill) -> Result<(), Unanswered> {
        if at.index != self.authority() || fill.tagged.iter().all(|tag| tag.version.is_some()) {
            return Ok(());
        }
        let names: Vec<String> = fill.tagged.iter().map(|tag| tag.name.to_string()).collect();
        fill.tagged = at.tier.link.learn(&names, true, at.budget).await?;
        Ok(())
    }

    /// The tags with their versions of now, for a value that is made after this by other means than a load. `None`: they cannot be known.
    pub(crate) async fn capture(&self, tags: &[String]) -> Option<Vec<Tagged>> {
        let tagged = self.tagged(tags);
        if tagged.iter().all(|tag| tag.version.is_some()) {
            return Some(tagged);
        }
        self.tiers.get(self.authority())?.link.learn(tags, true, &self.budget()).await.ok()
    }
}

impl Fill {
    /// What the envelope says of its tags.
    pub(super) fn versions(&self) -> Vec<TagVersion> {
        let version = |tag: &Tagged| {
            let Version { hard, soft } = tag.version?;
            Some(TagVersion { name: (*tag.name).into(), version: hard, soft })
        };
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
    ) -> Result<Vec<Option<Asked>>, Unanswered> {
        let found: Vec<Option<backend::Version>> = if self.is_shared() {
            self.call_shared(Verb::Tags, budget, |shared| shared.tags(tags)).await?
        } else {
            let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
            let found = self.call(Verb::GetMany, budget, |backend| backend.get_many(&places)).await?;
            found.into_iter().map(|bytes| version(&bytes?)).collect()
        };
        Ok(tags.iter().zip(found).map(|(tag, version)| Some(self.asked(tag, version?))).collect())
    }

    /// The times of the soft versions by our clock.
    fn asked(&self, tag: &str, version: backend::Version) -> Asked {
        let ahead = self.backend().shared().map_or(0, |shared| shared.ahead_of_tag(tag));
        let (wall, now) = (freshness::now(&self.clock, ahead), self.clock.now());
        let local = |soft: u64| {
            let ago = Duration::from_millis(wall.saturating_sub(soft >> 16));
            (soft, now.saturating_sub(nanos(ago)))
        };
        Asked { hard: version.hard, softened: version.softened.into_iter().map(local).collect() }
    }

    async fn make_versions(
        self: &std::sync::Arc<Self>,
        tags: &[&str],
        budget: &Budget,
    ) -> Result<Vec<Asked>, Unanswered> {
        if self.is_shared() {
            let made = self.fill_shared(Verb::MakeTags, budget, |shared| shared.make_tags(tags, TAG)).await?;
            return Ok(tags.iter().zip(made).map(|(tag, version)| self.asked(tag, version)).collect());
        }
        let mut versions = Vec::with_capacity(tags.len());
        for (tag, there) in tags.iter().zip(self.versions_of(tags, budget).await?) {
            let version = match there {
                Some(version) => version,
                None => {
                    let made = random();
                    let bytes = Bytes::copy_from_slice(&made.to_le_bytes());
                    self.fill(Verb::Set, budget, |backend| {
                        Box::pin(async move { backend.set(&place(tag), bytes, None).await })
                    })
                    .await?;
                    self.asked(tag, backend::Version::new(made))
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
pub(super) fn outdate<'a>(link: &'a Link, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
    let backend = link.backend();
    match backend.shared() {
        Some(shared) => shared.invalidate_tags(tags),
        None => Box::pin(async move {
            let _turn = link.tags_turn.lock().await;
            let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
            backend.remove_many(&places).await
        }),
    }
}

/// Makes them stale. A backend of this process alone has the time from this machine.
pub(super) fn soften<'a>(link: &'a Link, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
    let backend = link.backend();
    match backend.shared() {
        Some(shared) => shared.soften_tags(tags),
        None => Box::pin(async move {
            // What is read, changed and written here must not bring back what was invalidated in between.
            let _turn = link.tags_turn.lock().await;
            for tag in tags {
                let place = place(tag);
                if let Some(known) = backend.get(&place).await?.and_then(|bytes| version(&bytes)) {
                    let softened = known.softened_at(freshness::now(&link.clock, 0), random() as u16);
                    backend.set(&place, bytes_of(&softened), None).await?;
                }
            }
            Ok(())
        }),
    }
}

/// Not zero, and no number that anyone has had.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now()) | 1
}
