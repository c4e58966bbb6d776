//! Functions and methods over a backend of bytes.

use cachekit::backend::MemoryBytes;
use cachekit::{Key, cache};
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

/// Doubles.
#[cache(backend = ["memory", BYTES], ttl = "1h", near_ttl = "5s", timeout = "100ms")]
#[must_use]
pub fn double(of: u64) -> u64 {
    of * 2
}

/// Shows.
///
/// # Errors
///
/// For zero.
#[cache(backend = Arc::new(MemoryBytes::new()), codec = "json", key = (of, name.len()))]
pub async fn shown(of: u64, name: &str) -> Result<String, String> {
    std::future::ready(()).await;
    if of == 0 { Err(name.to_owned()) } else { Ok(format!("{of} {name}")) }
}

/// Shows anything.
#[cache(backend = BYTES, name = "anything")]
#[must_use]
pub fn anything<T: Key + Debug + serde::Serialize>(value: &T) -> String {
    format!("{value:?}")
}

/// Adds.
#[derive(Debug, Clone, Copy)]
pub struct Adder {
    /// What is added.
    pub more: u64,
}

impl Adder {
    /// Adds.
    #[cache(backend = ["memory", BYTES], name = "add", key = (self.more, to))]
    #[must_use]
    pub fn add(&self, to: u64) -> u64 {
        to + self.more
    }

    /// Adds later.
    #[cache(backend = BYTES, name = "add_later", skip(self))]
    pub async fn add_later(&self, to: u64) -> Option<u64> {
        std::future::ready(()).await;
        to.checked_add(self.more)
    }
}
