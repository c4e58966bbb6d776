//! The commands, one file for each.

pub(crate) mod advise;
pub(crate) mod bench;
pub(crate) mod clear;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod invalidate;
pub(crate) mod keys;
pub(crate) mod lines;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod manual;
pub(crate) mod set;
pub(crate) mod simulate;
pub(crate) mod spread;
pub(crate) mod stats;
pub(crate) mod top;
