//! Cached handlers of Axum: what `#[cache(http(…))]` asks of their parameters and return types.

mod extracted;
mod head;
pub mod private;
mod scope;

pub use extracted::Extracted;
pub use scope::{Scope, ScopeId, StableScope};
