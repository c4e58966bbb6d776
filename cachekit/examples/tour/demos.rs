//! What else a cache has to do, one after the other.

use cachekit::{cache, invalidate, testing};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

static PRICE: AtomicU64 = AtomicU64::new(100);

#[cache]
fn price(article: u64) -> u64 {
    PRICE.load(Ordering::Relaxed) + article
}

#[invalidate(price(article))]
fn set_price(article: u64, to: u64) {
    PRICE.store(to - article, Ordering::Relaxed);
}

pub(crate) fn invalidation() {
    println!("invalidation: a function that changes what another caches says so, and the compiler checks the names");
    let before = price(7);
    PRICE.store(200, Ordering::Relaxed);
    let unaware = price(7);
    set_price(7, 307);
    println!(
        "  price(7) = {before}; changed behind its back: {unaware}; after #[invalidate(price(article))]: {}\n",
        price(7)
    );
}

#[cache(ttl = "30s")]
fn reading(sensor: u64) -> u64 {
    static READS: AtomicU64 = AtomicU64::new(0);
    sensor * 100 + READS.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn expiry() {
    println!("expiry: ttl = \"30s\", on the clock of a test scope");
    let scope = testing::scope();
    let first = reading(5);
    scope.advance(Duration::from_secs(29));
    let after_29 = reading(5);
    scope.advance(Duration::from_secs(1));
    println!("  at 0 s: {first}; at 29 s: {after_29}; at 30 s: {}\n", reading(5));
}

#[cache]
fn report(year: u64) -> u64 {
    thread::sleep(Duration::from_millis(30));
    year % 100
}

#[cache]
async fn remote_report(year: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(200)).await;
    year * 2
}

pub(crate) fn single_flight() {
    println!("single flight: 64 threads ask for one missing key at once");
    let start = Barrier::new(64);
    thread::scope(|threads| {
        for _ in 0..64 {
            threads.spawn(|| {
                start.wait();
                report(2026)
            });
        }
    });
    let stats = report::stats();
    println!("  computed {} time(s); {} callers waited for it, {} came after\n", stats.loads, stats.joins, stats.hits);
}

pub(crate) async fn single_flight_of_tasks() -> anyhow::Result<()> {
    println!("single flight: 10,000 tasks ask for one missing key at once");
    let tasks: Vec<_> = (0..10_000).map(|_| tokio::spawn(remote_report(2026))).collect();
    for task in tasks {
        task.await?;
    }
    let stats = remote_report::stats();
    println!("  computed {} time(s); {} callers waited for it, {} came after\n", stats.loads, stats.joins, stats.hits);
    Ok(())
}

pub(crate) fn rejection() {
    println!("checked at compile time: this program does not build");
    let (program, answer) =
        (include_str!("../../../ui-tests/fail/key/float.rs"), include_str!("../../../ui-tests/fail/key/float.stderr"));
    for line in program.lines().chain([""]).chain(answer.lines()) {
        println!("  {line}");
    }
}
