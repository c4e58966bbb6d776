//! The text that Prometheus scrapes (feature `prometheus`).

use super::{
    publish,
    table::{BACKEND_SECONDS, LOAD_SECONDS},
};
use crate::Error;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of times, in seconds: three for each power of ten, from a microsecond's neighbourhood to a minute.
const SECONDS: [f64; 20] = [
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 60.0,
];

/// A recorder of the facade `metrics` for Prometheus, and the text of a scrape. What else the program tells the facade is in it too.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, metrics::Prometheus};
///
/// let prometheus = Prometheus::install()?; // at the start
///
/// let squares: Cache<u64, u64> = Cache::builder().name("squares").build();
/// squares.get_or_compute(&12, || 144);
/// let text = prometheus.render(); // for each `GET /metrics`
/// assert!(text.contains(r#"cachekit_loads_total{cache="squares"} 1"#));
/// # Ok::<(), cachekit::Error>(())
/// ```
#[derive(Clone)]
pub struct Prometheus {
    handle: PrometheusHandle,
}

impl Prometheus {
    /// What a response with the text says of it: `Content-Type`.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Installs the recorder, with buckets for times.
    ///
    /// # Errors
    /// The program has installed another one: give its handle to [`with`](Self::with).
    pub fn install() -> Result<Self, Error> {
        let failed = |error: metrics_exporter_prometheus::BuildError| {
            Error::configuration(
                "metrics",
                format!("{error}; with a recorder of your own, `Prometheus::with` takes its handle"),
            )
        };
        let mut builder = PrometheusBuilder::new();
        for metric in [&LOAD_SECONDS, &BACKEND_SECONDS] {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, &SECONDS).map_err(failed)?;
        }
        Ok(Prometheus { handle: builder.install_recorder().map_err(failed)? })
    }

    /// For a recorder that the program has installed. Without buckets of its own for `cachekit_load_seconds` and `cachekit_backend_seconds` it makes summaries of them.
    #[must_use]
    pub fn with(handle: PrometheusHandle) -> Self {
        Prometheus { handle }
    }

    /// All metrics of now, as the text format has them.
    #[must_use]
    pub fn render(&self) -> String {
        publish();
        self.handle.run_upkeep();
        self.handle.render()
    }
}
