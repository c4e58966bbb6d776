//! Facade.
pub use cachekit_macros::{cache, invalidate};
pub use cachekit_runtime::*;
