//! Facade.
pub use cachekit_runtime::*;
