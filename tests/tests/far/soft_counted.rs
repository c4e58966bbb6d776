//! What backends give after a tag was made stale is counted as that, by an exporter of the test's own.

use crate::nodes::turn_of_tags;
use cachekit_runtime::{
    Cache, Outcome, OutcomeKind, Place,
    backend::MemoryBytes,
    flush, invalidate_tag_soft,
    metrics::{Exporter, Metric, Value, collect},
};
use cachekit_tests::{child, redis_server::RedisServer};
use std::{collections::BTreeMap, time::Duration};

/// The hits of one cache, by tier and outcome.
struct Hits {
    of: &'static str,
    counted: BTreeMap<String, u64>,
}

impl Exporter for Hits {
    fn export(&mut self, metric: &'static Metric, labels: &[(&'static str, &str)], value: Value<'_>) {
        if let ("cachekit_hits_total", [(_, cache), (_, tier), (_, outcome)], Value::Counter(hits)) =
            (metric.name, labels, value)
            && *cache == self.of
        {
            self.counted.insert(format!("{tier} {outcome}"), hits);
        }
    }
}

fn hits(of: &'static str) -> BTreeMap<String, u64> {
    let mut hits = Hits { of, counted: BTreeMap::new() };
    collect(&mut hits);
    hits.counted.retain(|_, count| *count > 0);
    hits.counted
}

/// Loads a value, has it from the backend, and has it there once more when its tag was made stale.
fn a_stale_hit(tier: &str, place: Place) {
    let name: &'static str = ["soft_counted::", tier].concat().leak();
    let cache: Cache<u64, u64> = Cache::builder()
        .name(name)
        .ttl(Duration::from_secs(600))
        .stale_while_revalidate(Duration::from_secs(300))
        .timeout(Duration::from_secs(20))
        .tags_with(|_| vec![name.to_owned()])
        .backends([place])
        .build();
    let call = |key: u64| {
        let mut outcome = Outcome::new();
        let value = cache.get_or_refresh_traced(&key, &mut outcome, move || 10 * key);
        // The refresh, if it begins one, and then the store that it has begun.
        flush().wait();
        flush().wait();
        (value, outcome.kind)
    };
    for key in [1, 2] {
        assert_eq!(call(key), (10 * key, OutcomeKind::Miss), "{tier}");
        assert_eq!(call(key), (10 * key, OutcomeKind::Hit), "{tier}");
    }
    let counted = |fresh: u64, stale: u64| {
        let all = [(format!("{tier} fresh"), fresh), (format!("{tier} stale"), stale)];
        BTreeMap::from_iter(all.into_iter().filter(|(_, count)| *count > 0))
    };
    assert_eq!(hits(name), counted(2, 0));

    invalidate_tag_soft(name);
    assert_eq!(call(1), (10, OutcomeKind::StaleHit), "{tier}");
    assert_eq!(hits(name), counted(2, 1));
    assert_eq!(cache.get_many(&[2]), [Some(20)], "{tier}");
    assert_eq!(hits(name), counted(2, 2), "of several at once");
    assert_eq!(cache.get(&2), Some(20), "{tier}");
    assert_eq!(hits(name), counted(2, 3), "without a load");
    assert_eq!(call(1), (10, OutcomeKind::Hit), "{tier}: it was loaded anew");
    assert_eq!(hits(name), counted(3, 3));
    let far = cache.stats().far;
    assert_eq!((far.hits, far.stale_hits), (6, 3), "the parts are in the whole");
}

#[test]
fn a_stale_value_of_a_backend_is_counted_as_a_stale_hit_of_its_tier() {
    let test = "soft_counted::a_stale_value_of_a_backend_is_counted_as_a_stale_hit_of_its_tier";
    if child::role().is_none() {
        let server = RedisServer::start();
        let file = format!("[redis]\nurl = '{}'\nresponse_timeout = '20s'\n[file]\ndirectory = 'here'", server.url());
        return child::run_configured(test, "child", Some(&file), |_, _| {});
    }
    let _turn = turn_of_tags();
    a_stale_hit("own", Place::own(MemoryBytes::new()));
    a_stale_hit("file", Place::file());
    a_stale_hit("redis", Place::redis());
}
