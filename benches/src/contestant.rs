//! What is measured: one memoized function, or one cache, of one library.

use crate::{keys::Keys, workers::Work};
use std::{fmt, future::Future, hint::black_box, sync::Arc, time::Instant};

/// The function that is memoized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `fn(u64) -> u64`
    Number,
    /// `fn(&str) -> String`
    Text,
    /// `fn(u64, &str) -> Arc<String>`
    Mixed,
    /// `async fn(u64) -> u64`
    AsyncNumber,
    /// `async fn(&str) -> String`
    AsyncText,
    /// `async fn(u64, &str) -> Arc<String>`
    AsyncMixed,
}

impl Shape {
    /// All of them, in the order of the report.
    pub const ALL: [Shape; 6] =
        [Shape::Number, Shape::Text, Shape::Mixed, Shape::AsyncNumber, Shape::AsyncText, Shape::AsyncMixed];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Number => "fn(u64) -> u64",
            Shape::Text => "fn(&str) -> String",
            Shape::Mixed => "fn(u64, &str) -> Arc<String>",
            Shape::AsyncNumber => "async fn(u64) -> u64",
            Shape::AsyncText => "async fn(&str) -> String",
            Shape::AsyncMixed => "async fn(u64, &str) -> Arc<String>",
        })
    }
}

/// What the cache of a contestant promises: like is compared with like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Promise {
    /// A bound and a time to live.
    BoundAndTtl,
    /// A bound.
    Bound,
    /// Neither.
    Unbounded,
    /// No cache that could be compared: one per thread, or none.
    Other,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Promise::BoundAndTtl => "bound + ttl",
            Promise::Bound => "bound",
            Promise::Unbounded => "unbounded",
            Promise::Other => "-",
        })
    }
}

/// What a thread did in its turn.
#[derive(Debug, Clone, Copy)]
pub struct Turned {
    /// When its measured part began.
    pub start: Instant,
    /// When its measured part ended.
    pub end: Instant,
    /// How many calls found their key in the cache; `None` where nobody counts.
    pub hits: Option<usize>,
}

/// A turn.
pub type Turn = Work<Turned>;

/// Who a contestant is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Library and form.
    pub name: String,
    /// What it is measured at; those of one group are compared.
    pub group: String,
    /// What its cache promises.
    pub promise: Promise,
}

/// One memoized function, or one cache, of one library.
#[derive(Clone)]
pub struct Contestant {
    /// Who it is.
    pub label: Label,
    make: Arc<dyn Fn(usize) -> Turn + Send + Sync>,
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.label.name, self.label.group)
    }
}

/// A turn makes the number of calls asked for, divided by this, before its measured part, to warm up.
pub const WARM_UP: usize = 8;

impl Contestant {
    /// One whose turns, given the number of calls per thread, `make` makes. It does not build its cache before the first.
    pub fn new(label: Label, make: impl Fn(usize) -> Turn + Send + Sync + 'static) -> Contestant {
        Contestant { label, make: Arc::new(make) }
    }

    fn of_function(
        name: &str,
        shape: Shape,
        promise: Promise,
        make: impl Fn(usize) -> Turn + Send + Sync + 'static,
    ) -> Contestant {
        Self::new(Label { name: name.to_owned(), group: shape.to_string(), promise }, make)
    }

    /// A sync one. `call` gets the index of the key; what it returns is kept from being optimised away.
    pub fn sync<R>(
        name: &'static str,
        shape: Shape,
        promise: Promise,
        keys: &'static Keys,
        call: fn(&'static Keys) -> R,
    ) -> Contestant
    where
        R: Fn(usize) + Send + Sync + 'static,
    {
        let make = move |ops: usize| -> Turn {
            let call = call(keys);
            Arc::new(move |thread, barrier| {
                let mut walk = keys.walk(thread);
                (0..ops / WARM_UP).for_each(|_| call(walk.step()));
                barrier.wait();
                let start = Instant::now();
                for _ in 0..ops {
                    call(walk.step());
                }
                Turned { start, end: Instant::now(), hits: None }
            })
        };
        Self::of_function(name, shape, promise, make)
    }

    /// An async one, driven by a tokio runtime of the thread, without its cooperative budget.
    pub fn asynchronous<C, F>(
        name: &'static str,
        shape: Shape,
        promise: Promise,
        keys: &'static Keys,
        call: fn(&'static Keys) -> C,
    ) -> Contestant
    where
        C: Fn(usize) -> F + Send + Sync + 'static,
        F: Future<Output = ()>,
    {
        let make = move |ops: usize| -> Turn {
            let call = call(keys);
            Arc::new(move |thread, barrier| {
                let mut walk = keys.walk(thread);
                let turn = async {
                    for _ in 0..ops / WARM_UP {
                        call(walk.step()).await;
                    }
                    barrier.wait();
                    let start = Instant::now();
                    for _ in 0..ops {
                        call(walk.step()).await;
                    }
                    Turned { start, end: Instant::now(), hits: None }
                };
                match tokio::runtime::Builder::new_current_thread().build() {
                    Ok(runtime) => runtime.block_on(tokio::task::unconstrained(turn)),
                    Err(error) => panic!("no runtime: {error}"),
                }
            })
        };
        Self::of_function(name, shape, promise, make)
    }

    /// A turn of so many calls per thread.
    #[must_use]
    pub fn turn(&self, ops: usize) -> Turn {
        (self.make)(ops)
    }
}

/// Keeps a number from being optimised away.
#[inline]
pub fn use_number(number: u64) {
    black_box(number);
}

/// Keeps a text from being optimised away, and drops it.
#[inline]
pub fn use_text(text: String) {
    black_box(text);
}

/// Keeps a shared text from being optimised away, and drops it.
#[inline]
pub fn use_shared(text: Arc<String>) {
    black_box(text);
}
