//! What a subscriber of `tracing` hears of cachekit: all spans and events, each with its fields and the span that it is in.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// A span or an event.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The name of a span; of an event its message.
    pub name: String,
    /// Its target.
    pub target: String,
    /// Its level.
    pub level: String,
    /// What was recorded until now, as text.
    pub fields: BTreeMap<String, String>,
    /// The number of the span that it is in, from 1.
    pub within: Option<u64>,
    /// It is a span.
    pub is_span: bool,
}

static HEARD: Mutex<Vec<Heard>> = Mutex::new(Vec::new());

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn heard() -> MutexGuard<'static, Vec<Heard>> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen, for the rest of the process.
///
/// # Panics
/// If something else listens already.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Ear).expect("the only subscriber"));
}

/// All so far; a span's number is its place, from 1.
#[must_use]
pub fn all() -> Vec<Heard> {
    heard().clone()
}

impl Heard {
    /// A field, or nothing.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Is it of that cache, or within what is?
    #[must_use]
    pub fn is_of(&self, cache: &str, all: &[Heard]) -> bool {
        let outer = || self.within.and_then(|span| all.get(usize::try_from(span).ok()?.checked_sub(1)?));
        self.field("cache") == cache || outer().is_some_and(|outer| outer.is_of(cache, all))
    }
}

/// Those of a cache, and what is within them.
#[must_use]
pub fn of(cache: &str) -> Vec<Heard> {
    let all = all();
    all.iter().filter(|one| one.is_of(cache, &all)).cloned().collect()
}

/// The spans of a cache that have that name.
#[must_use]
pub fn spans(cache: &str, name: &str) -> Vec<Heard> {
    of(cache).into_iter().filter(|one| one.is_span && one.name == name).collect()
}

struct Ear;

impl Visit for Heard {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Heard {
    fn new(metadata: &Metadata<'_>, is_span: bool, within: Option<&Id>, is_root: bool) -> Self {
        let around = || ENTERED.with_borrow(|entered| entered.last().copied());
        Heard {
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: metadata.level().to_string(),
            fields: BTreeMap::new(),
            within: within.map(Id::into_u64).or_else(|| if is_root { None } else { around() }),
            is_span,
        }
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cachekit")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut one = Heard::new(span.metadata(), true, span.parent(), span.is_root());
        span.record(&mut one);
        let mut heard = heard();
        heard.push(one);
        Id::from_u64(heard.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).unwrap_or(usize::MAX) - 1;
        if let Some(one) = heard().get_mut(at) {
            values.record(one);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut one = Heard::new(event.metadata(), false, event.parent(), event.is_root());
        event.record(&mut one);
        one.name = one.field("message").to_owned();
        heard().push(one);
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            if let Some(at) = entered.iter().rposition(|one| *one == span.into_u64()) {
                entered.remove(at);
            }
        });
    }
}
