//! What is sent to StatsD: by way of a listener of our own, which reads each line, into a server that somebody else wrote. A process has one recorder, so that all of it
//! is one test.

use cachekit::{cache, metrics::METRICS};
use cachekit_tests::{eventually, receivers::StatsdServer, waiting::eventually_or};
use std::{
    net::UdpSocket,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

#[cache(name = "squares")]
fn square(of: u64) -> u64 {
    of * of
}

/// Takes what is sent, keeps its lines, and passes it on.
fn relay(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            seen.lock().unwrap().extend(text.lines().map(str::to_owned));
            socket.send_to(&buffer[..length], ("127.0.0.1", to)).ok();
        }
    });
    (port, lines)
}

#[test]
fn a_statsd_server_takes_what_all_caches_have_counted() {
    assert!(
        cachekit::metrics::statsd("nowhere", Duration::from_secs(1))
            .is_err_and(|error| error.to_string().contains("nowhere"))
    );
    let server = StatsdServer::start();
    let (port, lines) = relay(server.port());
    let sending = cachekit::metrics::statsd(&format!("127.0.0.1:{port}"), Duration::from_millis(100)).unwrap();
    (0..3).for_each(|of| _ = square(of));
    (0..5).for_each(|_| _ = square(2));
    let has = |line: &str| lines.lock().unwrap().iter().any(|seen| seen.starts_with(line));
    eventually_or(
        "a gauge with its tags is sent",
        || format!("{:#?}", lines.lock().unwrap()),
        || has("cachekit_entries:3.0|g|#cache:squares"),
    );
    eventually("a time is sent", || has("cachekit_load_seconds:"));
    // Added up by who receives them, however they were sent.
    server.has("counters", "'cachekit_loads_total;cache=squares': 3");
    server.has("counters", "'cachekit_hits_total;cache=squares;tier=memory;outcome=fresh': 5");
    server.has("gauges", "'cachekit_entries;cache=squares': 3");
    square(10);
    drop(sending);
    server.has("counters", "'cachekit_loads_total;cache=squares': 4");
    for line in lines.lock().unwrap().iter() {
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
