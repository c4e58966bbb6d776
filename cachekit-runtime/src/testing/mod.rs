//! Conformance kits: check your own policies the way cachekit checks its own.

mod policy_suite;

pub use policy_suite::{Insertion, PolicyHarness, checks, policy_suite};
