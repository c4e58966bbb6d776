//! A dry run of annotated functions: every call computes, and what would have been a wrong hit is reported.

use cachekit::{cache, testing};
use std::cell::Cell;

thread_local! {
    static WORLD: Cell<u32> = const { Cell::new(0) };
}

fn world() -> u32 {
    WORLD.replace(WORLD.get() + 1)
}

#[cache]
fn plain(id: u32) -> u32 {
    id * 10 + world()
}

#[cache]
async fn later(id: u32) -> Result<u32, String> {
    Ok(id * 10 + world())
}

#[derive(Clone, PartialEq)]
struct Mute(u32);

#[cache]
fn mute(id: u32) -> Mute {
    Mute(id * 10 + world())
}

#[cache(companion = false)]
fn hidden(id: u32) -> u32 {
    id * 10 + world()
}

struct Shop {
    number: u32,
}

impl Shop {
    #[cache(key = (self.number, id))]
    fn price(&self, id: u32) -> u32 {
        id * 10 + world() + self.number
    }
}

/// What the second call of each gives; the first fills the cache.
fn twice<R>(call: impl Fn() -> R) -> (R, testing::DryRunReport) {
    WORLD.set(0);
    let dry = testing::dry_run();
    call();
    (call(), dry.report())
}

#[test]
fn a_wrong_hit_is_shown_with_both_values() {
    let (computed, report) = twice(|| plain(4));
    let [wrong] = report.diverged.as_slice() else { panic!("one hit would have been wrong: {report:?}") };
    assert_eq!((computed, report.agreed), (41, 0));
    assert!(wrong.cache.ends_with("plain"), "{}", wrong.cache);
    assert_eq!((wrong.cached.as_deref(), wrong.computed.as_deref()), (Some("40"), Some("41")));
}

#[test]
fn a_value_without_debug_is_compared_all_the_same() {
    let (computed, report) = twice(|| mute(4));
    let [wrong] = report.diverged.as_slice() else { panic!("one hit would have been wrong: {report:?}") };
    assert!(computed == Mute(41) && wrong.cached.is_none() && wrong.computed.is_none());
}

#[tokio::test]
async fn async_functions_are_compared_too() {
    WORLD.set(0);
    let dry = testing::dry_run();
    assert_eq!((later(4).await, later(4).await), (Ok(40), Ok(41)));
    let report = dry.report();
    assert_eq!(report.diverged[0].cached.as_deref(), Some("Ok(40)"));
    assert_eq!(report.diverged[0].computed.as_deref(), Some("Ok(41)"));
}

#[test]
fn methods_and_functions_without_a_companion_are_compared_too() {
    let (computed, report) = twice(|| hidden(4));
    assert_eq!((computed, report.diverged.len()), (41, 1));
    let shop = Shop { number: 500 };
    let (computed, report) = twice(|| shop.price(4));
    assert_eq!((computed, report.diverged[0].cached.as_deref()), (541, Some("540")));
}
