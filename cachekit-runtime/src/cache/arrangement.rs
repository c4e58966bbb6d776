//! Which tiers a cache has now: those that the code declares, of which settings may leave out some, or have some elsewhere.

use super::{
    Core, Setting,
    besides::{WATCHED, WATCHED_ANEW},
    entry::More,
    levels::Levels,
    setting::{Change, Whereabouts},
};
use crate::{
    config,
    far::{Far, Near, Parts, Placed, Rearranged, Watch},
    key::Key,
    memory::Removed,
    outcome::Tier,
    output::Value,
    sync::lock,
};
use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What tells of changes, once that is another than at first.
type Moved = Option<Option<Arc<Watch>>>;

pub(super) struct Arrangement<V> {
    /// `None`: no call has needed it yet.
    now: RwLock<Option<Arranged<V>>>,
    /// Tells what others change, if this cache keeps copies of that: of the tiers that it had first. What a hit asks.
    first: OnceLock<Arc<Watch>>,
    has_moved: AtomicBool,
    moved: RwLock<Moved>,
    /// Settings have switched the memory off.
    is_memory_off: AtomicBool,
    /// How often its places have become others.
    number: AtomicU64,
}

struct Arranged<V> {
    far: Option<Arc<Far<V>>>,
    /// All that were opened so far, also those that are not used any more.
    opened: Vec<Placed>,
    timeout: Duration,
    revalidate: Duration,
    /// Of `opened`.
    used: Vec<usize>,
}

impl<V> Arrangement<V> {
    pub(super) fn new() -> Self {
        Arrangement {
            now: RwLock::new(None),
            first: OnceLock::new(),
            has_moved: AtomicBool::new(false),
            moved: RwLock::new(None),
            is_memory_off: AtomicBool::new(false),
            number: AtomicU64::new(0),
        }
    }

    /// The tiers that a call has needed.
    pub(super) fn open(&self) -> Option<Arc<Far<V>>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.far.clone()
    }

    pub(super) fn is_memory_off(&self) -> bool {
        self.is_memory_off.load(Ordering::Acquire)
    }

    /// What a hit asks of a cache whose places have always been the same.
    #[inline]
    pub(super) fn is_first_unleased(&self) -> bool {
        self.first.get().is_some_and(|watch| !watch.is_leased())
    }

    #[inline]
    pub(super) fn is_unleased(&self) -> bool {
        if !self.has_moved.load(Ordering::Acquire) {
            return self.is_first_unleased();
        }
        self.watching().is_some_and(|watch| !watch.is_leased())
    }

    /// Is what this tells still about the tiers of the cache?
    pub(super) fn is_watched_by(&self, watch: &Arc<Watch>) -> bool {
        !self.has_moved.load(Ordering::Acquire) || self.watching().is_some_and(|now| Arc::ptr_eq(&now, watch))
    }

    pub(super) fn watching(&self) -> Option<Arc<Watch>> {
        if !self.has_moved.load(Ordering::Acquire) {
            return self.first.get().cloned();
        }
        self.moved.read().unwrap_or_else(PoisonError::into_inner).clone().flatten()
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// `None`: it has none, or none that can be used.
    #[inline]
    pub(super) fn far(&self) -> Option<Arc<Far<V>>> {
        if !self.settings.far.is_far() {
            return None;
        }
        let now = self.far_tiers.arrangement.now.read().unwrap_or_else(PoisonError::into_inner);
        match &*now {
            Some(arranged) => arranged.far.clone(),
            None => {
                drop(now);
                self.open_far()
            }
        }
    }

    #[cold]
    fn open_far(&self) -> Option<Arc<Far<V>>> {
        let levels = lock(&self.live.levels);
        let mut now = self.far_tiers.arrangement.now.write().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() {
            let arranged = self.arranged(&levels, None);
            self.begin(&arranged);
            *now = Some(arranged);
        }
        now.as_ref().and_then(|arranged| arranged.far.clone())
    }

    /// Settings about tiers may have changed.
    pub(super) fn arrange(&self, levels: &Levels, out: &mut Removed<K, V, More>) {
        if !self.settings.far.is_far() {
            return;
        }
        let arrangement = &self.far_tiers.arrangement;
        let is_memory_off = self.is_off(levels, Tier::Memory);
        let has_memory_changed = arrangement.is_memory_off.swap(is_memory_off, Ordering::AcqRel) != is_memory_off;
        let mut now = arrangement.now.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_other = has_memory_changed;
        if let Some(before) = now.take() {
            let next = self.arranged(levels, Some(&before));
            is_other |= next.used != before.used;
            self.begin(&next);
            *now = Some(next);
        }
        drop(now);
        if is_other {
            arrangement.number.fetch_add(1, Ordering::AcqRel);
            // Copies of what the tiers of before had. What is being loaded or stored from there is not kept either.
            self.clear_into(out);
        }
    }

    fn arranged(&self, levels: &Levels, before: Option<&Arranged<V>>) -> Arranged<V> {
        let (settings, isolated) = (&self.settings.far, self.far_tiers.is_isolated);
        let mut opened: Vec<Placed> = before.map(|before| before.opened.clone()).unwrap_or_default();
        let (mut used, mut silent) = (Vec::new(), Vec::new());
        for (place, kind) in settings.kinds().enumerate() {
            let mut open = |elsewhere: Option<&str>| {
                let is_it = |placed: &Placed| placed.place == place && placed.elsewhere.as_deref() == elsewhere;
                opened.iter().position(is_it).or_else(|| {
                    opened.push(settings.link(place, elsewhere, &self.clock, isolated)?);
                    Some(opened.len() - 1)
                })
            };
            let there = self.whereabouts(levels, kind);
            // The one that the code means is told of invalidations also while another is used, or none.
            let declared = match there {
                Whereabouts::Declared => open(None),
                _ => settings.is_described(place).then(|| open(None)).flatten(),
            };
            match there {
                Whereabouts::Declared => used.extend(declared),
                Whereabouts::At(elsewhere) => used.extend(open(Some(elsewhere))),
                Whereabouts::Off => {}
            }
        }
        for (index, placed) in opened.iter().enumerate() {
            let is_used = |at: &usize| opened.get(*at).is_some_and(|used| Arc::ptr_eq(&used.link, &placed.link));
            if !used.contains(&index) && !used.iter().any(is_used) {
                silent.push((placed.link.clone(), placed.kind));
            }
        }
        let timeout = match levels.in_force(Setting::Timeout) {
            Some(Change::Timeout(timeout)) => *timeout,
            _ => settings.timeout,
        };
        let revalidate = self.stale_while_revalidate();
        let links = used.iter().filter_map(|at| opened.get(*at)).map(|placed| (placed.link.clone(), placed.kind));
        let far = match before {
            Some(before) if before.used == used && (before.timeout, before.revalidate) == (timeout, revalidate) => {
                before.far.clone()
            }
            Some(Arranged { far: Some(far), .. }) => {
                Some(far.rearranged(Rearranged { links: links.collect(), silent, timeout, revalidate }))
            }
            _ => self.new_far(links.collect(), silent, timeout),
        };
        Arranged { far, opened, timeout, revalidate, used }
    }

    fn new_far(
        &self,
        links: Vec<(Arc<crate::far::Link>, Tier)>,
        silent: Vec<(Arc<crate::far::Link>, Tier)>,
        timeout: Duration,
    ) -> Option<Arc<Far<V>>> {
        let settings = &self.settings.far;
        if links.is_empty() && silent.is_empty() {
            return None;
        }
        Some(Far::new(Parts {
            name: self.settings.name.clone().into_owned(),
            links,
            silent,
            codec: settings.codec.clone()?,
            version: (self.settings.version != 0).then_some(self.settings.version),
            compress: settings.compress,
            timeout,
            lock: settings.lock,
            near_ttl: settings.near_ttl.clone().unwrap_or_else(|| Arc::new(|_| None)),
            max_value_bytes: config::limits().max_value_bytes,
            tag_templates: settings.tag_templates,
            revalidate: self.stale_while_revalidate(),
            gives_softened: self.settings.gives_softened,
            clock: self.clock.clone(),
        }))
    }

    /// From now on its tiers are these.
    fn begin(&self, arranged: &Arranged<V>) {
        let far = arranged.far.as_ref();
        if let Some(far) = far
            && (self.far_tiers.has_tags()
                || self.settings.tags_of.is_some()
                || !self.settings.far.tag_templates.is_empty())
        {
            self.far_tiers.note_tags();
            self.tell_of_tags(far);
        }
        let watch = far.filter(|_| self.is_near()).and_then(|far| Some((far, far.watch()?)));
        if let Some((far, watch)) = watch {
            let near: Weak<dyn Near> = self.far_tiers.core.clone();
            watch.enlist(far.name(), far.generation_part(), near);
        }
        self.watch_by(watch.map(|(_, watch)| watch.clone()));
    }

    fn watch_by(&self, watch: Option<Arc<Watch>>) {
        let arrangement = &self.far_tiers.arrangement;
        let before = arrangement.watching();
        match (&before, &watch) {
            (None, None) => return,
            (Some(before), Some(watch)) if Arc::ptr_eq(before, watch) => return,
            (None, Some(watch)) if arrangement.first.get().is_none() => {
                // Once: it is called under a lock.
                let _ = arrangement.first.set(watch.clone());
                return self.besides.begin(WATCHED);
            }
            (_, Some(watch)) if arrangement.first.get().is_some_and(|first| Arc::ptr_eq(first, watch)) => {
                // As it was at first: hits ask what they asked then.
                self.besides.begin(WATCHED);
                arrangement.has_moved.store(false, Ordering::Release);
                *arrangement.moved.write().unwrap_or_else(PoisonError::into_inner) = None;
                return self.besides.end(WATCHED_ANEW);
            }
            _ => {}
        }
        let is_watched = watch.is_some();
        *arrangement.moved.write().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        arrangement.has_moved.store(true, Ordering::Release);
        self.besides.end(WATCHED);
        if is_watched {
            self.besides.begin(WATCHED_ANEW);
        } else {
            self.besides.end(WATCHED_ANEW);
        }
    }
}

impl<K, V> Core<K, V> {
    /// Those that the code declares.
    pub(super) fn declared_tiers(&self) -> impl Iterator<Item = Tier> {
        let far = &self.settings.far;
        far.kinds().chain(far.near.then_some(Tier::Memory))
    }

    pub(super) fn is_off(&self, levels: &Levels, tier: Tier) -> bool {
        matches!(self.whereabouts(levels, tier), Whereabouts::Off)
    }

    /// A cache keeps one tier at least. A configuration leaves one, and so does each change in use when it is made; where both together leave none, because
    /// one of them has become another since, the configuration counts alone.
    fn whereabouts<'l>(&self, levels: &'l Levels, tier: Tier) -> &'l Whereabouts {
        let in_force = |tier| place(levels.in_force(Setting::Tier(tier)));
        let leave_none = self.declared_tiers().all(|tier| matches!(in_force(tier), Whereabouts::Off));
        if leave_none { place(levels.configured(Setting::Tier(tier))) } else { in_force(tier) }
    }

    /// Whether values are kept in the memory of this process.
    #[inline]
    pub(super) fn is_near(&self) -> bool {
        self.settings.far.near && !self.far_tiers.arrangement.is_memory_off()
    }

    /// Which of its arrangements this is.
    #[inline]
    pub(super) fn arrangement(&self) -> u64 {
        self.far_tiers.arrangement.number.load(Ordering::Acquire)
    }

    /// Is it still this one, and are values kept in memory?
    #[inline]
    pub(super) fn is_near_in(&self, arrangement: u64) -> bool {
        self.arrangement() == arrangement && !self.far_tiers.arrangement.is_memory_off()
    }
}

fn place(said: Option<&Change>) -> &Whereabouts {
    match said {
        Some(Change::Tier(_, whereabouts)) => whereabouts,
        _ => &Whereabouts::Declared,
    }
}
