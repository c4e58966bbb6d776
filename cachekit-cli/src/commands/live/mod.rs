//! The commands on a live service, a file for each where it has much to show.

mod change;
mod doctor;
mod entries;
mod list;
mod stats;

pub(crate) use change::{clear, invalidate};
pub(crate) use doctor::doctor;
pub(crate) use entries::{explain, get, keys};
pub(crate) use list::list;
pub(crate) use stats::stats;

use crate::output;

/// A mean.
fn mean(seconds: f64, of: u64) -> String {
    match of {
        0 => "-".to_owned(),
        _ => output::span(crate::service::seconds(seconds / of as f64)),
    }
}
