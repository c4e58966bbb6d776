//! What is measured: one memoized function of one library.

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

/// A turn; gives when its measured part began and ended.
type Turn = Work<(Instant, Instant)>;

/// One memoized function of one library.
#[derive(Clone)]
pub struct Contestant {
    /// Library and form.
    pub name: &'static str,
    /// The function.
    pub shape: Shape,
    /// What its cache promises.
    pub promise: Promise,
    make: Arc<dyn Fn(&'static Keys, usize) -> Turn + Send + Sync>,
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.shape)
    }
}

impl Contestant {
    /// A sync one. `call` gets the index of the key; what it returns is kept from being optimised away.
    pub fn sync<R>(name: &'static str, shape: Shape, promise: Promise, call: fn(&'static Keys) -> R) -> Contestant
    where
        R: Fn(usize) + Send + Sync + 'static,
    {
        let make = move |keys: &'static Keys, ops: usize| -> Turn {
            let call = call(keys);
            Arc::new(move |thread, barrier| {
                let mut walk = keys.walk(thread);
                (0..ops / 8).for_each(|_| call(walk.step()));
                barrier.wait();
                let start = Instant::now();
                for _ in 0..ops {
                    call(walk.step());
                }
                (start, Instant::now())
            })
        };
        Contestant { name, shape, promise, make: Arc::new(make) }
    }

    /// An async one, driven by a tokio runtime of the thread, without its cooperative budget.
    pub fn asynchronous<C, F>(
        name: &'static str,
        shape: Shape,
        promise: Promise,
        call: fn(&'static Keys) -> C,
    ) -> Contestant
    where
        C: Fn(usize) -> F + Send + Sync + 'static,
        F: Future<Output = ()>,
    {
        let make = move |keys: &'static Keys, ops: usize| -> Turn {
            let call = call(keys);
            Arc::new(move |thread, barrier| {
                let mut walk = keys.walk(thread);
                let turn = async {
                    for _ in 0..ops / 8 {
                        call(walk.step()).await;
                    }
                    barrier.wait();
                    let start = Instant::now();
                    for _ in 0..ops {
                        call(walk.step()).await;
                    }
                    (start, Instant::now())
                };
                match tokio::runtime::Builder::new_current_thread().build() {
                    Ok(runtime) => runtime.block_on(tokio::task::unconstrained(turn)),
                    Err(error) => panic!("no runtime: {error}"),
                }
            })
        };
        Contestant { name, shape, promise, make: Arc::new(make) }
    }

    /// A turn of so many calls per thread.
    #[must_use]
    pub fn turn(&self, keys: &'static Keys, ops: usize) -> Turn {
        (self.make)(keys, ops)
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
