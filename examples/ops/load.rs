//! Some cached functions, and calls of them that never end.

use cachekit::cache;
use std::{thread, time::Duration};

#[cache(name = "shop::user", capacity = 2_000, ttl = "30s", tags = ["team:{id}"])]
fn user(id: u64) -> String {
    thread::sleep(Duration::from_micros(200 + id % 7 * 150)); // sleeps: as a query takes a while
    format!("user {id}")
}

#[cache(name = "shop::price", capacity = 500, ttl = "5s")]
fn price(article: u64, currency: &str) -> u64 {
    thread::sleep(Duration::from_micros(80)); // sleeps: as a query takes a while
    article * 100 + currency.len() as u64
}

#[cache(name = "shop::page", max_bytes = "256KiB", ttl = "1m")]
fn page(path: String) -> String {
    path.repeat(40)
}

#[cache(name = "shop::scan", capacity = 1_000, strategy = "lru")]
fn scan(row: u64) -> u64 {
    row.wrapping_mul(31)
}

#[cache(name = "shop::rate", ttl = "2s")]
fn rate(currency: u64) -> Result<u64, String> {
    // One in five is not known.
    if currency.is_multiple_of(5) { Err(format!("no rate of {currency}")) } else { Ok(currency * 3) }
}

/// Calls them from a thread of its own, some thousand times a second.
pub(crate) fn begin() {
    // Nobody waits for it: it ends with the process.
    thread::spawn(|| {
        let mut random = 1_u64;
        for turn in 0_u64.. {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = random >> 33;
            // Few are wanted often.
            let popular = |of: u64| (number % of) * (number / of % of) / of;
            match turn % 20 {
                0..8 => _ = user(popular(6_000)),
                8..13 => _ = price(popular(900), if number.is_multiple_of(3) { "EUR" } else { "USD" }),
                13..16 => _ = page(format!("/articles/{}", popular(400))),
                16..19 => _ = scan(turn / 20 * 3 % 1_400),
                _ => _ = rate(number % 40),
            }
            if turn.is_multiple_of(20) {
                thread::sleep(Duration::from_millis(5)); // sleeps: a load of some thousand calls a second
            }
        }
    });
}
