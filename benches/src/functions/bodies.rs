//! What is memoized. Never on the path of a hit.

use crate::keys::scatter;
use std::sync::Arc;

#[inline(never)]
pub(super) fn number(x: u64) -> u64 {
    scatter(x)
}

#[inline(never)]
pub(super) fn text(s: &str) -> String {
    format!("{s:0>100}")
}

#[inline(never)]
pub(super) fn mixed(x: u64, s: &str) -> Arc<String> {
    Arc::new(format!("{x:0>76}{s}"))
}
