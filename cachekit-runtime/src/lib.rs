//! The runtime of cachekit: caches, single flight, the memory engine and its policies.
//!
//! Users depend on the facade `cachekit`, which re-exports what is public here.

#[doc(hidden)]
pub mod adaptive;
#[cfg(feature = "advice")]
pub mod advice;
mod apart;
#[cfg(feature = "backend")]
pub mod backend;
mod background;
mod block_on;
#[cfg(feature = "backend")]
pub mod breaker;
#[cfg(feature = "backend")]
pub mod budget;
mod cache;
mod changes;
#[cfg(feature = "backend")]
pub mod codec;
#[cfg(feature = "backend")]
mod config;
mod elsewhere;
#[cfg(feature = "backend")]
pub mod envelope;
mod error;
mod expansion;
#[cfg(feature = "backend")]
mod far;
mod flight;
mod hashing;
mod housekeeping;
#[cfg(feature = "backend")]
pub mod identity;
#[cfg(feature = "inspect")]
pub mod inspect;
#[doc(hidden)]
pub mod key;
mod memory;
#[cfg(feature = "metrics")]
pub mod metrics;
mod outcome;
#[doc(hidden)]
pub mod output;
pub mod policy;
#[doc(hidden)]
pub mod private;
#[cfg(feature = "registry")]
pub mod registry;
mod runtime_thread;
mod scope;
mod site;
#[cfg(feature = "backend")]
pub mod snapshot;
pub mod stats;
mod stripe;
mod sync;
mod tags;
pub mod testing;
pub mod time;
mod weigh;

pub use background::{Flush, flush, is_shut_down, shutdown};
#[cfg(feature = "backend")]
pub use cache::Captured;
pub use cache::{Builder, Bypassed, Cache, Call, Compute, EntryRef, Explain, FarPlaces, Setting, State};
#[cfg(feature = "backend")]
pub use config::{Configure, configure};
#[cfg(all(feature = "config", feature = "registry"))]
pub use config::{Reloaded, reload_configuration};
pub use error::{Error, TimedOut};
#[cfg(feature = "backend")]
pub use far::{Place, sync};
pub use key::Key;
pub use outcome::{Delivery, Outcome, OutcomeKind, RemovalCause, Tier};
pub use output::{OptionLike, Value};
pub use private::{invalidate_tag, invalidate_tag_async, invalidate_tag_soft, invalidate_tag_soft_async};
pub use weigh::Weigh;
