use super::{
    registry::{MIN_USES, SHARDS},
    set::MAX_TAGS,
    *,
};
use crate::sync::lock;
use proptest::prelude::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("tag:{number}")).collect()
}

#[test]
fn an_invalidation_after_the_capture_outdates_the_set() {
    let registry = TagRegistry::new();
    assert!(!registry.invalidate("user:1"), "nobody holds it");
    let Some(set) = TagSet::capture(&registry, ["user:1", "team:7"]) else { panic!("two tags were given") };
    assert!(set.is_current() && set.len() == 2);
    assert!(!registry.invalidate("user:2") && set.is_current());
    assert!(registry.invalidate("team:7"));
    assert!(!set.is_current());
    let Some(fresh) = TagSet::capture(&registry, ["user:1", "team:7"]) else { panic!("two tags were given") };
    assert!(fresh.is_current() && !set.is_current());
}

#[test]
fn who_has_compared_sees_the_next_change_of_each_kind() {
    let registry = TagRegistry::new();
    let held = |name| {
        let Some(set) = TagSet::capture(&registry, [name]) else { panic!("a tag was given") };
        assert!(set.is_current() && set.is_current());
        set
    };
    let [hard, soft] = ["hard", "soft"].map(held);
    registry.invalidate("hard");
    registry.soften("soft", 7);
    assert_eq!([&hard, &soft].map(TagSet::state), [Tags::Outdated, Tags::Soft(7)]);
    #[cfg(feature = "backend")]
    {
        let names = ["forgotten", "learned", "all"];
        let cells = names.map(|name| registry.cell(name));
        let learn = |at: usize, hard| registry.learn(names[at], &cells[at], hard, Vec::new(), cells[at].told());
        (0..3).for_each(|at| learn(at, 8));
        let [forgotten, learned, all] = names.map(held);
        learn(1, 9);
        registry.forget("forgotten");
        assert_eq!(learned.state(), Tags::Outdated);
        assert!(!forgotten.is_current() && all.is_current());
        registry.forget_all();
        assert!(!all.is_current());
    }
}

#[test]
fn no_tags_are_no_set_and_repeated_ones_count_once() {
    let registry = TagRegistry::new();
    assert!(TagSet::capture(&registry, [""; 0]).is_none());
    assert_eq!(TagSet::capture(&registry, ["a", "b", "a"]).map(|set| set.len()), Some(2));
}

#[test]
fn more_tags_than_allowed_are_never_current() {
    let registry = TagRegistry::new();
    assert!(TagSet::capture(&registry, names(MAX_TAGS)).is_some_and(|set| set.is_current()));
    assert!(TagSet::capture(&registry, names(MAX_TAGS + 1)).is_some_and(|set| !set.is_current()));
}

#[test]
fn a_cell_is_the_only_one_of_its_name_while_it_is_held() {
    let registry = TagRegistry::new();
    let cell = registry.cell("a");
    // Enough other names, all of them dead at once, that every shard is swept.
    names(10_000).iter().for_each(|name| drop(registry.cell(name)));
    assert!(Arc::ptr_eq(&cell, &registry.cell("a")));
    let set = TagSet::capture(&registry, ["a"]);
    drop(cell);
    names(10_000).iter().for_each(|name| drop(registry.cell(name)));
    assert!(registry.invalidate("a") && set.is_some_and(|set| !set.is_current()));
    assert!(!registry.invalidate("a"), "freed with its last set");
}

#[test]
fn the_registry_forgets_dead_names() {
    let registry = TagRegistry::new();
    let live: Vec<_> = names(1_000).iter().map(|name| registry.cell(name)).collect();
    for number in 0..100_000 {
        drop(registry.cell(&format!("dead:{number}")));
    }
    assert!(registry.len() <= 2 * live.len() + SHARDS * MIN_USES, "{}", registry.len());
    drop(live);
    // Lookups alone, without a new name, sweep as well.
    (0..100_000).for_each(|number| _ = registry.invalidate(&format!("dead:{number}")));
    assert_eq!(registry.len(), 0);
    let room: usize = registry.shards.iter().map(|shard| lock(shard).cells.capacity()).sum();
    assert!(room <= SHARDS * MIN_USES, "{room}");
}

#[test]
fn what_was_captured_before_a_change_is_outdated_after_its_invalidation() {
    // The writer changes the source and then invalidates; the loader captures, then reads the source. A set that is still current must not
    // belong to a value from before the last invalidation that has finished.
    let registry = TagRegistry::new();
    let (source, finished, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=20_000 {
                source.store(value, Ordering::Relaxed);
                registry.invalidate("hot");
                finished.store(value, Ordering::Release);
            }
            stop.store(true, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                // Cells come and go with the sets, which is where a recreated cell could be mistaken for an old one.
                while !stop.load(Ordering::Acquire) {
                    let set = TagSet::capture(&registry, ["hot"]);
                    let value = source.load(Ordering::Relaxed);
                    let known = finished.load(Ordering::Acquire);
                    if set.is_some_and(|set| set.is_current()) {
                        assert!(value >= known, "current with {value}, but {known} was invalidated");
                    }
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn equals_a_model(steps in prop::collection::vec((0u8..3, 0usize..4, 0usize..4), 1..200)) {
        let registry = TagRegistry::new();
        let mut sets: Vec<(Option<TagSet>, [usize; 2], bool)> = Vec::new();
        for (action, a, b) in steps {
            let name = |number: usize| format!("tag:{number}");
            match action {
                0 => sets.push((TagSet::capture(&registry, [name(a), name(b)]), [a, b], true)),
                1 => {
                    let held = sets.iter().any(|(_, tags, _)| tags.contains(&a));
                    prop_assert_eq!(registry.invalidate(&name(a)), held);
                    sets.iter_mut().filter(|set| set.1.contains(&a)).for_each(|set| set.2 = false);
                }
                _ if sets.is_empty() => {}
                _ => drop(sets.swap_remove((a * 4 + b) % sets.len())),
            }
            for (set, _, current) in &sets {
                prop_assert_eq!(set.as_ref().map(TagSet::is_current), Some(*current));
            }
        }
    }
}
