//! Who has said what of the settings of a cache, and putting in force what counts.
//!
//! What counts stands in atomics, a policy and a bound beside this, so that calls ask nothing here.

use super::{
    Core, Setting,
    live::{AS_BUILT, stored},
    setting::Change,
};
use crate::{
    changes::CHANGES,
    key::Key,
    memory::{Bound, Removed},
    output::Value,
    sync::lock,
    time::{NEVER, nanos},
};
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// What was said beside the code.
#[derive(Default)]
pub(crate) struct Levels {
    live: BTreeMap<Setting, Change>,
    #[cfg(all(feature = "config", feature = "registry"))]
    configured: BTreeMap<Setting, Configured>,
    /// Of the configuration that was applied last.
    #[cfg(all(feature = "config", feature = "registry"))]
    version: u64,
}

/// What a configuration says of one setting, and where.
#[cfg(all(feature = "config", feature = "registry"))]
#[derive(Debug, Clone)]
pub(crate) struct Configured {
    pub(crate) change: Change,
    pub(crate) source: crate::registry::Source,
}

impl Levels {
    /// What counts; `None`: what the code says.
    pub(crate) fn in_force(&self, setting: Setting) -> Option<&Change> {
        self.live.get(&setting).or_else(|| self.configured(setting))
    }

    /// What the configuration says; `None`: nothing.
    #[cfg(all(feature = "config", feature = "registry"))]
    pub(crate) fn configured(&self, setting: Setting) -> Option<&Change> {
        self.configured.get(&setting).map(|configured| &configured.change)
    }

    /// There is none.
    #[cfg(not(all(feature = "config", feature = "registry")))]
    pub(crate) fn configured(&self, _: Setting) -> Option<&Change> {
        None
    }

    #[cfg(feature = "registry")]
    pub(crate) fn source(&self, setting: Setting) -> crate::registry::Source {
        if self.live.contains_key(&setting) {
            return crate::registry::Source::Live;
        }
        #[cfg(feature = "config")]
        if let Some(configured) = self.configured.get(&setting) {
            return configured.source;
        }
        crate::registry::Source::Code
    }
}

impl<K: Key, V: Value> Core<K, V> {
    /// Somebody changes the setting of the cache in use.
    pub(super) fn change(&self, change: Change) {
        let mut out = Removed::new();
        {
            let mut levels = lock(&self.live.levels);
            let setting = change.setting();
            levels.live.insert(setting, change);
            self.put_in_force(&levels, setting, &mut out);
        }
        // Listeners may change something themselves.
        self.all_gone(out);
    }

    /// What was changed in use counts no more.
    pub(super) fn take_back(&self, setting: Setting) {
        let mut out = Removed::new();
        {
            let mut levels = lock(&self.live.levels);
            if levels.live.remove(&setting).is_some() {
                self.put_in_force(&levels, setting, &mut out);
            }
        }
        self.all_gone(out);
    }

    /// The configuration of that version says this, unless a later one has been applied already. Returns what is another than before.
    #[cfg(all(feature = "config", feature = "registry"))]
    pub(super) fn configure(&self, version: u64, configured: BTreeMap<Setting, Configured>) -> Vec<Setting> {
        let mut out = Removed::new();
        let changed = {
            let mut levels = lock(&self.live.levels);
            if version < levels.version {
                return Vec::new();
            }
            levels.version = version;
            let before = std::mem::replace(&mut levels.configured, configured);
            let is_other = |setting: &Setting| match (before.get(setting), levels.configured.get(setting)) {
                (Some(before), Some(now)) => !before.change.is_same(&now.change),
                (before, now) => before.is_some() || now.is_some(),
            };
            let changed: Vec<Setting> = Setting::ALL.into_iter().filter(is_other).collect();
            for setting in &changed {
                // Of tiers it may count beside a change in use.
                if !levels.live.contains_key(setting) || matches!(setting, Setting::Tier(_)) {
                    self.put_in_force(&levels, *setting, &mut out);
                }
            }
            changed
        };
        self.all_gone(out);
        changed
    }

    fn put_in_force(&self, levels: &Levels, setting: Setting, out: &mut Removed<K, V, super::entry::More>) {
        let change = levels.in_force(setting);
        let (live, allowed, built) = (&self.live, &self.allowed, &self.settings);
        match (setting, change) {
            (Setting::Ttl, Some(Change::Ttl(ttl))) => {
                if ttl.is_some() {
                    self.become_timed();
                }
                live.ttl.store(stored(*ttl), Ordering::Release);
            }
            (Setting::Ttl, _) => live.ttl.store(AS_BUILT, Ordering::Release),
            (Setting::Idle, change) => {
                let idle = if let Some(Change::Idle(idle)) = change { *idle } else { built.idle };
                if idle.is_some() {
                    self.become_timed();
                }
                // A change for all hits: one by what was compared before would be no use of its entry.
                CHANGES.make(|| allowed.idle.store(idle.map_or(NEVER, nanos), Ordering::Relaxed));
            }
            (Setting::StaleWhileRevalidate, change) => {
                let time = match change {
                    Some(Change::StaleWhileRevalidate(time)) => *time,
                    _ => built.stale_while_revalidate,
                };
                if !time.is_zero() {
                    self.become_timed();
                }
                allowed.revalidate.store(nanos(time), Ordering::Relaxed);
                self.arrange(levels, out);
            }
            (Setting::StaleIfError, change) => {
                let time = if let Some(Change::StaleIfError(time)) = change { *time } else { built.stale_if_error };
                if !time.is_zero() {
                    self.become_timed();
                }
                allowed.if_error.store(nanos(time), Ordering::Relaxed);
            }
            (Setting::Capacity, change) if built.max_weight.is_none() => {
                let entries = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
                let most = match change {
                    Some(Change::Capacity(most)) => most.map(entries),
                    _ => built.capacity,
                };
                self.put_bound(most.map_or(Bound::Unbounded, Bound::Entries), out);
            }
            (Setting::MaxBytes, change) => {
                if let Some(as_built) = built.max_weight {
                    let most = if let Some(Change::MaxBytes(most)) = change { *most } else { as_built };
                    self.put_bound(Bound::Weight(most), out);
                }
            }
            (Setting::Strategy, change) => {
                let strategy = if let Some(Change::Strategy(strategy)) = change { strategy } else { &built.strategy };
                let mut current = live.lock_strategy();
                let first = self.adapt_to(strategy);
                self.table.set_policy(first.factory());
                *current = strategy.clone();
            }
            (Setting::Enabled, change) => {
                live.is_enabled.store(!matches!(change, Some(Change::Enabled(false))), Ordering::Release);
                self.close_or_open();
            }
            (Setting::DryRun, change) => {
                live.set_dry_run(matches!(change, Some(Change::DryRun(true))));
                self.close_or_open();
            }
            (Setting::SoftLoadTimeout, change) => {
                let time = match change {
                    Some(Change::SoftLoadTimeout(time)) => *time,
                    _ => built.load_timeout_soft,
                };
                live.soft_load_timeout.store(stored(time), Ordering::Relaxed);
            }
            (Setting::HardLoadTimeout, change) => {
                let time = match change {
                    Some(Change::HardLoadTimeout(time)) => *time,
                    _ => built.load_timeout_hard,
                };
                live.hard_load_timeout.store(stored(time), Ordering::Relaxed);
            }
            (Setting::Timeout | Setting::Tier(_), _) => self.arrange(levels, out),
            (Setting::Capacity, _) => {}
        }
    }

    fn put_bound(&self, bound: Bound, out: &mut Removed<K, V, super::entry::More>) {
        self.table.set_bound(bound, out);
        self.adapt_capacity();
    }
}
