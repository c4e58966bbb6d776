//! The registry as its users see it. Names are those of all caches of the process: each test has its own.

use super::*;
use crate::{
    Bypassed, Cache, Error, Place as Tier, State,
    backend::{Address, Backend, BackendFuture, Capabilities, Cursor as BackendCursor, Failure, MemoryBytes, Page},
    outcome::{Delivery, Tier as Found},
    testing,
};
use bytes::Bytes;
use std::{collections::BTreeSet, sync::mpsc, thread, time::Duration};

fn named(name: &str) -> Cache<u64, String> {
    Cache::builder().name(name.to_owned()).readable().build()
}

fn there(name: &str) -> Arc<dyn AnyCache> {
    find(name).unwrap_or_else(|| panic!("{name} is not in the registry"))
}

fn names() -> Vec<String> {
    caches().iter().map(|cache| cache.name().to_owned()).collect()
}

#[test]
fn a_cache_is_found_by_its_name_until_it_is_dropped() {
    let cache = named("t::found");
    let clone = cache.clone();
    assert_eq!(there("t::found").name(), "t::found");
    assert_eq!(there("t::found").place().file, file!());
    drop(cache);
    assert!(names().contains(&"t::found".to_owned()), "a handle is left");
    drop(clone);
    assert!(find("t::found").is_none() && !names().contains(&"t::found".to_owned()));
}

#[test]
fn a_cache_without_a_name_is_not_in_it() {
    let _cache: Cache<u64, u64> = Cache::builder().build();
    assert!(find("cache").is_none());
}

#[test]
fn instances_have_the_smallest_free_number() {
    let build = || named("t::instance");
    let (one, two, three) = (build(), build(), build());
    for (cache, name) in [(&one, "t::instance"), (&two, "t::instance#2"), (&three, "t::instance#3")] {
        cache.insert(1, name.to_owned());
        assert_eq!(there(name).get("1").unwrap().unwrap().value.unwrap().text, format!("{name:?}"));
    }
    drop(two);
    assert!(find("t::instance#2").is_none());
    let _two = build();
    assert_eq!(there("t::instance#2").stats().entries, 0);
    assert!(conflicts().iter().all(|conflict| conflict.name != "t::instance"));
}

#[test]
fn a_second_place_of_one_name_is_a_conflict_that_names_both() {
    let first = named("t::conflict");
    first.insert(1, "first".to_owned());
    let second: Cache<u64, u64> = Cache::builder().name("t::conflict").build();
    let line = line!() - 1;
    let conflict = registered(&second).unwrap_err();
    assert_eq!((conflict.second.file, conflict.second.line), (file!(), line));
    assert_ne!(conflict.first, conflict.second);
    let text = conflict.to_string();
    assert!(text.contains("`t::conflict`") && text.contains(&format!("{}:{line}", file!())), "{text}");
    assert!(text.contains(&conflict.first.to_string()), "{text}");
    assert!(conflicts().contains(&conflict) && registered(&first).is_ok());
    assert_eq!(there("t::conflict").stats().entries, 1, "the first one has the name");
    drop((first, second));
    let third: Cache<u64, u64> = Cache::builder().name("t::conflict").build();
    assert!(registered(&third).is_ok() && find("t::conflict").is_some(), "nobody has the name any more");
}

#[test]
fn angle_brackets_are_written_in_another_way() {
    let _cache = named("t::first<u64, Vec<u8>>");
    assert_eq!(there("t::first<u64, Vec<u8>>").name(), "t::first‹u64, Vec‹u8››");
    assert_eq!(there("t::first‹u64, Vec‹u8››").name(), "t::first‹u64, Vec‹u8››");
    let _instance: Cache<u64, u64> = Cache::builder().name("t::short").registered_as("t::short<u8>".to_owned()).build();
    assert!(find("t::short").is_none() && find("t::short‹u8›").is_some());
}

#[test]
fn what_is_in_force_is_what_was_set_last() {
    let cache: Cache<u64, u64> = Cache::builder()
        .name("t::live")
        .capacity(100)
        .ttl(Duration::from_secs(60))
        .idle(Duration::from_secs(5))
        .build();
    let any = there("t::live");
    let before = any.configuration();
    assert_eq!((before.bound, before.ttl), (Bound::Entries(100), Ttl::Fixed(Duration::from_secs(60))));
    assert_eq!((before.idle, before.is_enabled), (Some(Duration::from_secs(5)), true));
    any.set_ttl(None);
    any.set_capacity(7);
    any.set_strategy("lru").unwrap();
    any.set_enabled(false);
    let after = any.configuration();
    assert_eq!((after.bound, after.ttl, &*after.strategy), (Bound::Entries(7), Ttl::Never, "lru"));
    assert!(!after.is_enabled && !cache.is_enabled());
    assert_eq!((cache.capacity(), cache.strategy().name()), (Some(7), "lru"));
    let unknown = any.set_strategy("lur").unwrap_err();
    assert!(unknown.to_string().contains("lru"), "{unknown}");
    let weighed: Cache<u64, String> =
        Cache::builder().name("t::weighed").max_bytes(1 << 20).ttl_with(|_| Duration::ZERO).build();
    let configuration = there("t::weighed").configuration();
    assert_eq!((configuration.bound, configuration.ttl), (Bound::Weight(1 << 20), Ttl::ByValue));
    drop(weighed);
}

#[test]
fn a_strategy_of_the_programs_own_is_found_by_its_name() {
    let cache = named("t::own-strategy");
    assert!(there("t::own-strategy").set_strategy("Fifo").is_err());
    add_strategy(crate::policy::Strategy::of::<crate::policy::Fifo>());
    there("t::own-strategy").set_strategy("Fifo").unwrap();
    assert_eq!(cache.strategy().name(), "Fifo");
}

#[test]
fn pages_have_every_entry_once() {
    for capacity in [500_usize, 100_000] {
        let cache: Cache<u64, u64> =
            Cache::builder().name("t::pages").capacity(capacity).strategy("fifo".parse().unwrap()).readable().build();
        (0..400).for_each(|key| _ = cache.insert(key, key * 2));
        let any = there("t::pages");
        let (mut keys, mut from, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = any.entries(from, 7, Values::Written);
            pages += 1;
            assert!(page.entries.len() <= 7 && (page.entries.len() == 7 || page.next.is_none()));
            for entry in page.entries {
                let key: u64 = entry.key.parse().unwrap();
                assert_eq!(entry.value.unwrap().text, (key * 2).to_string());
                assert_eq!((entry.state, entry.tier), (State::Fresh, Found::Memory));
                keys.push(key);
            }
            let Some(next) = page.next else { break };
            // What comes and goes meanwhile moves nothing.
            cache.insert(1_000 + pages, 0);
            cache.invalidate(&(1_000 + pages));
            from = Some(next);
        }
        assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (400, 400));
        assert!(any.entries(None, 5, Values::Hidden).entries.iter().all(|entry| entry.value.is_none()));
        assert_eq!(any.stats().calls(), 0, "counts as no use");
    }
}

#[test]
fn equal_hashes_are_on_one_page() {
    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Alike(u64);
    impl std::hash::Hash for Alike {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            0_u8.hash(state);
        }
    }
    let cache: Cache<Alike, u64> = Cache::builder().name("t::alike").readable().build();
    (0..20).for_each(|key| _ = cache.insert(Alike(key), key));
    let page = there("t::alike").entries(None, 5, Values::Hidden);
    assert_eq!((page.entries.len(), page.next), (20, None));
}

#[test]
fn keys_without_a_text_are_named_by_their_hash() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Secret(u64);
    let cache: Cache<Secret, u64> = Cache::builder().name("t::hashed").build();
    cache.insert(Secret(1), 10);
    let any = there("t::hashed");
    let entry = any.entries(None, 10, Values::Written).entries.remove(0);
    assert!(entry.key.starts_with('#') && entry.value.is_none());
    assert_eq!(any.explain(&entry.key).unwrap().state, State::Fresh);
    assert_eq!(any.get(&entry.key).unwrap().unwrap().key, entry.key);
    any.invalidate(&entry.key).unwrap();
    assert_eq!((cache.len(), any.get(&entry.key).unwrap()), (0, None));
    let error = any.get("1").unwrap_err();
    assert!(matches!(&error, OperationError::NoText { .. }) && error.to_string().contains("Secret"), "{error}");
    assert!(matches!(any.invalidate_prefix("1"), Err(OperationError::NoText { .. })));
    assert!(matches!(any.get("#xyz"), Err(OperationError::NoKey { .. })));
}

#[test]
fn a_key_that_holds_a_borrow_is_found_by_its_text() {
    let cache: Cache<&'static str, u64> =
        Cache::builder().name("t::lent").texts(crate::__cachekit_texts!(&'static str, u64)).build();
    cache.insert("Ann", 1);
    cache.insert("Bob", 2);
    let any = there("t::lent");
    assert_eq!(any.get("\"Ann\"").unwrap().unwrap().value.unwrap().text, "1");
    assert_eq!(any.get("\"Eve\"").unwrap(), None);
    any.invalidate("\"Ann\"").unwrap();
    assert_eq!((cache.get(&"Ann"), cache.get(&"Bob")), (None, Some(2)));
}

#[test]
fn what_is_no_key_is_an_error_that_says_what_one_is() {
    let _cache = named("t::typo");
    let error = there("t::typo").invalidate("\"42\"").unwrap_err();
    assert!(matches!(&error, OperationError::NoKey { .. }), "{error:?}");
    assert!(error.to_string().contains("u64") && error.to_string().contains("t::typo"), "{error}");
    assert!(there("t::typo").get("42").unwrap().is_none());
}

#[test]
fn a_long_key_is_found_by_its_shortened_text() {
    let cache: Cache<String, u64> = Cache::builder().name("t::long").readable().build();
    let long = "x".repeat(1_000);
    cache.insert(long.clone(), 1);
    let any = there("t::long");
    let shown = any.entries(None, 1, Values::Hidden).entries.remove(0).key;
    assert!(shown.len() <= 200);
    for text in [shown.clone(), format!("{long:?}")] {
        assert_eq!(any.get(&text).unwrap().unwrap().key, shown);
    }
    any.invalidate(&shown).unwrap();
    assert!(cache.is_empty());
    assert_eq!(any.get(&shown).unwrap(), None);
}

#[test]
fn a_prefix_invalidates_what_begins_so() {
    let cache: Cache<(u64, String), u64> = Cache::builder().name("t::prefix").readable().build();
    for (team, name) in [(4, "a"), (4, "b"), (42, "a")] {
        cache.insert((team, name.to_owned()), 1);
    }
    let invalidated = there("t::prefix").invalidate_prefix("4,").unwrap();
    assert_eq!((invalidated.entries, invalidated.delivery), (2, Delivery::Local));
    assert_eq!(cache.iter().map(|((team, _), _)| team).collect::<Vec<_>>(), [42]);
}

/// A load that is under way while something is invalidated goes to who waits, and is not stored.
fn is_cut_off(name: &'static str, invalidate: impl FnOnce(&dyn AnyCache)) -> bool {
    let cache: Cache<String, u64> = Cache::builder().name(name).texts(crate::__cachekit_texts!(String, u64)).build();
    let (begun, has_begun) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let cache = cache.clone();
        let loading = scope.spawn(move || {
            cache.get_or_compute("slow", || {
                begun.send(()).unwrap();
                may_go.recv().unwrap();
                1
            })
        });
        has_begun.recv().unwrap();
        invalidate(&*there(name));
        go.send(()).unwrap();
        assert_eq!(loading.join().unwrap(), 1);
    });
    cache.is_empty()
}

#[test]
fn loads_under_way_are_not_stored() {
    assert!(is_cut_off("t::cut-key", |any| _ = any.invalidate("\"slow\"").unwrap()));
    assert!(is_cut_off("t::cut-prefix", |any| _ = any.invalidate_prefix("\"sl").unwrap()));
    assert!(is_cut_off("t::cut-all", |any| _ = any.clear()));
    assert!(!is_cut_off("t::cut-other", |any| _ = any.invalidate("\"other\"").unwrap()));
}

#[test]
fn a_scope_has_its_own() {
    let cache = named("t::scope");
    cache.insert(1, "outside".to_owned());
    let any = there("t::scope");
    let scope = testing::scope();
    assert_eq!((any.stats().entries, any.get("1").unwrap()), (0, None));
    cache.insert(2, "inside".to_owned());
    any.clear();
    drop(scope);
    assert_eq!((any.stats().entries, any.get("2").unwrap()), (1, None));
}

#[test]
fn backends_are_asked_and_told() {
    let bytes = Arc::new(MemoryBytes::new());
    let build = |name: &'static str, near: bool| -> Cache<(u64, String), u64> {
        let near = near.then(Tier::memory);
        Cache::builder().name(name).backends(near.into_iter().chain([Tier::own(bytes.clone())])).readable().build()
    };
    // As two processes: entries of one name, in one backend.
    let (cache, other) = (build("t::far", true), build("t::far-other", true));
    drop(other);
    let any = there("t::far");
    let tiers = any.tiers();
    assert_eq!(
        tiers.iter().map(|tier| (tier.tier, tier.breaker.is_some())).collect::<Vec<_>>(),
        [(Found::Memory, false), (Found::Own, false)]
    );
    for key in [(1, "a"), (1, "b"), (2, "a")] {
        cache.get_or_compute(&(key.0, key.1.to_owned()), || key.0 * 10);
    }
    crate::flush().wait();
    assert!(any.tiers().iter().any(|tier| tier.breaker.is_some() && tier.undelivered == 0));
    // Memory forgets, the backend does not.
    cache.retain(|_, _| false);
    let entry = any.get("2,\"a\"").unwrap().unwrap();
    assert_eq!((entry.tier, entry.value.unwrap().text.as_str()), (Found::Own, "20"));
    assert_eq!(cache.len(), 0, "nothing is copied");
    let entry = crate::block_on::block_on(any.get_async("1,\"b\"")).unwrap().unwrap();
    assert_eq!((entry.tier, entry.value.unwrap().text.as_str()), (Found::Own, "10"));
    assert_eq!(any.invalidate_prefix("1,").unwrap().entries, 2);
    assert_eq!((any.get("1,\"a\"").unwrap(), any.get("1,\"b\"").unwrap()), (None, None));
    assert!(any.get("2,\"a\"").unwrap().is_some());
    crate::block_on::block_on(any.invalidate_async("2,\"a\"")).unwrap();
    assert_eq!(any.get("2,\"a\"").unwrap(), None);
    cache.get_or_compute(&(3, "c".to_owned()), || 30);
    crate::flush().wait();
    crate::block_on::block_on(any.clear_async());
    assert_eq!(any.get("3,\"c\"").unwrap(), None);
}

#[test]
fn many_at_once_come_and_go() {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let cache = named("t::crowd");
                    assert!(names().iter().any(|name| name.starts_with("t::crowd")));
                    drop(cache);
                }
            });
        }
    });
    assert!(names().iter().all(|name| !name.starts_with("t::crowd")));
}

#[test]
fn looking_counts_as_no_use_in_backends_either() {
    let cache: Cache<u64, u64> = Cache::builder()
        .name("t::uncounted")
        .backends([Tier::memory(), Tier::own(MemoryBytes::new())])
        .readable()
        .build();
    cache.get_or_compute(&1, || 1);
    crate::flush().wait();
    cache.retain(|_, _| false);
    let (any, before) = (there("t::uncounted"), cache.stats().far);
    for _ in 0..3 {
        assert_eq!(any.get("1").unwrap().unwrap().tier, Found::Own);
        assert_eq!(crate::block_on::block_on(any.get_async("2")).unwrap(), None);
        assert_eq!(any.explain("1").unwrap().tier, Some(Found::Own));
        assert_eq!(crate::block_on::block_on(any.explain_async("2")).unwrap().tier, None);
    }
    assert_eq!(cache.stats().far, before);
    // The code's own look is one.
    assert_eq!(crate::block_on::block_on(cache.get_async(&1)), Some(1));
    assert_eq!(cache.stats().far.hits, before.hits + 1);
}

#[test]
fn explain_says_why_a_call_would_not_hit_and_which_tier_would() {
    let cache: Cache<u64, u64> = Cache::builder()
        .name("t::explained")
        .backends([Tier::memory(), Tier::own(MemoryBytes::new())])
        .readable()
        .build();
    let any = there("t::explained");
    let told = |key: &str| any.explain(key).unwrap();
    cache.get_or_compute(&1, || 1);
    crate::flush().wait();
    let fresh = told("1");
    assert_eq!(
        (fresh.state, fresh.tier, fresh.bypassed, fresh.far.are_asked),
        (State::Fresh, Some(Found::Memory), None, false)
    );
    cache.set_enabled(false);
    let off = told("1");
    assert_eq!((off.state, off.bypassed), (State::Fresh, Some(Bypassed::Disabled)));
    assert!(off.to_string().contains("switched off: a call would compute; there is a fresh value"), "{off}");
    cache.set_enabled(true);
    cache.set_dry_run(true);
    assert_eq!((told("1").bypassed, cache.explain(&1).bypassed), (Some(Bypassed::DryRun), Some(Bypassed::DryRun)));
    cache.set_dry_run(false);
    cache.retain(|_, _| false);
    // Time goes on between the two.
    let of_no_age = |told: crate::Explain| crate::Explain { age: None, ..told };
    let awaited = crate::block_on::block_on(cache.explain_async(&1));
    assert_eq!(of_no_age(awaited), of_no_age(cache.explain(&1)));
    let far = told("1");
    assert_eq!((far.state, far.tier, far.far.are_asked), (State::Fresh, Some(Found::Own), true));
    assert!(far.age.is_some() && far.to_string().contains("in the tier own"), "{far}");
    let absent = crate::block_on::block_on(any.explain_async("2")).unwrap();
    assert_eq!((absent.state, absent.tier, absent.far.are_asked), (State::Absent, None, true));
    assert!(absent.to_string().contains("absent: a call would load"), "{absent}");
    assert_eq!(cache.len(), 0, "nothing is copied");
    let _off = testing::disable();
    assert_eq!(cache.explain(&1).bypassed, Some(Bypassed::Disabled));
}

/// A backend that is gone.
struct Gone;

fn gone<T>() -> BackendFuture<'static, T> {
    Box::pin(async { Err(Error::backend("gone", Failure::Unreachable, "there is nobody")) })
}

impl Backend for Gone {
    fn name(&self) -> &str {
        "gone"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    fn get<'a>(&'a self, _: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        gone()
    }
    fn set<'a>(&'a self, _: &'a Address, _: Bytes, _: Option<Duration>) -> BackendFuture<'a, ()> {
        gone()
    }
    fn remove<'a>(&'a self, _: &'a Address) -> BackendFuture<'a, bool> {
        gone()
    }
    fn remove_many<'a>(&'a self, _: &'a [Address]) -> BackendFuture<'a, ()> {
        gone()
    }
    fn clear<'a>(&'a self, _: &'a str) -> BackendFuture<'a, ()> {
        gone()
    }
    fn scan<'a>(&'a self, _: Option<&'a str>, _: Option<BackendCursor>, _: usize) -> BackendFuture<'a, Page> {
        gone()
    }
    fn ping(&self) -> BackendFuture<'_, ()> {
        gone()
    }
}

#[test]
fn explain_says_which_backend_is_not_asked() {
    let cache: Cache<u64, u64> =
        Cache::builder().name("t::gone").backends([Tier::memory(), Tier::own(Gone)]).readable().build();
    cache.get_or_compute(&0, || 0);
    assert_eq!(cache.explain(&99).far.not_asked, [""; 0], "one failure is none");
    (1..20).for_each(|key| _ = cache.get_or_compute(&key, || key));
    let told = there("t::gone").explain("99").unwrap();
    assert_eq!((&*told.far.not_asked, told.state), (&["gone".to_owned()][..], State::Absent));
    assert!(told.to_string().contains("gone not asked now: the breaker is open"), "{told}");
}

#[test]
fn the_number_of_an_instance_is_in_no_address() {
    // As the caches of two processes would: what one of them stores, the other one finds.
    let bytes = Arc::new(MemoryBytes::new());
    let build = || -> Cache<u64, u64> {
        let places = [Tier::memory(), Tier::own(bytes.clone())];
        Cache::builder().name("t::numbered").backends(places).readable().build()
    };
    let (_one, two) = (build(), build());
    let of = |name: &str| there(name).explain("7").unwrap().far.address.unwrap();
    assert_eq!(of("t::numbered"), of("t::numbered#2"));
    assert!(!of("t::numbered#2").contains('#'), "{}", of("t::numbered#2"));
    let _generic: Cache<u64, u64> = Cache::builder()
        .name("t::typed")
        .registered_as("t::typed<u8>".to_owned())
        .backends([Tier::own(bytes.clone())])
        .readable()
        .build();
    assert!(
        of("t::typed<u8>").contains("t/typed:7") || of("t::typed<u8>").contains("t::typed:7"),
        "{}",
        of("t::typed<u8>")
    );
    drop(two);
}
