//! What a hit costs: no allocation, no clone of an argument.

use cachekit::{backend::MemoryBytes, cache, testing};
use std::cell::Cell;
use std::sync::Arc;

#[cache]
fn number(n: u64) -> u64 {
    n + 1
}

#[cache]
fn text(name: &str) -> Arc<str> {
    Arc::from(name)
}

#[cache]
fn mixed(id: u64, name: &str) -> Arc<String> {
    Arc::new(format!("{id} {name}"))
}

#[cache]
async fn mixed_async(id: u64, name: &str) -> Arc<String> {
    Arc::new(format!("{id} {name}"))
}

#[cache(ttl = "1h", idle = "10m", tags = ["id:{id}"])]
fn timed_and_tagged(id: u64, name: &str) -> Arc<String> {
    Arc::new(format!("{id} {name}"))
}

#[cache(key = (id, name.trim()))]
fn by_expression(id: u64, name: &str) -> Arc<String> {
    Arc::new(format!("{id} {name}"))
}

#[cache(key = "{id}/{name}")]
fn by_template(id: u64, name: &str) -> Result<Arc<String>, String> {
    Ok(Arc::new(format!("{id} {name}")))
}

#[cache]
fn generic<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: &T) -> usize {
    std::mem::size_of_val(value)
}

#[cache(backend = ["memory", MemoryBytes::new()])]
fn before_bytes(id: u64) -> u64 {
    id + 1
}

#[cache(backend = ["memory", MemoryBytes::new()], codec = "json")]
async fn before_bytes_async(id: u64) -> u64 {
    id + 1
}

struct Repo {
    tenant: String,
}

impl Repo {
    #[cache(key = (&self.tenant, id))]
    fn find(&self, id: u64) -> Arc<String> {
        Arc::new(format!("{} {id}", self.tenant))
    }

    #[cache(skip(self))]
    async fn find_async(&self, id: u64, name: &str) -> Arc<String> {
        Arc::new(format!("{} {id} {name}", self.tenant))
    }
}

/// Allocations of the second call; the first one computes.
fn per_hit<T>(call: impl Fn() -> T) -> u64 {
    call();
    call();
    allocation_counter::measure(|| drop(call())).count_total
}

fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a call that does not wait is ready at once"),
    }
}

fn all(of: &str) {
    let repo = Repo { tenant: "t".to_owned() };
    let counts = [
        ("fn(u64) -> u64", per_hit(|| number(1))),
        ("fn(&str) -> Arc<str>", per_hit(|| text("a name that is not short"))),
        ("fn(u64, &str) -> Arc<String>", per_hit(|| mixed(1, "a"))),
        ("async fn(u64, &str) -> Arc<String>", per_hit(|| ready(mixed_async(1, "a")))),
        ("ttl, idle, tags", per_hit(|| timed_and_tagged(1, "a"))),
        ("key = (…)", per_hit(|| by_expression(1, " a"))),
        ("key = \"…\"", per_hit(|| by_template(1, "a"))),
        ("generic", per_hit(|| generic(&7_u32))),
        ("&self", per_hit(|| repo.find(1))),
        ("async &self", per_hit(|| ready(repo.find_async(1, "a")))),
        ("memory in front of bytes", per_hit(|| before_bytes(1))),
        ("async, memory in front of bytes, a named codec", per_hit(|| ready(before_bytes_async(1)))),
        ("traced", per_hit(|| mixed::traced(1, "a"))),
        ("get", per_hit(|| mixed::get(1, "a"))),
    ];
    for (shape, count) in counts {
        assert_eq!(count, 0, "{of}: allocations per hit of {shape}");
    }
}

#[test]
fn a_hit_allocates_nothing() {
    all("plain");
}

#[test]
fn a_hit_in_a_scope_allocates_nothing() {
    let _scope = testing::scope();
    all("in a scope");
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

thread_local! {
    static CLONES: Cell<u32> = const { Cell::new(0) };
}

#[derive(PartialEq, Eq, Hash)]
struct Counted(u64);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Counted(self.0)
    }
}

#[cache]
fn by_value(argument: Counted) -> u64 {
    argument.0
}

#[cache]
fn by_reference(argument: &Counted) -> u64 {
    argument.0
}

#[cache]
async fn by_value_async(argument: Counted, other: Option<&Counted>, more: &[Counted]) -> u64 {
    argument.0 + other.map_or(0, |other| other.0) + more.len() as u64
}

#[cache(key = (&argument, other))]
fn in_an_expression(argument: Counted, other: &Counted) -> u64 {
    argument.0 + other.0
}

#[cache(skip(other))]
fn skipped(argument: (u64,), other: Counted) -> u64 {
    argument.0 + other.0
}

#[cache(ttl = "1h", stale_while_revalidate = "1h")]
fn refreshable(argument: &Counted) -> u64 {
    argument.0
}

#[test]
fn a_hit_clones_no_argument() {
    let _scope = testing::scope();
    let call = || {
        by_value(Counted(1));
        by_reference(&Counted(1));
        ready(by_value_async(Counted(1), Some(&Counted(2)), &[Counted(3)]));
        in_an_expression(Counted(1), &Counted(2));
        skipped((1,), Counted(2));
        refreshable(&Counted(1));
        let _ = by_value::traced(Counted(1));
        let _ = by_value::get(Counted(1));
    };
    call();
    assert!(CLONES.get() > 0, "misses own their keys");
    CLONES.set(0);
    call();
    assert_eq!(CLONES.get(), 0);
}

struct Payload(u64);

impl Clone for Payload {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Payload(self.0)
    }
}

#[cache]
fn payload(n: u64) -> Payload {
    Payload(n)
}

#[test]
fn a_hit_clones_its_value_once() {
    let _scope = testing::scope();
    payload(1);
    CLONES.set(0);
    assert_eq!(payload(1).0, 1);
    assert_eq!(CLONES.get(), 1);
}
