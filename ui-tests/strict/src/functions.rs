//! Functions.

use cachekit::{RemovalCause, cache};
use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

/// Adds.
#[cache]
#[must_use]
pub fn add(a: u64, b: u64) -> u64 {
    a + b
}

/// Says hello.
#[cache(ttl = "30s", jitter = "10%", idle = "10s", capacity = 100, strategy = "fifo")]
#[must_use]
pub fn hello(name: &str) -> Arc<str> {
    Arc::from(format!("hello {name}"))
}

/// Parses.
///
/// # Errors
///
/// When it is no number.
#[cache(errors = "5s", ttl = "1m", stale_if_error = "1h", cache_if = Result::is_ok)]
pub fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number = text.trim().parse::<u32>()?;
    Ok(number)
}

/// Finds.
#[cache(none = false, ttl = |value: &Option<u64>| Duration::from_secs(value.map_or(1, |_| 60)))]
#[must_use]
pub fn find(id: u64, names: &[&str], hint: Option<&str>, path: Cow<'_, str>) -> Option<u64> {
    let index = usize::try_from(id).ok()?;
    let name = names.get(index)?;
    Some((name.len() + hint.map_or(0, str::len) + path.len()) as u64)
}

/// Fetches.
///
/// # Errors
///
/// Never.
#[cache(ttl = "1m", refresh_ahead = "80%", stale_while_revalidate = "1m", tags = ["user:{id}"], max_loads = 4)]
pub async fn fetch(id: u64, name: &str) -> Result<String, Failure> {
    if id == 0 {
        return Err(Failure);
    }
    std::future::ready(()).await;
    Ok(format!("{id} {name}"))
}

/// Failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure;

impl From<cachekit::Error> for Failure {
    fn from(_: cachekit::Error) -> Self {
        Failure
    }
}

/// Waits no longer than it must.
///
/// # Errors
///
/// When it takes too long.
#[cache(load_timeout = (soft = "100ms", hard = "2s"), ttl = "1m", stale_while_revalidate = "1m")]
pub async fn bounded(id: u64) -> Result<u64, Failure> {
    std::future::ready(()).await;
    Ok(id)
}

/// Shows.
#[cache(key = "{value}", skip(prefix), bypass_if = prefix.is_empty())]
#[must_use]
pub fn show<T>(value: T, prefix: &str) -> String
where
    T: Display + Hash + Eq + Clone + Send + Sync + 'static,
{
    format!("{prefix}{value}")
}

/// Counts.
#[cache]
#[must_use]
pub fn count<'a, const N: usize>(list: [u8; N], text: &'a str, more: &'a str) -> (usize, &'static str) {
    (list.len() + text.len() + more.len(), "static")
}

/// Has seven parameters, one less than a lint allows.
#[cache(on_removal = gone)]
#[must_use]
pub fn seven(a: &str, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> String {
    format!("{a}{}", [b, c, d, e, f, g].into_iter().map(u32::from).sum::<u32>())
}

fn gone(key: &(String, u8, u8, u8, u8, u8, u8), value: &String, cause: RemovalCause) {
    let _ = (key, value, cause);
}

/// Two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The first.
    pub left: u32,
    /// The second.
    pub right: u32,
}

/// Takes it apart.
#[cache(companion = sum_of_pair)]
#[must_use]
pub fn sum(Pair { left, right }: Pair, mut extra: u32) -> u32 {
    extra += left + right;
    extra
}

/// Leaves no trace.
#[cache(companion = false)]
#[must_use]
pub fn silent(n: u32) -> u32 {
    n + 1
}

/// By an expression.
#[cache(key = (x.to_bits(), name.trim()))]
#[must_use]
pub fn scaled(x: f64, name: &str) -> String {
    format!("{x:.2} {name}")
}

/// Recurs.
#[cache(capacity = "unbounded")]
#[must_use]
pub fn fibonacci(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

/// Recurs later.
#[cache(single_flight = false)]
pub async fn fibonacci_later(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fibonacci_later(n - 1).await + fibonacci_later(n - 2).await }
}

/// Bounded by what it says itself.
#[cache(max_bytes = "64MiB", hasher = std::hash::RandomState)]
#[must_use]
pub fn page(path: &str) -> Vec<u8> {
    path.bytes().collect()
}

fn weigh<K>(_: &K, value: &[u8; 16]) -> u64 {
    value.iter().copied().map(u64::from).sum()
}

/// Bounded by a weigher.
///
/// # Errors
///
/// When it is short.
#[cache(max_bytes = "10kB", weigher = weigh, strategy = "lru")]
pub async fn weighed(path: &str) -> Result<[u8; 16], String> {
    std::future::ready(()).await;
    path.as_bytes().first_chunk().copied().ok_or_else(|| path.to_owned())
}

/// Generic, and bounded by a weigher.
#[cache(max_bytes = "10kB", weigher = weigh)]
#[must_use]
pub fn repeated<T: cachekit::Key + Into<u8>>(of: T) -> [u8; 16] {
    [of.into(); 16]
}

#[cache]
pub(crate) fn internal(n: u32) -> u32 {
    n * 2
}

#[cache]
fn private<T: Debug + Hash + Eq + Clone + Send + Sync + 'static>(value: &T) -> String {
    format!("{value:?}")
}

/// Uses them.
pub async fn all() -> usize {
    let sum = add(1, 2) + fibonacci(10) + fibonacci_later(10).await + u64::from(internal(1) + silent(1));
    let texts = [hello("a").to_string(), private(&1), show(1, "a"), scaled(0.5, "a")];
    private::clear::<u32>();
    drop(internal::stats());
    let failed = parse("x").is_err() || bounded(1).await.is_err() || fetch(1, "a").await.is_err();
    drop((find::get(1, &["a"], None, Cow::Borrowed("a")), seven("1", 2, 3, 4, 5, 6, 7), sum_of_pair::stats()));
    let failed = failed || weighed("abc").await.is_err();
    usize::try_from(sum).unwrap_or(0)
        + page("a").len()
        + repeated(1_u8).len()
        + texts.iter().map(String::len).sum::<usize>()
        + usize::from(failed)
        + count([1, 2], "a", "b").0
}
