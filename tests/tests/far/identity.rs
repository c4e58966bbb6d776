//! Who reads whose entries: shapes of values, versions, codecs; and what becomes of bytes that are no entries.

use super::nodes::redis;
use cachekit::cache;
use cachekit_runtime::{
    Cache, Delivery, Place,
    backend::{Address, Backend, MemoryBytes},
    codec::{Bincode, Codec, Json, MsgPack, Postcard, erase},
    envelope::{Draft, Freshness, Head},
};
use cachekit_tests::{child, drive::drive, redis_server::RedisServer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt::Debug, sync::Arc, time::Duration};

/// A program, and what a deploy later has made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Before {
    name: String,
    age: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct After {
    age: u32,
    name: String,
    mail: Option<String>,
}

fn before() -> Before {
    Before { name: "Ada".to_owned(), age: 36 }
}

fn after() -> After {
    After { age: 36, name: "Ada".to_owned(), mail: None }
}

fn over<V>(backend: impl Backend) -> Cache<u64, V>
where
    V: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    Cache::builder().name("far::shape").backends([Place::own(backend)]).build()
}

#[test]
fn two_shapes_of_program_side_by_side() {
    let server = RedisServer::start();
    let old: Cache<u64, Before> = over(redis(server.port()));
    let new: Cache<u64, After> = over(redis(server.port()));
    for key in 0..20 {
        assert_eq!(old.get_or_compute(&key, before), before());
        assert_eq!(new.get(&key), None, "it is the other program's");
        assert_eq!(new.get_or_compute(&key, after), after());
        assert_eq!(old.get_or_compute(&key, || panic!("it is there")), before());
    }
    // An invalidation by one reaches both, whoever it is.
    assert_eq!(new.invalidate(&1), Delivery::Shared);
    assert_eq!((old.get(&1), new.get(&1)), (None, None));
    assert_eq!(old.invalidate(&2), Delivery::Shared);
    assert_eq!((old.get(&2), new.get(&2)), (None, None));
    assert_eq!((old.get(&3), new.get(&3)), (Some(before()), Some(after())));
    assert_eq!(old.clear(), Delivery::Shared);
    assert!((0..20).all(|key| old.get(&key).is_none() && new.get(&key).is_none()));
    assert_eq!(new.get_or_compute(&3, after), after());
    assert_eq!(old.get_or_compute(&3, before), before());
    assert_eq!(new.clear(), Delivery::Shared);
    assert_eq!((old.get(&3), new.get(&3)), (None, None));
    assert_eq!((old.stats().far.rejected, new.stats().far.rejected), (0, 0), "they never met");
}

#[test]
fn versions_are_programs_of_their_own() {
    let server = RedisServer::start();
    let version = |version| {
        let builder = Cache::<u64, u64>::builder().name("far::version").version(version);
        builder.backends([Place::own(redis(server.port()))]).build()
    };
    let (one, two) = (version(1), version(2));
    assert_eq!(one.get_or_compute(&1, || 10), 10);
    assert_eq!(two.get_or_compute(&1, || 20), 20);
    assert_eq!(version(1).get_or_compute(&1, || panic!("it is there")), 10, "a version that comes back");
    assert_eq!(two.invalidate(&1), Delivery::Shared);
    assert_eq!((one.get(&1), two.get(&1)), (None, None));
}

fn carries<C: Codec<After> + Clone>(backend: &Arc<MemoryBytes>, codec: C) -> usize {
    let cache = || {
        let builder = Cache::builder().name("far::codec").backends([Place::own(Arc::clone(backend))]);
        builder.codec(codec.clone()).build()
    };
    let value = After { age: u32::MAX, name: "Zoë\0".to_owned(), mail: Some(String::new()) };
    let stored: Cache<u64, After> = cache();
    assert_eq!(stored.get_or_compute(&1, || value.clone()), value, "{}: another codec's are others", C::NAME);
    assert_eq!(cache().get_or_compute(&1, || panic!("{}: it is there", C::NAME)), value);
    assert_eq!(stored.stats().far.stores, 1, "{}", C::NAME);
    let page = drive(backend.scan(None, None, 100)).expect("a page");
    page.entries.len()
}

#[test]
fn all_codecs_carry_values_and_do_not_meet() {
    let backend = Arc::new(MemoryBytes::new());
    assert_eq!(carries(&backend, Json), 1);
    assert_eq!(carries(&backend, Postcard), 2);
    assert_eq!(carries(&backend, MsgPack), 3);
    assert_eq!(carries(&backend, Bincode), 4);
}

#[test]
fn what_is_compressed_is_smaller_and_everyone_reads_it() {
    let backend = Arc::new(MemoryBytes::new());
    let builder = || Cache::<u64, String>::builder().name("far::compress").backends([Place::own(Arc::clone(&backend))]);
    let (plain, compressing) = (builder().build(), builder().compress().build());
    let long = "all work and no play ".repeat(1_000);
    plain.insert(1, long.clone());
    let before = backend.bytes();
    compressing.insert(2, long.clone());
    let of_it = backend.bytes() - before;
    assert!(before > long.len() as u64 && of_it < before / 10, "{before} bytes, and {of_it}");
    compressing.insert(3, "short".to_owned());
    assert_eq!(plain.get(&2).as_ref(), Some(&long));
    assert_eq!(compressing.get(&1).as_ref(), Some(&long));
    assert_eq!(plain.get(&3).as_deref(), Some("short"));
}

/// The only entry.
fn only(backend: &impl Backend) -> (Address, bytes::Bytes) {
    let mut page = drive(backend.scan(None, None, 100)).expect("a page");
    assert_eq!(page.entries.len(), 1);
    let entry = page.entries.remove(0);
    (entry.address, entry.bytes)
}

/// What is wrong with an entry, in all ways there are.
fn damages(whole: &[u8], other: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<(&'static str, Vec<u8>)> =
        (0..whole.len()).map(|length| ("truncated", whole[..length].to_vec())).collect();
    all.extend((0..whole.len()).filter(|at| !(8..24).contains(at)).map(|at| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x10;
        ("corrupt", bytes)
    }));
    all.push(("longer", [whole, b"x"].concat()));
    all.push(("another's", other.to_vec()));
    all.push(("foreign", b"{\"name\": \"Ada\"}".to_vec()));
    // The first byte behind the head is the version of the format, the last of the magic one before the id the kind.
    let mut later = whole.to_vec();
    later[24] += 1;
    all.push(("of a later format", later));
    let mut later = whole.to_vec();
    later[7] = b'z';
    all.push(("of a later kind", later));
    all
}

type Look<'a> = &'a dyn Fn(&Cache<u64, Before>) -> Option<Before>;

fn damaged<B: Backend + Clone>(of: &'static str, make: impl Fn() -> B, get: impl Fn(&B) -> (Address, bytes::Bytes)) {
    let backend = make();
    let node = || {
        let builder = Cache::<u64, Before>::builder().name("far::damaged").codec(Json);
        builder.backends([Place::own(backend.clone())]).build()
    };
    node().insert(2, before());
    let (_, other) = get(&backend);
    node().clear();
    node().insert(1, before());
    let (address, whole) = get(&backend);
    let by_load = |cache: &Cache<u64, Before>| cache.try_get_or_compute(&1, || Err(7)).ok();
    let looks: [(&str, Look<'_>); 3] = [
        ("a load", &by_load),
        ("a look", &|cache| cache.get(&1)),
        ("a look for several", &|cache| cache.get_many(&[1]).remove(0)),
    ];
    for (what, bytes) in damages(&whole, &other) {
        for (by, look) in looks {
            run(backend.set(&address, bytes.clone().into(), None)).expect("it is set");
            let cache = node();
            assert_eq!(look(&cache), None, "{of}, {what}, {by}: it counts as missing");
            assert_eq!(cache.stats().far.rejected, 1, "{of}, {what}, {by}");
            cachekit_runtime::flush().wait();
            assert_eq!(run(backend.get(&address)).expect("an answer"), None, "{of}, {what}, {by}: it is removed");
        }
    }
    run(backend.set(&address, whole[..30].to_vec().into(), None)).expect("it is set");
    assert_eq!(node().get_or_compute(&1, before), before());
    assert_eq!(node().get_or_compute(&1, || panic!("{of}: it is there")), before());
}

fn run<R>(future: impl Future<Output = R>) -> R {
    super::nodes::RUNTIME.block_on(future)
}

#[test]
fn what_is_no_entry_is_a_miss_and_goes() {
    damaged("memory", || Arc::new(MemoryBytes::new()), only);
}

#[test]
fn what_is_no_entry_in_redis_is_a_miss_and_goes() {
    let server = RedisServer::start();
    damaged(
        "redis",
        || redis(server.port()),
        |backend| {
            let mut page = run(backend.scan(None, None, 100)).expect("a page");
            let entry = page.entries.remove(0);
            (entry.address, entry.bytes)
        },
    );
}

#[test]
fn what_is_too_large_is_not_stored_and_not_read() {
    if child::role().is_none() {
        child::run("identity::what_is_too_large_is_not_stored_and_not_read", "child", |child| {
            child.env("CACHEKIT_MAX_VALUE_BYTES", "4096");
        });
        return;
    }
    let backend = Arc::new(MemoryBytes::new());
    let cache = Cache::<u64, String>::builder().name("far::large").codec(Json);
    let cache = cache.backends([Place::own(Arc::clone(&backend))]).build();
    let large = "x".repeat(5_000);
    assert_eq!(cache.get_or_compute(&1, || large.clone()), large);
    assert_eq!((cache.get(&1), cache.stats().far.store_errors), (None, 1));
    cache.insert(1, "small".to_owned());
    let (address, _) = only(&backend);
    let draft = Draft {
        head: Head::value(),
        address: &address,
        freshness: Freshness::new(0, None),
        generation: None,
        tags: &[],
        compress: false,
    };
    let codec = erase::<String, _>(Json);
    let of_size = |length: usize| {
        let bytes = draft.seal(&*codec, &"y".repeat(length), usize::MAX).expect("it is sealed");
        drive(backend.set(&address, bytes, Some(Duration::from_secs(600)))).expect("it is set");
        let rejected = cache.stats().far.rejected;
        let failed: Result<String, ()> = cache.try_get_or_compute(&1, || Err(()));
        (failed.is_ok(), cache.stats().far.rejected - rejected)
    };
    assert_eq!(of_size(100), (true, 0));
    assert_eq!(of_size(5_000), (false, 1));
    assert_eq!(drive(backend.get(&address)).expect("an answer"), None, "it is removed");
}

/// Forgets half of itself when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Forgetful {
    id: u64,
    #[serde(skip)]
    tenant: u64,
}

#[test]
fn a_key_that_serializes_as_another_gets_nothing_of_it() {
    let cache: Cache<Forgetful, String> =
        Cache::builder().name("far::forgetful").backends([Place::own(MemoryBytes::new())]).build();
    let [one, other] = [1, 2].map(|tenant| Forgetful { id: 7, tenant });
    cache.insert(one.clone(), "of tenant 1".to_owned());
    assert_eq!(cache.get_or_compute(&other, || "of tenant 2".to_owned()), "of tenant 2");
    assert_eq!(cache.get(&one).as_deref(), Some("of tenant 1"));
}

#[cache(backend = MemoryBytes::new(), version = 3)]
fn traced(id: u64) -> (u64, String) {
    (id, "text".to_owned())
}

/// Leaves it to the data what comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
}

#[cache(backend = ["memory", MemoryBytes::new()])]
fn untraced(id: u64) -> Either {
    if id == 0 { Either::Text(String::new()) } else { Either::Number(id) }
}

#[test]
fn what_a_call_would_meet_is_said_with_its_address() {
    let explained = traced::explain(7);
    assert_eq!(explained.far.backends, ["memory-bytes"]);
    let address = explained.far.address.clone().unwrap_or_default();
    assert!(address.contains("traced:7:") && explained.to_string().ends_with(&address), "{explained}");
    assert_eq!(explained.far.tied_to_build, None);

    let explained = untraced::explain(7);
    assert!(explained.to_string().contains("of this build of the program only"), "{explained}");
    assert!(explained.to_string().contains("give a `version`"), "{explained}");
}
