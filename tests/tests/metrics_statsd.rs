//! What is sent to StatsD, as a server that somebody else wrote takes it, reads it and adds it up. A process has one recorder, so that all of it is one test.

use cachekit::{cache, metrics::METRICS};
use cachekit_tests::receivers::StatsdServer;
use std::time::Duration;

#[cache(name = "squares")]
fn square(of: u64) -> u64 {
    of * of
}

#[test]
fn a_statsd_server_takes_what_all_caches_have_counted() {
    assert!(
        cachekit::metrics::statsd("nowhere", Duration::from_secs(1))
            .is_err_and(|error| error.to_string().contains("nowhere"))
    );
    let server = StatsdServer::start();
    let sending =
        cachekit::metrics::statsd(&format!("127.0.0.1:{}", server.port()), Duration::from_millis(100)).unwrap();
    (0..3).for_each(|of| _ = square(of));
    (0..5).for_each(|_| _ = square(2));
    // Added up by who receives them, however they were sent.
    server.has("cachekit_loads_total;cache=squares", 3.0);
    server.has("cachekit_hits_total;cache=squares;outcome=fresh;tier=memory", 5.0);
    server.has("cachekit_entries;cache=squares", 3.0);
    server.has("cachekit_load_seconds;cache=squares", 3.0);
    square(10);
    drop(sending);
    server.has("cachekit_loads_total;cache=squares", 4.0);
    assert_eq!(server.refused(), Vec::<String>::new());
    for line in &server.lines() {
        let (name, rest) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
        let metric = METRICS.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{line}"));
        let kind = rest.split('|').nth(1).unwrap_or_default();
        let wanted = match metric.kind.name() {
            "counter" => "c",
            "gauge" => "g",
            _ => "h",
        };
        assert_eq!(kind, wanted, "{line}");
        let tags = rest.split_once("|#").map(|(_, tags)| tags).unwrap_or_default();
        let names: Vec<&str> = tags.split(',').filter_map(|tag| tag.split_once(':')).map(|(name, _)| name).collect();
        assert_eq!(names, metric.labels, "{line}");
    }
}
