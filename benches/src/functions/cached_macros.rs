//! `cached` 4: `#[cached]` as it comes (unbounded), and both of its macros with a bound and a ttl.
//!
//! It takes keys owned, so that those that are borrowed are converted on every call; that is what its documentation says to write.

use super::bodies;
use cached::macros::{cached, concurrent_cached};
use std::sync::Arc;

#[cached]
pub(super) fn number(x: u64) -> u64 {
    bodies::number(x)
}

#[cached(max_size = 200_000, ttl_secs = 3_600)]
pub(super) fn number_bounded(x: u64) -> u64 {
    bodies::number(x)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600)]
pub(super) fn number_concurrent(x: u64) -> u64 {
    bodies::number(x)
}

#[cached(key = "String", convert = { s.to_owned() })]
pub(super) fn text(s: &str) -> String {
    bodies::text(s)
}

#[cached(max_size = 200_000, ttl_secs = 3_600, key = "String", convert = { s.to_owned() })]
pub(super) fn text_bounded(s: &str) -> String {
    bodies::text(s)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600, key = "String", convert = { s.to_owned() })]
pub(super) fn text_concurrent(s: &str) -> String {
    bodies::text(s)
}

#[cached(key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) fn mixed(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}

#[cached(max_size = 200_000, ttl_secs = 3_600, key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) fn mixed_bounded(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600, key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) fn mixed_concurrent(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}

#[cached]
pub(super) async fn async_number(x: u64) -> u64 {
    bodies::number(x)
}

#[cached(max_size = 200_000, ttl_secs = 3_600)]
pub(super) async fn async_number_bounded(x: u64) -> u64 {
    bodies::number(x)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600)]
pub(super) async fn async_number_concurrent(x: u64) -> u64 {
    bodies::number(x)
}

#[cached(key = "String", convert = { s.to_owned() })]
pub(super) async fn async_text(s: &str) -> String {
    bodies::text(s)
}

#[cached(max_size = 200_000, ttl_secs = 3_600, key = "String", convert = { s.to_owned() })]
pub(super) async fn async_text_bounded(s: &str) -> String {
    bodies::text(s)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600, key = "String", convert = { s.to_owned() })]
pub(super) async fn async_text_concurrent(s: &str) -> String {
    bodies::text(s)
}

#[cached(key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) async fn async_mixed(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}

#[cached(max_size = 200_000, ttl_secs = 3_600, key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) async fn async_mixed_bounded(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}

#[concurrent_cached(max_size = 200_000, ttl_secs = 3_600, key = "(u64, String)", convert = { (x, s.to_owned()) })]
pub(super) async fn async_mixed_concurrent(x: u64, s: &str) -> Arc<String> {
    bodies::mixed(x, s)
}
