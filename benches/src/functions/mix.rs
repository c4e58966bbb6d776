//! Functions of which a tenth of the calls' keys has room: `#[cache]` beside memoization written by hand.

use super::bodies;
use crate::{
    contestant::{
        Contestant, Label,
        Promise::{self, Bound},
        Turn, Turned, WARM_UP,
    },
    engine::mix_order,
    keys::Keys,
    report::QUICK,
};
use cached::macros::concurrent_cached;
use cachekit::cache;
use moka::sync::Cache as Moka;
use quick_cache::sync::Cache as Quick;
use std::{
    cell::Cell,
    hint::black_box,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

thread_local! {
    /// Calls of a body by this thread.
    static LOADS: Cell<usize> = const { Cell::new(0) };
}

#[inline(never)]
fn load_number(x: u64) -> u64 {
    LOADS.set(LOADS.get() + 1);
    bodies::number(x)
}

#[inline(never)]
fn load_text(s: &str) -> Arc<String> {
    LOADS.set(LOADS.get() + 1);
    Arc::new(bodies::text(s))
}

#[cache(capacity = 10_000)]
fn our_number(x: u64) -> u64 {
    load_number(x)
}

#[cache(capacity = 10_000)]
fn our_text(s: &str) -> Arc<String> {
    load_text(s)
}

#[concurrent_cached(max_size = 10_000)]
fn cached_number(x: u64) -> u64 {
    load_number(x)
}

#[concurrent_cached(max_size = 10_000, key = "String", convert = { s.to_owned() })]
fn cached_text(s: &str) -> Arc<String> {
    load_text(s)
}

static QUICK_NUMBER: LazyLock<Quick<u64, u64>> = LazyLock::new(|| Quick::new(10_000));
static QUICK_TEXT: LazyLock<Quick<String, Arc<String>>> = LazyLock::new(|| Quick::new(10_000));
static MOKA_NUMBER: LazyLock<Moka<u64, u64>> = LazyLock::new(|| Moka::new(10_000));
static MOKA_TEXT: LazyLock<Moka<String, Arc<String>>> = LazyLock::new(|| Moka::new(10_000));

macro_rules! by_hand {
    ($number:ident $number_cache:ident, $text:ident $text_cache:ident) => {
        fn $number(x: u64) -> u64 {
            if let Some(value) = $number_cache.get(&x) {
                return value;
            }
            let value = load_number(x);
            $number_cache.insert(x, value);
            value
        }

        fn $text(s: &str) -> Arc<String> {
            if let Some(value) = $text_cache.get(s) {
                return value;
            }
            let value = load_text(s);
            $text_cache.insert(s.to_owned(), Arc::clone(&value));
            value
        }
    };
}

by_hand!(quick_number QUICK_NUMBER, quick_text QUICK_TEXT);
by_hand!(moka_number MOKA_NUMBER, moka_text MOKA_TEXT);

static KEYS: LazyLock<&'static Keys> = LazyLock::new(|| Keys::leak(100_000));

/// All of them.
#[must_use]
pub(crate) fn contestants() -> Vec<Contestant> {
    vec![
        number(QUICK, quick_number),
        number("#[cache(capacity = 10_000)]", our_number),
        number("#[concurrent_cached(max_size = 10_000)]", cached_number),
        number("moka", moka_number),
        text(QUICK, quick_text),
        text("#[cache(capacity = 10_000)]", our_text),
        text("#[concurrent_cached(max_size = 10_000)]", cached_text),
        text("moka", moka_text),
    ]
}

fn number(name: &str, function: fn(u64) -> u64) -> Contestant {
    contestant(name, "fn(u64) -> u64", Bound, move |keys, index| {
        black_box(function(keys.ids[index]));
    })
}

fn text(name: &str, function: fn(&str) -> Arc<String>) -> Contestant {
    contestant(name, "fn(&str) -> Arc<String>", Bound, move |keys, index| {
        black_box(function(&keys.names[index]));
    })
}

fn contestant(
    name: &str,
    shape: &str,
    promise: Promise,
    call: impl Fn(&'static Keys, usize) + Copy + Send + Sync + 'static,
) -> Contestant {
    let label = Label { name: name.to_owned(), group: format!("{shape}: zipf 0.99, room for 10 %"), promise };
    let next = Arc::new(AtomicUsize::new(0));
    Contestant::new(label, move |ops| -> Turn {
        let next = Arc::clone(&next);
        Arc::new(move |_, barrier| {
            let (keys, order, warm_up) = (*KEYS, mix_order(), ops / WARM_UP);
            let first = next.fetch_add(ops + warm_up, Ordering::Relaxed);
            let run = |calls: std::ops::Range<usize>| {
                for at in calls {
                    call(keys, order[at % order.len()] as usize);
                }
            };
            run(first..first + warm_up);
            barrier.wait();
            let (before, start) = (LOADS.get(), Instant::now());
            run(first + warm_up..first + warm_up + ops);
            let end = Instant::now();
            Turned { start, end, hits: Some(ops - (LOADS.get() - before)) }
        })
    })
}
