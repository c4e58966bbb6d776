//! A user with strict lints: every shape of function, checked by the workspace's own clippy gate.

#![deny(
    warnings,
    missing_docs,
    unsafe_code,
    nonstandard_style,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms
)]
#![deny(
    missing_debug_implementations,
    missing_copy_implementations,
    single_use_lifetimes,
    unused_lifetimes,
    let_underscore_drop
)]
#![deny(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![forbid(unsafe_code)]

pub mod backends;
pub mod batch;
pub mod functions;
pub mod invalidations;
pub mod methods;
