//! For tests: isolation and time of their own, switching caching off, dry runs, and the conformance kits for your own policies, backends and codecs.

#[cfg(feature = "backend")]
mod backend_suite;
#[cfg(feature = "backend")]
mod codec_suite;
mod isolation;
mod policy_suite;

pub use crate::time::TestClock;
#[cfg(feature = "backend")]
pub use backend_suite::{BackendSubject, SubjectFuture, backend_checks, backend_suite, shared_backend_checks};
#[cfg(feature = "backend")]
pub use codec_suite::{CodecSample, SerdeCodec, codec_checks, codec_suite};
pub use isolation::{
    Divergence, DryRun, DryRunReport, RealTimeScope, Scope, ScopeHandle, disable, dry_run, scope, scope_in_real_time,
};
pub use policy_suite::{Insertion, PolicyHarness, checks, policy_suite};
