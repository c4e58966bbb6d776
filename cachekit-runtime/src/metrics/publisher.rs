//! To the recorder that the program has installed.

use super::{Exporter, METRICS, Metric, Value, collect};
use crate::sync::lock;
use metrics::Label;
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

/// Hands numbers to the facade of the crate `metrics`. Remembers what it has handed over: counters are told by how much they have grown, so that of one cache there
/// must be one of these for one recorder. That of the process is [`publish`].
#[derive(Default)]
pub struct Publisher {
    known: HashMap<(&'static str, Vec<Label>), Known>,
    round: u64,
}

struct Known {
    /// Of a counter, as it was told last.
    count: u64,
    is_gauge: bool,
    round: u64,
}

impl Publisher {
    /// One that has handed over nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands over what has changed since the last time. Gauges of caches that are gone become zero.
    pub fn publish(&mut self) {
        METRICS.iter().for_each(|metric| metric.describe());
        self.round += 1;
        collect(self);
        let round = self.round;
        self.known.retain(|(name, labels), known| {
            let is_there = known.round == round;
            if !is_there && known.is_gauge {
                metrics::gauge!(*name, labels.clone()).set(0.0);
            }
            is_there
        });
    }
}

impl Exporter for Publisher {
    fn export(&mut self, metric: &'static Metric, labels: &[(&'static str, &str)], value: Value<'_>) {
        let labels: Vec<Label> = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
        let (is_gauge, count) = match value {
            Value::Counter(count) => (false, count),
            Value::Gauge(_) => (true, 0),
            // Each was told when it ended.
            Value::Histogram(_) => return,
        };
        let known = self.known.entry((metric.name, labels.clone())).or_insert(Known { count: 0, is_gauge, round: 0 });
        match value {
            Value::Gauge(level) => metrics::gauge!(metric.name, labels).set(level),
            _ => {
                // Also where it has not grown: then it is known to the recorder, as zero.
                let counter = metrics::counter!(metric.name, labels);
                // Less than last time: it is another cache of that name.
                let grown = count.checked_sub(known.count).unwrap_or(count);
                if grown > 0 {
                    counter.increment(grown);
                }
            }
        }
        (known.count, known.round) = (count, self.round);
    }
}

/// Hands what all caches have counted since the last time to the recorder that the program has installed; before it has one, that is lost. To be called before
/// each scrape, or [every](super::every) so often.
pub fn publish() {
    static GLOBAL: LazyLock<Mutex<Publisher>> = LazyLock::new(Mutex::default);
    lock(&GLOBAL).publish();
}
