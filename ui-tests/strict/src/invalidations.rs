//! Invalidations.

use crate::functions::{add, fetch, hello};
use crate::methods::Block;
use cachekit::invalidate;

/// Changes what `add` gives.
#[invalidate(add(a, b), tags = ["user:{a}"])]
pub fn change(a: u64, b: u64) {
    let _ = (a, b);
}

/// Changes what `hello` gives.
///
/// # Errors
///
/// Without a name.
#[invalidate(hello(name), |made| hello(made), when = "always")]
pub fn rename(name: &str) -> Result<String, String> {
    let first = name.chars().next().ok_or("no name")?;
    Ok(first.to_string())
}

/// Changes later.
///
/// # Errors
///
/// Never.
#[invalidate(fetch(id, &name), Block::<u8>::sized(1))]
pub async fn rename_later(id: u64, name: String) -> Result<(), String> {
    std::future::ready(()).await;
    drop(name);
    Ok(())
}

/// Is one expression in one line, of which a lint says that braces around it are too many.
///
/// # Errors
///
/// Never.
#[rustfmt::skip]
#[invalidate(add(id, 1))]
pub fn keep(id: u64) -> Result<u64, String> { Ok(id) }

/// The same later.
///
/// # Errors
///
/// Never.
#[rustfmt::skip]
#[invalidate(add(id, 1))]
pub async fn keep_later(id: u64) -> Result<u64, String> { Ok(id) }

/// The same over a pattern.
#[rustfmt::skip]
#[invalidate(add(*a, *b), when = "before")]
#[must_use]
pub fn swap((a, b): (u64, u64)) -> (u64, u64) { (b, a) }
