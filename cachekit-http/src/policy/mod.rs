//! What a shared cache may do with a response (RFC 9111), as pure functions over parsed fields: no clock, no store, no I/O.
//!
//! The way of a response: [`storage`] decides whether it may be stored and on which [`Terms`]; [`reuse`] whether what is stored answers a request at an
//! instant; [`validation`] how it is asked for anew and what a 304 changes; [`preconditions`] and [`ranges`] what of it a client gets;
//! [`invalidation`] which requests make it invalid.

pub mod freshness;
mod head;
pub mod invalidation;
pub mod preconditions;
pub mod ranges;
pub mod reuse;
mod settings;
pub mod status;
pub mod storage;
pub mod validation;
pub mod vary;

pub use freshness::{Source, Terms};
pub use head::Head;
pub use settings::{CDN_FIELD, Heuristic, OWN_FIELD, Overrides, Policy, SetCookie};
pub use storage::Refusal;
