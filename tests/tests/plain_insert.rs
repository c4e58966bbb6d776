//! An insertion into a cache that asks nothing of its values takes a shorter way: what it does is what the longer one does.
//!
//! No test here enters a scope, in which the shorter way is not taken; so they have a process of their own.

use cachekit_runtime::{Builder, Cache, testing::TestClock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

type Settings = fn(Builder<u64, u64>) -> Builder<u64, u64>;

/// What callers see of a cache in ten seconds, in which its ttl, its capacity and whether it is on change.
fn seen_of(cache: &Cache<u64, u64>, clock: &TestClock) -> Vec<String> {
    let mut seen = Vec::new();
    cache.insert(1, 10);
    for quarter in 0..40 {
        match quarter {
            5 => _ = cache.insert(2, 20),
            9 => _ = cache.insert(2, 21),
            20 => {
                cache.set_ttl(Some(SECOND));
                cache.insert(3, 30);
            }
            25 => {
                cache.set_ttl(None);
                cache.insert(3, 31);
            }
            30 => {
                cache.set_enabled(false);
                cache.insert(3, 32);
                cache.set_enabled(true);
            }
            33 => {
                cache.set_capacity(1);
                cache.insert(4, 40);
                cache.insert(5, 50);
            }
            _ => {}
        }
        let found: Vec<_> = (1..6).map(|key| cache.get(&key)).collect();
        let stale = cache.try_get_or_compute(&1, || Err::<u64, &str>("down"));
        let states: Vec<_> = (1..6).map(|key| cache.explain(&key).state).collect();
        seen.push(format!("{quarter}: {found:?}, {stale:?}, {states:?}, {} entries", cache.len()));
        clock.advance(SECOND / 4);
    }
    seen.push(format!("{:?}", cache.stats().removals));
    seen
}

#[test]
fn both_ways_of_an_insertion_do_the_same() {
    let settings: [(&str, Settings); 8] = [
        ("no times", |builder| builder),
        ("ttl", |builder| builder.ttl(SECOND * 2)),
        ("a ttl of a tick", |builder| builder.ttl(Duration::from_millis(1))),
        ("idle", |builder| builder.idle(SECOND)),
        ("stale while revalidate", |builder| builder.ttl(SECOND).stale_while_revalidate(SECOND)),
        ("stale if error", |builder| builder.ttl(SECOND).stale_if_error(SECOND * 3)),
        ("refresh ahead", |builder| builder.ttl(SECOND * 3).refresh_ahead(50.0)),
        ("all", |builder| {
            builder.ttl(SECOND * 3).idle(SECOND * 2).stale_while_revalidate(SECOND).stale_if_error(SECOND * 4)
        }),
    ];
    for (name, set) in settings {
        let seen = [false, true].map(|asks| {
            let clock = TestClock::new();
            let builder = set(Cache::builder().capacity(100).clock(clock.clock()));
            // A question about values sends the insertions the longer way.
            let builder = if asks { builder.cache_if(|_| true) } else { builder };
            seen_of(&builder.build(), &clock)
        });
        let [shorter, longer] = &seen;
        for (at, (shorter, longer)) in shorter.iter().zip(longer).enumerate() {
            assert_eq!(shorter, longer, "{name}, line {at}");
        }
    }
}
