//! How long a call waits for the fill locks of others at most, whoever holds them: with a backend of the test's own and the test's clock.

use crate::nodes::RUNTIME;
use cachekit_runtime::{
    Cache, Place,
    backend::{Address, Backend, Claim, HEAD, SharedBackend, Witness},
    testing::TestClock,
};
use cachekit_tests::{drive::drive, own_backend::OwnBackend, waiting::comes_true};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(3);

/// A waiter looks at least so often.
const STEP: Duration = Duration::from_millis(250);

/// How a lock comes to another process.
#[derive(Clone, Copy, PartialEq)]
enum Changes {
    /// Its lease had ended.
    Hands,
    /// A load that failed has given it back, and who waits finds that and comes too late to take it.
    Back,
}

/// A lock of another process, in place of what looks so.
fn other(like: Witness, number: u64) -> Witness {
    let mut head = like.0;
    head[HEAD - 8..].copy_from_slice(&number.to_be_bytes());
    Witness(head)
}

fn take(backend: &OwnBackend, address: &Address, lock: Witness) {
    assert_eq!(drive(backend.claim(address, lock, LEASE)).expect("it answers"), Claim::Ours);
}

/// The place and the lock of a holder that has gone.
async fn left_by_a_holder(cache: Cache<u64, u64>, backend: &OwnBackend) -> (Address, Witness) {
    let (loading, begun) = tokio::sync::oneshot::channel();
    let holder = tokio::spawn(async move {
        let load = || async {
            loading.send(()).expect("it is waited for");
            std::future::pending().await
        };
        cache.get_or_compute_async(&1, load).await
    });
    begun.await.expect("it holds the lock");
    let left = backend.only();
    holder.abort();
    comes_true("it is given back", || async { drive(backend.get(&left.0)).expect("it answers").is_none() }).await;
    left
}

/// How long the call waits, in the time of the clock, while the lock changes every second; and how much may have passed before it had begun to.
async fn waits(name: &'static str, changes: Changes) -> (Duration, Duration) {
    let clock = TestClock::new();
    let backend = OwnBackend::new(clock.clock());
    let node = || -> Cache<u64, u64> {
        let builder = Cache::builder().name(name).clock(clock.clock()).ttl(Duration::from_secs(600)).lock(LEASE);
        builder.timeout(Duration::from_secs(600)).backends([Place::own(backend.clone())]).build()
    };
    let (address, like) = left_by_a_holder(node(), &backend).await;
    take(&backend, &address, other(like, 0));
    let waiter = node();
    let calling = waiter.clone();
    let waiting = tokio::spawn(async move { calling.get_or_compute_async(&1, || async { 7 }).await });
    comes_true("it waits", || async { waiter.stats().far.lock_waits > 0 }).await;
    let mut lost = Duration::ZERO;
    for step in 1..240_u32 {
        if step.is_multiple_of(4) {
            let (last, next) = (other(like, u64::from(step / 4) - 1), other(like, u64::from(step / 4)));
            match changes {
                Changes::Hands => {
                    assert!(drive(backend.replace(&address, last, next, LEASE)).expect("it answers"));
                }
                Changes::Back => {
                    drive(backend.remove(&address)).expect("it answers");
                    let (inner, address) = (backend.clone(), address.clone());
                    backend.after_the_next_look(move || {
                        let own = inner.clone();
                        inner.after_the_next_look(move || take(&own, &address, next));
                    });
                }
            }
        }
        let looks = backend.looks();
        clock.advance(STEP);
        let mut polls = 0;
        comes_true("a look", || {
            // What passed before it had begun to wait again was not waited for: it passes once more.
            polls += 1;
            if polls % 100 == 0 {
                clock.advance(STEP);
                lost += STEP;
            }
            async { waiting.is_finished() || backend.looks() > looks }
        })
        .await;
        if changes == Changes::Back && step.is_multiple_of(4) {
            comes_true("it is taken", || async { waiting.is_finished() || backend.only_if_any().is_some() }).await;
        }
        if waiting.is_finished() {
            assert_eq!(waiting.await.expect("no panic"), 7);
            return (STEP * step, lost);
        }
    }
    panic!("it waits for ever")
}

#[test]
fn a_lock_that_changes_hands_is_waited_for_no_longer_than_two_leases() {
    let (waited, lost) = RUNTIME.block_on(waits("lock_bound_hands", Changes::Hands));
    assert!(waited + lost >= LEASE && waited <= 2 * LEASE + 4 * STEP, "{waited:?} and {lost:?}");
}

#[test]
fn so_is_one_that_is_given_back_and_taken_by_others() {
    let (waited, lost) = RUNTIME.block_on(waits("lock_bound_back", Changes::Back));
    assert!(waited + lost >= LEASE && waited <= 2 * LEASE + 4 * STEP, "{waited:?} and {lost:?}");
}
