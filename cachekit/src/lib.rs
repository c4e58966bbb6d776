//! Facade.
pub use cachekit_macros::{cache, invalidate};
pub use cachekit_runtime::*;

/// What generated code calls. Not part of the public interface.
#[doc(hidden)]
pub use cachekit_runtime::private as __private;
