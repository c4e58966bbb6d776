//! To a StatsD server, with the tags of DogStatsD, over UDP (feature `statsd`).

use super::{Publishing, every};
use crate::Error;
use metrics_exporter_dogstatsd::DogStatsDBuilder;
use std::time::Duration;

/// Installs a recorder of the facade `metrics` that sends to this address, `"127.0.0.1:8125"`, and hands over every so often while what is returned lives. What else the program tells the
/// facade is sent too. Labels are tags of DogStatsD, which the agents of Datadog, Telegraf, Vector and others take; times are histograms (`|h`).
///
/// What the network loses is lost.
///
/// # Errors
/// The address is none, the program has installed another recorder, or there is no thread to be had.
///
/// ```no_run
/// # use cachekit_runtime as cachekit;
/// use std::time::Duration;
///
/// let sending = cachekit::metrics::statsd("127.0.0.1:8125", Duration::from_secs(10))?;
/// # drop(sending);
/// # Ok::<(), cachekit::Error>(())
/// ```
pub fn statsd(address: &str, interval: Duration) -> Result<Publishing, Error> {
    let failed = |error: metrics_exporter_dogstatsd::BuildError| {
        Error::configuration("metrics", format!("cannot send to StatsD at {address}: {error}"))
    };
    let builder = DogStatsDBuilder::default().with_remote_address(address).map_err(failed)?;
    let builder = builder.with_flush_interval(interval).with_telemetry(false).send_histograms_as_distributions(false);
    builder.install().map_err(failed)?;
    every(interval)
}
