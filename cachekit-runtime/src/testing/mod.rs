//! For tests: isolation and time of their own, switching caching off, dry runs, and the conformance kits for your own policies.

mod isolation;
mod policy_suite;

pub use crate::time::TestClock;
pub use isolation::{
    Divergence, DryRun, DryRunReport, RealTimeScope, Scope, ScopeHandle, disable, dry_run, scope, scope_in_real_time,
};
pub use policy_suite::{Insertion, PolicyHarness, checks, policy_suite};
