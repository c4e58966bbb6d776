//! A large value does not hold up the small ones: it goes by a connection of its own.

use cachekit_runtime::{Cache, Place, backend::redis::Settings};
use cachekit_tests::{
    fault_proxy::{Fault, FaultProxy},
    redis_server::RedisServer,
};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_looks_go_on_while_a_large_value_comes() {
    const SLOW: Duration = Duration::from_secs(30);
    let server = RedisServer::start();
    let proxy = FaultProxy::before(server.port());
    let settings = Settings::new(server.url_at(proxy.port())).response_timeout(SLOW);
    let cache: Cache<u64, String> = Cache::builder()
        .name("large")
        .ttl(Duration::from_secs(600))
        .timeout(SLOW)
        .backends([Place::own(settings.open().expect("settings"))])
        .build();
    let call = |key: u64, bytes: usize| {
        let cache = cache.clone();
        async move { cache.get_or_compute_async(&key, || async move { "7".repeat(bytes) }).await.len() }
    };
    assert_eq!((call(1, 2_000_000).await, call(2, 10).await), (2_000_000, 10));
    // The first look does not know that it is large.
    assert_eq!(call(1, 0).await, 2_000_000);
    // Each piece of 64 KiB comes so much later.
    proxy.set(Fault::Delay(Duration::from_millis(20)));
    let large = tokio::spawn(call(1, 0));
    let (start, mut longest, mut looks) = (Instant::now(), Duration::ZERO, 0);
    while !large.is_finished() {
        let asked = Instant::now();
        assert_eq!(call(2, 0).await, 10);
        longest = longest.max(asked.elapsed());
        looks += 1;
    }
    assert_eq!(large.await.expect("no panic"), 2_000_000);
    let took = start.elapsed();
    assert!(took > Duration::from_millis(400), "{took:?}: it is slow");
    assert!(looks >= 5 && longest < took / 2, "{looks} small looks, {longest:?} the longest, beside one of {took:?}");
}
