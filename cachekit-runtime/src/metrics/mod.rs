//! What all caches have counted, for whoever collects it (feature `metrics`).
//!
//! Numbers come from the [registry](crate::registry): a hit costs nothing more. They are handed over when somebody asks, or every so often; only the times of loads and
//! of backends are told when they end. [`METRICS`] is the table of all of them, which `docs/metrics.md` explains. Labels are the name of the cache and words from short lists,
//! never a key or a tag.
//!
//! - Through the facade of the crate `metrics`, to whatever recorder the program has installed: [`every`] ten seconds, or [`publish`] before each scrape.
//! - `Prometheus` (feature `prometheus`) installs a recorder and gives the text that a scrape wants.
//! - `statsd` (feature `statsd`) sends over UDP.
//! - An [`Exporter`] of one's own gets all of it from [`collect()`].
//!
//! ```
//! # use cachekit_runtime as cachekit;
//! use cachekit::{Cache, metrics::{Exporter, Metric, Value, collect}};
//!
//! /// The hits of all caches.
//! #[derive(Default)]
//! struct Hits(u64);
//!
//! impl Exporter for Hits {
//!     fn export(&mut self, metric: &'static Metric, _labels: &[(&'static str, &str)], value: Value<'_>) {
//!         if let ("cachekit_hits_total", Value::Counter(hits)) = (metric.name, value) {
//!             self.0 += hits;
//!         }
//!     }
//! }
//!
//! let squares: Cache<u64, u64> = Cache::builder().name("squares").build();
//! squares.get_or_compute(&12, || 144);
//! assert_eq!(squares.get(&12), Some(144));
//! let mut hits = Hits::default();
//! collect(&mut hits);
//! assert_eq!(hits.0, 1);
//! ```

mod collect;
mod exporter;
mod load_time;
mod periodic;
#[cfg(feature = "prometheus")]
mod prometheus;
mod publisher;
#[cfg(feature = "statsd")]
mod statsd;
mod table;
#[cfg(test)]
mod tests;

pub use collect::collect;
pub use exporter::{Exporter, Value};
pub(crate) use load_time::{backend_time, load_time};
pub use periodic::{Publishing, every};
#[cfg(feature = "prometheus")]
pub use prometheus::Prometheus;
pub use publisher::{Publisher, publish};
#[cfg(feature = "statsd")]
pub use statsd::statsd;
pub use table::{Kind, METRICS, Metric};
