//! Hits of one kind and nothing else, for callgrind: `cargo xtask hit-cost` builds this program in three ways, runs it, and says what the difference is.
//!
//! It depends on nothing but cachekit, so that a build with other flags is one of few crates.

use cachekit::{Cache, cache};
use std::{hint::black_box, process::ExitCode};

/// All present.
const KEYS: u64 = 1_000;

/// More than there are keys, so that nothing is evicted.
const CAPACITY: usize = 10_000;

/// The same for both kinds of cache.
const BODY: u64 = 3;

#[cache(capacity = 10_000)]
fn number(id: u64) -> u64 {
    id.wrapping_mul(BODY)
}

/// A bijection that leaves no pattern.
fn scatter(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[inline(never)]
fn calls(count: u64, call: impl Fn(u64)) {
    for at in 0..count {
        call(black_box(scatter(at % KEYS)));
    }
}

/// Which keys a sample has while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sample {
    Off,
    #[cfg(feature = "advice")]
    OfOthers,
    #[cfg(feature = "advice")]
    OfAll,
    /// As `start_advice` takes it.
    #[cfg(feature = "advice")]
    Sparing,
}

impl Sample {
    fn named(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Sample::Off),
            #[cfg(feature = "advice")]
            "others" => Some(Sample::OfOthers),
            #[cfg(feature = "advice")]
            "all" => Some(Sample::OfAll),
            #[cfg(feature = "advice")]
            "sparing" => Some(Sample::Sparing),
            _ => None,
        }
    }

    #[cfg(not(feature = "advice"))]
    fn begin(self, _: &Cache<u64, u64>) {}

    #[cfg(feature = "advice")]
    fn begin(self, cache: &Cache<u64, u64>) {
        use cachekit::advice::Options;
        /// So many keys that are not there make the sample so thin that hardly any of those that are is in it.
        const OTHERS: u64 = 300_000;
        match self {
            Sample::Off => {}
            Sample::OfAll => cache.start_thorough_advice(),
            Sample::Sparing => cache.start_advice(),
            Sample::OfOthers => {
                cache.start_advice_with(&Options::for_capacity(CAPACITY).strategies([]).samples(1));
                for at in KEYS..KEYS + OTHERS {
                    assert_eq!(cache.get(&scatter(at)), None);
                    // Looks at what waits, before it is too much; the thinner the sample, the longer that takes.
                    if at % (at / 16).next_power_of_two() == 0 {
                        let _ = cache.advice();
                    }
                }
                let one_in = cache.advice().map_or(0.0, |advice| advice.one_in);
                assert!(one_in > 1_000.0, "one key in {one_in} is in the sample");
            }
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let asked = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [kind, sample, count] => {
            Sample::named(sample).zip(count.parse().ok()).map(|(sample, count)| (kind, sample, count))
        }
        _ => None,
    };
    match asked {
        Some(("loop", Sample::Off, count)) => calls(count, |key| _ = black_box(key)),
        Some(("get", sample, count)) => {
            let cache: Cache<u64, u64> = Cache::builder().capacity(CAPACITY).build();
            (0..KEYS).map(scatter).for_each(|key| _ = cache.insert(key, key.wrapping_mul(BODY)));
            // The thread's first look is a long one.
            assert_eq!(cache.get(&scatter(KEYS)), None);
            sample.begin(&cache);
            calls(count, |key| assert!(black_box(cache.get(&key)).is_some()));
        }
        Some(("function", sample, count)) => {
            (0..KEYS).map(scatter).for_each(|key| _ = number(key));
            sample.begin(number::cache());
            calls(count, |key| _ = black_box(number(key)));
        }
        _ => {
            eprintln!("this is run by `cargo xtask hit-cost`; by hand: loop|get|function off|others|sparing|all CALLS");
            // For `cargo bench`, which runs every benchmark.
            return if words.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    }
    ExitCode::SUCCESS
}
