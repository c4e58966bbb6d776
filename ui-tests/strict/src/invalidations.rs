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
