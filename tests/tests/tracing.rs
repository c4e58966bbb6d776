//! What a subscriber of `tracing` hears: loads, refreshes, calls that joined, operations of backends, breakers; and of a hit nothing.

use cachekit::{
    Cache, Error, Place,
    backend::{Failure, MemoryBytes},
    cache, testing,
};
use cachekit_runtime::{
    breaker::{Breaker, Purpose},
    time::TestClock,
};
use cachekit_tests::{
    Hand,
    heard::{self, Heard},
    until,
};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

fn outcomes(cache: &str, span: &str) -> Vec<String> {
    heard::spans(cache, span).iter().map(|span| span.field("outcome").to_owned()).collect()
}

fn events<'h>(all: &'h [Heard], name: &str) -> Vec<&'h Heard> {
    all.iter().filter(|one| !one.is_span && one.name == name).collect()
}

#[test]
fn a_load_is_a_span_with_its_end_and_a_hit_is_nothing() {
    heard::listen();
    let users: Cache<String, u64> = Cache::builder().name("t::loads").build();
    users.get_or_compute("Ann", || {
        tracing::info!(target: "cachekit::of_a_loader", "inside");
        1
    });
    let all = heard::of("t::loads");
    let spans = heard::spans("t::loads", "load");
    assert_eq!(spans.len(), 1, "{all:?}");
    assert_eq!((&*spans[0].target, &*spans[0].level, spans[0].field("outcome")), ("cachekit::load", "DEBUG", "value"));
    let hash = spans[0].field("key_hash");
    assert!(hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    let end = events(&all, "a load has ended");
    assert_eq!((end.len(), end[0].field("outcome"), &*end[0].level), (1, "value", "DEBUG"));
    assert!(end[0].field("elapsed_us").parse::<u64>().is_ok(), "{end:?}");
    assert_eq!(events(&all, "inside").len(), 1, "what the loader does is in the span: {all:?}");
    assert!(!format!("{all:?}").contains("Ann"), "keys are not for the log: {all:?}");

    let before = heard::of("t::loads").len();
    for _ in 0..10 {
        users.get_or_compute("Ann", || unreachable!());
        assert_eq!(users.get("Ann"), Some(1));
    }
    assert_eq!(heard::of("t::loads").len(), before, "a hit says nothing");
}

#[test]
fn a_load_says_how_it_failed() {
    heard::listen();
    let users: Cache<u64, u64> = Cache::builder().name("t::failures").load_timeout_hard(SECOND).build();
    users.try_get_or_compute(&1, || Err::<u64, u64>(1)).unwrap_err();
    catch_unwind(AssertUnwindSafe(|| users.get_or_compute(&2, || panic!("on purpose")))).unwrap_err();
    drop(Hand::pending(users.get_or_compute_async(&3, std::future::pending::<u64>)));
    assert_eq!(outcomes("t::failures", "load"), ["error", "panic", "cancelled"]);

    let scope = testing::scope();
    let mut late = Hand::pending(users.try_get_or_refresh_async(&4, std::future::pending::<Result<u64, Error>>));
    scope.advance(2 * SECOND);
    until(|| late.poll().is_ready());
    assert_eq!(outcomes("t::failures", "load").last().map(String::as_str), Some("timeout"));
    assert_eq!(events(&heard::of("t::failures"), "a load has ended").len(), 4);
}

#[test]
fn who_waits_for_the_load_of_another_call_says_so() {
    heard::listen();
    let users: Cache<u64, u64> = Cache::builder().name("t::joined").build();
    let (send, receive) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let (users, leads) = (&users, Arc::new(std::sync::Barrier::new(2)));
        let led = leads.clone();
        scope.spawn(move || {
            users.get_or_compute(&1, || {
                led.wait();
                receive.recv().unwrap();
                1
            })
        });
        leads.wait();
        scope.spawn(move || users.get_or_compute(&1, || unreachable!()));
        until(|| users.stats().joins == 1);
        send.send(()).unwrap();
    });
    let all = heard::of("t::joined");
    let joined = events(&all, "a call had the value of another one's load");
    assert_eq!((joined.len(), joined[0].field("outcome")), (1, "joined"));
    let load = &heard::spans("t::joined", "load")[0];
    assert_eq!(joined[0].field("key_hash"), load.field("key_hash"));
}

#[test]
fn a_refresh_is_a_span_of_its_own_name() {
    heard::listen();
    let scope = testing::scope();
    let rates: Cache<u64, u64> =
        Cache::builder().name("t::refreshes").ttl(SECOND).stale_while_revalidate(60 * SECOND).build();
    rates.get_or_refresh(&1, || 1);
    scope.advance(2 * SECOND);
    assert_eq!(rates.get_or_refresh(&1, || 2), 1);
    cachekit::flush().wait();
    assert_eq!(
        (outcomes("t::refreshes", "load"), outcomes("t::refreshes", "refresh")),
        (vec!["value".to_owned()], vec!["value".to_owned()])
    );
}

#[cache(batch, name = "t::batch")]
fn squares(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id * id)).collect()
}

#[test]
fn a_batch_is_one_span() {
    heard::listen();
    assert_eq!(squares(&[1, 2, 3]).len(), 3);
    assert_eq!(squares(&[1, 2, 3]).len(), 3);
    let spans = heard::spans("t::batch", "batch");
    assert_eq!((spans.len(), spans[0].field("keys"), spans[0].field("outcome")), (1, "3", "value"));
}

#[tokio::test]
async fn what_backends_are_asked_is_within_the_load() {
    heard::listen();
    let bytes = Arc::new(MemoryBytes::new());
    let build = |name: &'static str| -> Cache<u64, u64> {
        Cache::builder().name(name).backends([Place::memory(), Place::own(bytes.clone())]).build()
    };
    let first = build("t::backend");
    first.get_or_compute_async(&1, async || 1).await;
    cachekit::flush().await;
    let asked: Vec<Heard> = heard::spans("t::backend", "backend");
    let words: Vec<[&str; 3]> =
        asked.iter().map(|one| ["tier", "operation", "outcome"].map(|name| one.field(name))).collect();
    assert_eq!(words, [["own", "get", "answered"]], "the store goes on without the call");
    assert_eq!((&*asked[0].target, &*asked[0].level), ("cachekit::backend", "TRACE"));
    let all = heard::of("t::backend");
    assert!(events(&all, "a backend has answered")[0].field("elapsed_us").parse::<u64>().is_ok(), "{all:?}");
    let stored = |one: &Heard| one.is_span && one.field("operation") == "set" && one.field("outcome") == "answered";
    assert!(heard::all().iter().any(stored));

    // Another process, as far as the cache knows.
    first.retain(|_, _| false);
    first.get_or_compute_async(&1, async || unreachable!()).await;
    let found = &heard::spans("t::backend", "load")[1];
    assert_eq!((found.field("outcome"), found.field("tier")), ("found", "own"));
}

#[test]
fn a_breaker_says_that_it_opens_and_closes() {
    heard::listen();
    let clock = TestClock::new();
    let breaker = Arc::new(Breaker::new("t::breaker", clock.clock()));
    let failure = Error::backend("t::breaker", Failure::Unreachable, "it is gone");
    for _ in 0..5 {
        breaker.begin(Purpose::Read).expect("closed").ended(Some(&failure));
    }
    let states = || {
        let all = heard::all();
        let of_it = all.iter().filter(|one| one.target == "cachekit::breaker" && one.field("backend") == "t::breaker");
        of_it.map(|one| (one.level.clone(), one.field("state").to_owned())).collect::<Vec<_>>()
    };
    let open = ("WARN".to_owned(), "open".to_owned());
    assert_eq!(states(), std::slice::from_ref(&open));
    clock.advance(2 * SECOND);
    breaker.probe_due().expect("a probe").ended(None);
    assert_eq!(states(), [open, ("INFO".to_owned(), "closed".to_owned())]);
}

#[test]
fn a_tag_is_as_personal_as_a_key() {
    heard::listen();
    let users: Cache<u64, u64> = Cache::builder().name("t::tags").build();
    users.call(&1).tags((0..17).map(|n| format!("person:Ann-{n}"))).get_or_compute(|| 1);
    let all = heard::all();
    assert!(all.iter().any(|one| one.name.contains("more than 16 tags")), "{all:?}");
    assert!(!format!("{all:?}").contains("Ann-"), "{all:?}");
}
