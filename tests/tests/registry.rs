//! Annotated functions in the registry.
#![forbid(unsafe_code)]

use cachekit::{
    Cache, Key, State, cache, register,
    registry::{self, AnyCache, Values},
};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, LazyLock},
    time::Duration,
};

fn there(name: &str) -> Arc<dyn AnyCache> {
    registry::find(name).unwrap_or_else(|| {
        let names: Vec<String> = registry::caches().iter().map(|cache| cache.name().to_owned()).collect();
        panic!("{name} is not in the registry, which has {names:#?}")
    })
}

fn texts(name: &str) -> Vec<(String, Option<String>)> {
    let entries = there(name).entries(None, 100, Values::Written).entries;
    let mut texts: Vec<_> = entries.into_iter().map(|entry| (entry.key, entry.value.map(|value| value.text))).collect();
    texts.sort();
    texts
}

fn pair(key: &str, value: &str) -> (String, Option<String>) {
    (key.to_owned(), Some(value.to_owned()))
}

#[cache(name = "user", capacity = 50, ttl = "1m", strategy = "lru")]
fn user(id: u64, name: &str) -> Option<String> {
    Some(format!("{name} {id}"))
}

#[test]
fn a_function_is_operated_by_its_name() {
    user(1, "Ann");
    user(2, "Bob");
    let any = there("user");
    assert_eq!(texts("user"), [pair("1,\"Ann\"", "\"Ann 1\""), pair("2,\"Bob\"", "\"Bob 2\"")]);
    assert_eq!((any.place().file, any.stats().loads), (file!(), 2));
    let configuration = any.configuration();
    assert_eq!(configuration.bound, registry::Bound::Entries(50));
    assert_eq!(configuration.ttl, registry::Ttl::Fixed(Duration::from_secs(60)));
    assert_eq!(configuration.strategy, "lru");
    assert_eq!(any.explain("1,\"Ann\"").unwrap().state, State::Fresh);
    any.invalidate("1,\"Ann\"").unwrap();
    assert_eq!((user::get(1, "Ann"), user::get(2, "Bob").is_some()), (None, true));
    any.set_enabled(false);
    assert_eq!(user::traced(2, "Bob").1.kind, cachekit::OutcomeKind::Bypassed);
    any.set_enabled(true);
}

#[cache]
fn unnamed(id: u64) -> u64 {
    id
}

#[test]
fn the_name_is_the_path() {
    unnamed(1);
    assert_eq!(there("registry::unnamed").name(), unnamed::cache().name());
}

#[cache(name = "never-called")]
async fn never_called(id: u64) -> u64 {
    id
}

#[cache(companion = false, name = "hidden")]
fn hidden(id: u64) -> u64 {
    id
}

mod inside {
    pub(super) fn outer() -> u64 {
        #[cachekit::cache]
        fn nested(id: u64) -> u64 {
            id
        }
        nested(1)
    }
    pub(super) fn other() -> u64 {
        #[cachekit::cache]
        fn nested(id: u64) -> u64 {
            id * 2
        }
        nested(1)
    }
}

struct Repo;

#[cache]
impl Repo {
    #[cache(skip(self), name = "repo.find")]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

trait Find {
    fn look_up(&self, id: u64) -> u64;
}

#[cache]
impl Find for Repo {
    #[cache(skip(self), name = "repo.look_up")]
    fn look_up(&self, id: u64) -> u64 {
        id
    }
}

#[cache]
fn uncalled_generic<T: Clone + Hash + Eq + Send + Sync + 'static>(value: T) -> T {
    value
}

#[test]
fn what_nobody_has_called_is_there() {
    let names: Vec<String> = registry::caches().iter().map(|cache| cache.name().to_owned()).collect();
    for name in ["never-called", "hidden", "registry::inside::outer::nested", "registry::inside::other::nested"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:#?}");
    }
    for name in ["repo.find", "repo.look_up"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:#?}");
    }
    // A generic function is as many caches as it is called with types: each is there from its first call on.
    let uncalled = || registry::caches().iter().filter(|cache| cache.name().contains("uncalled")).count();
    assert_eq!(uncalled(), 0);
    assert_eq!(
        (uncalled_generic(1_u8), uncalled(), uncalled_generic("a".to_owned()), uncalled()),
        (1, 1, "a".to_owned(), 2)
    );
    assert!(registry::find("registry::uncalled_generic<u8>").is_some());
    assert_eq!((inside::outer(), inside::other(), hidden(3), Repo.look_up(4)), (1, 2, 3, 4));
    assert_eq!((there("registry::inside::outer::nested").stats().loads, there("hidden").stats().loads), (1, 1));
}

#[cache(name = "first")]
fn first<T: Key + serde::Serialize + serde::de::DeserializeOwned, const N: usize>(values: [T; N]) -> Option<T>
where
    [T; N]: Key,
{
    values.into_iter().next()
}

#[cache]
fn plain_generic<T: Clone + Hash + Eq + Send + Sync + 'static>(value: T) -> T {
    value
}

struct Shelf<T>(T);

impl<T: Clone + Send + Sync + 'static> Shelf<T> {
    #[cache(skip(self), name = "shelf")]
    fn at(&self, place: u64) -> T {
        _ = place;
        self.0.clone()
    }

    #[cache(skip(self))]
    fn nameless(&self, place: &str) -> String {
        place.to_owned()
    }
}

#[test]
fn instances_of_generic_code_have_their_types_in_their_names() {
    first([1_u64, 2]);
    first(["a".to_owned()]);
    assert_eq!(there("first‹u64, 2›").stats().loads, 1);
    assert!(there("first<alloc::string::String, 1>").stats().loads == 1 && registry::find("first").is_none());
    Shelf(1_u8).at(7);
    Shelf("x".to_owned()).at(7);
    assert_eq!(there("shelf‹u8›").stats().loads, 1);
    assert_eq!(texts("shelf‹alloc::string::String›"), [("7".to_owned(), None)], "nothing says that a T has a text");
    Shelf(1_u8).nameless("a");
    assert_eq!(texts("registry::Shelf<u8>::nameless"), [pair("\"a\"", "\"a\"")]);
    plain_generic(3_u8);
    let entry = there("registry::plain_generic<u8>").entries(None, 1, Values::Written).entries.remove(0);
    assert!(entry.key.starts_with('#'), "{entry:?}");
    there("registry::plain_generic<u8>").invalidate(&entry.key).unwrap();
    assert_eq!(plain_generic::get(3_u8), None);
    register!(first::<u64, 2>, first::<u8, 0>, Shelf::<u16>::at).unwrap();
    assert!(registry::find("first<u8, 0>").is_some() && registry::find("shelf<u16>").is_some());
}

type Alias = &'static str;

#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Lent<'a>(&'a str);

#[cache(name = "borrowed")]
fn borrowed<'a>(alias: Alias, text: &'a str, maybe: Option<&'a [u8]>) -> usize {
    alias.len() + text.len() + maybe.map_or(0, <[u8]>::len)
}

#[cache(name = "lent")]
fn lent(lent: Lent<'static>, id: u8) -> usize {
    lent.0.len() + usize::from(id)
}

#[test]
fn a_key_that_holds_a_borrow_is_found_among_those_in_memory() {
    borrowed("a", "bc", Some(b"d"));
    lent(Lent("abc"), 1);
    for (name, key) in [("borrowed", "\"a\",\"bc\",some([100])"), ("lent", "\"abc\",1")] {
        let any = there(name);
        assert_eq!(any.entries(None, 1, Values::Written).entries.remove(0).key, key);
        assert_eq!(any.get(key).unwrap().unwrap().value.unwrap().text, "4");
        any.invalidate(key).unwrap();
        assert_eq!(any.get(key).unwrap(), None);
    }
    assert_eq!(lent::get(Lent("abc"), 1), None);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Opaque(u64);

#[cache(name = "opaque")]
fn opaque(key: Opaque) -> Opaque {
    key
}

#[test]
fn what_serde_does_not_know_is_named_by_its_hash() {
    opaque(Opaque(1));
    let (key, value) = texts("opaque").remove(0);
    assert!(key.starts_with('#') && value.is_none());
    assert_eq!(there("opaque").explain(&key).unwrap().state, State::Fresh);
}

#[cache(name = "single")]
fn single(id: u64) -> u64 {
    id * 10
}

#[cache(batch, of = single)]
fn several(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id * 10)).collect()
}

#[cache(batch, name = "alone")]
fn alone(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id * 10)).collect()
}

#[test]
fn a_batch_is_its_single_function() {
    several(&[1, 2]);
    alone(&[3]);
    assert_eq!(texts("single"), [pair("1", "10"), pair("2", "20")]);
    assert_eq!(texts("alone"), [pair("3", "30")]);
    assert!(registry::find("registry::several").is_none());
    register!(alone).unwrap();
}

static ELSEWHERE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::builder().name("elsewhere").readable().build());

#[cache(cache = ELSEWHERE)]
fn elsewhere(id: u64) -> u64 {
    id
}

#[test]
fn a_cache_that_lives_elsewhere_is_registered_by_its_function() {
    register!(elsewhere).unwrap();
    assert!(registry::find("elsewhere").is_some());
}

mod twice {
    #[cachekit::cache(name = "twice")]
    pub(super) fn one(id: u64) -> u64 {
        id
    }

    #[cachekit::cache(name = "twice")]
    pub(super) fn two(id: u64) -> u64 {
        id
    }
}

#[test]
fn two_functions_of_one_name_are_an_error_that_says_where_they_are() {
    use twice::{one, two};
    let conflict = register!(user, one, two, single).unwrap_err();
    assert_eq!((conflict.name.as_str(), conflict.first.file, conflict.second.file), ("twice", file!(), file!()));
    assert_eq!(conflict.first.line.abs_diff(conflict.second.line), 5);
    assert!(registry::conflicts().contains(&conflict));
    assert_eq!((one(1), two(2)), (1, 2), "both work");
    assert_eq!((registry::find("single").is_some(), there("twice").stats().entries), (true, 1));
}

#[cache(name = "expression", key = (id / 10, name.len()))]
fn expression(id: u64, name: &str) -> u64 {
    _ = name;
    id
}

#[cache(name = "template", key = "{name}:{x:.1}")]
fn template(x: f64, name: &str) -> u64 {
    _ = (x, name);
    1
}

#[test]
fn a_key_that_is_said_has_a_text_too() {
    expression(42, "abc");
    template(0.25, "n");
    assert_eq!(texts("template"), [pair("\"n\",\"0.2\"", "1")]);
    assert_eq!(there("expression").stats().entries, 1);
}

static BYTES: LazyLock<cachekit::backend::MemoryBytes> = LazyLock::new(cachekit::backend::MemoryBytes::new);

#[derive(Clone)]
struct Bytes;

impl Bytes {
    fn place() -> &'static cachekit::backend::MemoryBytes {
        &BYTES
    }
}

#[cache(name = "far", backend = ["memory", Bytes::place()])]
fn far(id: u64, name: &str) -> String {
    format!("{name} {id}")
}

#[cache(name = "far-async", backend = ["memory", Bytes::place()])]
async fn far_async(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn an_async_function_explains_what_its_backends_have() {
    far_async(1).await;
    cachekit::flush().await;
    far_async::cache().retain(|_, _| false);
    let explained = far_async::explain(1).await;
    assert_eq!((explained.state, explained.tier), (State::Fresh, Some(cachekit::Tier::Own)));
    assert!(far_async::explain(2).await.tier.is_none());
    assert_eq!(far_async::stats().far.hits, 0, "it counts as no use");
}

#[test]
fn what_is_in_a_backend_is_found_and_invalidated() {
    far(1, "a");
    far(1, "b");
    cachekit::flush().wait();
    far::cache().retain(|_, _| false);
    let any = there("far");
    let entry = any.get("1,\"a\"").unwrap().unwrap();
    assert_eq!((entry.tier, entry.value.unwrap().text.as_str()), (cachekit::Tier::Own, "\"a 1\""));
    assert_eq!(any.tiers().len(), 2);
    let explained = far::explain(1, "a");
    assert_eq!((explained.state, explained.tier), (State::Fresh, Some(cachekit::Tier::Own)));
    assert_eq!(far::explain(9, "a").tier, None);
    assert_eq!(any.invalidate_prefix("1,").unwrap().entries, 2);
    assert_eq!(far::get(1, "a"), None);
}
