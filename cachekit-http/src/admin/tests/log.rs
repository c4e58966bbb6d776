//! The events of this process.

use std::{
    fmt::{Debug, Write},
    sync::{LazyLock, Mutex, PoisonError},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

static LOG: LazyLock<()> = LazyLock::new(|| tracing::subscriber::set_global_default(Log).expect("the only one"));

/// Begins to listen.
pub(super) fn listen() {
    LazyLock::force(&LOG);
}

/// Those in which somebody of that name asks.
pub(super) fn events_of(who: &str) -> Vec<String> {
    let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
    events.iter().filter(|line| line.contains(&format!(" who=\"{who}\""))).cloned().collect()
}

struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).ok();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cachekit::admin"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        EVENTS.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
