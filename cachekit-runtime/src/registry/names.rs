//! Who has which name.

use super::{AnyCache, Conflict, Place};
use crate::sync::lock;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// A cache that is there or not.
pub(crate) trait Slot: Send + Sync {
    fn upgrade(&self, name: Arc<str>, place: Place) -> Option<Arc<dyn AnyCache>>;

    /// The configuration of that version says this of the cache. Returns what is another than before.
    #[cfg(feature = "config")]
    fn configure(
        &self,
        version: u64,
        configured: BTreeMap<crate::cache::Setting, crate::cache::Configured>,
    ) -> Vec<crate::cache::Setting>;
}

static NAMES: Mutex<Names> = Mutex::new(Names { groups: BTreeMap::new(), conflicts: Vec::new() });

// Nothing of a user's runs, and no cache is dropped, under the lock of this.
struct Names {
    groups: BTreeMap<Arc<str>, Group>,
    conflicts: Vec<Conflict>,
}

/// The caches that one line of code has built under one name.
struct Group {
    place: Place,
    members: BTreeMap<u32, (Arc<str>, Arc<dyn Slot>)>,
    /// Numbers that have become free, all below `next`.
    free: BTreeSet<u32>,
    next: u32,
}

/// While it lives the cache has its name.
pub(crate) struct Registered {
    /// With the number, if it has one.
    #[cfg(feature = "metrics")]
    name: Arc<str>,
    /// Group and number; or who else has the name.
    place: Result<(Arc<str>, u32), Conflict>,
}

impl Registered {
    pub(crate) fn conflict(&self) -> Option<&Conflict> {
        self.place.as_ref().err()
    }

    /// As the registry knows it, if it does.
    #[cfg(feature = "config")]
    pub(super) fn registered_name(&self) -> Option<String> {
        let (group, number) = self.place.as_ref().ok()?;
        Some(if *number == 1 { group.to_string() } else { format!("{group}#{number}") })
    }
}

#[cfg(feature = "metrics")]
impl Registered {
    /// Of a cache that is in the registry, a load has ended.
    pub(crate) fn load_time(&self, nanos: u64) {
        if self.place.is_ok() {
            crate::metrics::load_time(&self.name, nanos);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Ok((name, number)) = &self.place {
            let gone = lock(&NAMES).remove(name, *number);
            drop(gone);
        }
    }
}

/// As names are kept: what stands between angle brackets in Rust is no HTML, and no redirection in a shell.
pub(super) fn normalized(name: &str) -> String {
    name.replace('<', "‹").replace('>', "›")
}

pub(super) fn add(name: String, place: Place, slot: Arc<dyn Slot>) -> Registered {
    let registered = lock(&NAMES).add(&name, place, slot);
    if let Some(conflict) = registered.conflict() {
        tracing::error!("{conflict}");
    }
    registered
}

pub(super) fn all() -> Vec<Arc<dyn AnyCache>> {
    let slots: Vec<_> = {
        let names = lock(&NAMES);
        let slots = names
            .groups
            .values()
            .flat_map(|group| group.members.values().map(|(name, slot)| (name.clone(), group.place, slot.clone())));
        slots.collect()
    };
    slots.into_iter().filter_map(|(name, place, slot)| slot.upgrade(name, place)).collect()
}

/// All that there are, with what configures them.
#[cfg(feature = "config")]
pub(crate) fn slots() -> Vec<(Arc<dyn AnyCache>, Arc<dyn Slot>)> {
    let slots: Vec<_> = {
        let names = lock(&NAMES);
        let of = |group: &Group| {
            let place = group.place;
            group.members.values().map(move |(name, slot)| (name.clone(), place, slot.clone())).collect::<Vec<_>>()
        };
        names.groups.values().flat_map(of).collect()
    };
    slots.into_iter().filter_map(|(name, place, slot)| Some((slot.upgrade(name, place)?, slot))).collect()
}

/// The one of that name.
#[cfg(feature = "config")]
pub(crate) fn find_slot(name: &str) -> Option<(Arc<dyn AnyCache>, Arc<dyn Slot>)> {
    let (name, place, slot) = lock(&NAMES).find(name)?;
    Some((slot.upgrade(name, place)?, slot))
}

/// Is there any?
#[cfg(feature = "config")]
pub(crate) fn has_any() -> bool {
    !lock(&NAMES).groups.is_empty()
}

pub(super) fn find(name: &str) -> Option<Arc<dyn AnyCache>> {
    let (name, place, slot) = lock(&NAMES).find(&normalized(name))?;
    slot.upgrade(name, place)
}

pub(super) fn conflicts() -> Vec<Conflict> {
    lock(&NAMES).conflicts.clone()
}

impl Names {
    fn add(&mut self, name: &str, place: Place, slot: Arc<dyn Slot>) -> Registered {
        let group: Arc<str> = name.into();
        let members = self.groups.entry(group.clone()).or_insert_with(|| Group {
            place,
            members: BTreeMap::new(),
            free: BTreeSet::new(),
            next: 1,
        });
        if members.place != place {
            let conflict = Conflict { name: name.to_owned(), first: members.place, second: place };
            if !self.conflicts.contains(&conflict) {
                self.conflicts.push(conflict.clone());
            }
            return Registered {
                #[cfg(feature = "metrics")]
                name: group,
                place: Err(conflict),
            };
        }
        let number = members.free.pop_first().unwrap_or_else(|| {
            members.next += 1;
            members.next - 1
        });
        let name: Arc<str> = if number == 1 { group.clone() } else { format!("{group}#{number}").into() };
        members.members.insert(number, (Arc::clone(&name), slot));
        Registered {
            #[cfg(feature = "metrics")]
            name,
            place: Ok((group, number)),
        }
    }

    fn remove(&mut self, name: &str, number: u32) -> Option<Arc<dyn Slot>> {
        let group = self.groups.get_mut(name)?;
        let gone = group.members.remove(&number).map(|(_, slot)| slot);
        group.free.insert(number);
        if group.members.is_empty() {
            self.groups.remove(name);
        }
        gone
    }

    fn find(&self, name: &str) -> Option<(Arc<str>, Place, Arc<dyn Slot>)> {
        let member = |group: &str, number: u32| {
            let group = self.groups.get(group)?;
            let (name, slot) = group.members.get(&number)?;
            Some((name.clone(), group.place, slot.clone()))
        };
        member(name, 1).or_else(|| {
            let (group, number) = name.rsplit_once('#')?;
            member(group, number.parse().ok()?)
        })
    }
}
