//! Soft and hard load timeouts, on the test clock.

use cachekit_runtime::{
    Cache, Error, Outcome, flush,
    private::{Look, Output, ResultOk, ShareProbe, ViaAll, form, look, part},
    testing,
};
use cachekit_tests::{Hand, until};
use std::{future::Future, task::Poll, time::Duration};
use tokio::sync::oneshot;

const SECOND: Duration = Duration::from_secs(1);
type Reply = Result<u64, Error>;

enum Way {
    Timed,
    Detachable,
    DetachableTimed,
}

/// An async call with load timeouts, as generated code makes it.
async fn call<F>(cache: Cache<u64, u64>, way: Way, load: impl FnOnce() -> F + Send + 'static) -> Reply
where
    F: Future<Output = Reply> + Send + 'static,
{
    let share = (&&&ShareProbe::<Reply>::NEW).share();
    let output = Output::<Reply, ResultOk>::NEW;
    let mut outcome = Outcome::new();
    match look(&cache, &part::<u64, form::Val, true>(&1)) {
        Look::Hit(value) => Ok(value),
        Look::Stale(stale) => Ok(stale.into_value()),
        Look::Miss(miss) => match way {
            Way::Timed => miss.run_timed(output, share, &mut outcome, load).await,
            Way::Detachable => miss.run_detachable(output, share, &mut outcome, load).await,
            Way::DetachableTimed => miss.run_detachable_timed(output, share, &mut outcome, load).await,
        },
    }
}

#[test]
fn at_the_hard_timeout_the_call_fails_and_the_load_is_given_up() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().name("slow").load_timeout_hard(SECOND).build();
    let mut slow = Hand::pending(call(cache.clone(), Way::Timed, std::future::pending::<Reply>));
    scope.advance(SECOND - Duration::from_nanos(1));
    assert!(!slow.is_woken() && slow.poll().is_pending());
    scope.advance(Duration::from_nanos(1));
    assert_eq!(slow.finish(), Err(Error::LoadTimeout { cache: "slow".to_owned(), after: SECOND }));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_timeouts, stats.load_cancels), (1, 1, 0));
    assert_eq!(cache.loads_in_flight(), 0);
}

#[test]
fn a_load_in_time_is_not_disturbed_by_its_hard_timeout() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().load_timeout_hard(SECOND).build();
    let (go, wait) = oneshot::channel();
    let call = Hand::pending(call(cache.clone(), Way::Timed, || async { Ok(wait.await.unwrap_or(0)) }));
    scope.advance(SECOND / 2);
    go.send(4).expect("it is waited for");
    assert_eq!(call.finish(), Ok(4));
    assert_eq!((cache.get(&1), cache.stats().load_timeouts), (Some(4), 0));
    assert_eq!(scope.clock().pending(), 0, "no timer is left");
}

#[test]
fn a_caller_that_is_dropped_before_its_timeout_is_a_cancel() {
    let _scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().load_timeout_hard(SECOND).build();
    drop(Hand::pending(call(cache.clone(), Way::Timed, std::future::pending::<Reply>)));
    assert_eq!((cache.stats().load_timeouts, cache.stats().load_cancels), (0, 1));
}

#[test]
fn a_hard_timeout_prefers_a_stale_value() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> =
        Cache::builder().ttl(SECOND).stale_if_error(SECOND * 60).load_timeout_hard(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 2);
    let slow = Hand::pending(call(cache.clone(), Way::Timed, std::future::pending::<Reply>));
    scope.advance(SECOND);
    assert_eq!(slow.finish(), Ok(1));
}

#[test]
fn a_follower_with_time_left_takes_over_from_a_leader_that_timed_out() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder().load_timeout_hard(SECOND).build();
    let leader = Hand::pending(call(cache.clone(), Way::Timed, std::future::pending::<Reply>));
    scope.advance(SECOND / 2);
    let follower = Hand::pending(call(cache.clone(), Way::Timed, || async { Ok(2) }));
    scope.advance(SECOND / 2);
    assert!(leader.finish().is_err());
    assert_eq!(follower.finish(), Ok(2));
}

#[test]
fn after_the_soft_timeout_a_stale_value_is_given_and_the_load_goes_on() {
    cachekit_tests::never_hangs(|| {
        let scope = testing::scope();
        let cache: Cache<u64, u64> =
            Cache::builder().ttl(SECOND).stale_if_error(SECOND * 60).load_timeout_soft(SECOND).build();
        cache.insert(1, 1);
        scope.advance(SECOND * 2);
        let (go, wait) = oneshot::channel();
        let mut slow = Hand::pending(call(cache.clone(), Way::Detachable, || async { Ok(wait.await.unwrap_or(0)) }));
        until(|| cache.stats().loads == 1);
        scope.advance(SECOND - Duration::from_nanos(1));
        assert!(slow.poll().is_pending());
        scope.advance(Duration::from_nanos(1));
        assert_eq!(slow.finish(), Ok(1));
        assert_eq!(cache.loads_in_flight(), 1, "it goes on");
        go.send(2).expect("it is waited for");
        flush().wait();
        assert_eq!((cache.get(&1), cache.stats().loads, cache.loads_in_flight()), (Some(2), 1, 0));
    });
}

#[test]
fn without_a_stale_value_the_soft_timeout_waits_and_the_hard_one_counts() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> = Cache::builder()
        .ttl(SECOND)
        .stale_if_error(SECOND)
        .load_timeout_soft(SECOND)
        .load_timeout_hard(SECOND * 3)
        .build();
    let mut slow = Hand::pending(call(cache.clone(), Way::DetachableTimed, std::future::pending::<Reply>));
    scope.advance(SECOND * 2);
    assert_eq!(slow.poll(), Poll::Pending);
    scope.advance(SECOND);
    assert!(slow.finish().is_err());
}

#[test]
fn a_load_that_ends_before_the_soft_timeout_gives_its_value() {
    cachekit_tests::never_hangs(|| {
        let scope = testing::scope();
        let cache: Cache<u64, u64> =
            Cache::builder().ttl(SECOND).stale_if_error(SECOND * 60).load_timeout_soft(SECOND).build();
        cache.insert(1, 1);
        scope.advance(SECOND * 2);
        let (go, wait) = oneshot::channel();
        let mut call = Hand::pending(call(cache.clone(), Way::Detachable, || async { Ok(wait.await.unwrap_or(0)) }));
        go.send(2).expect("it is waited for");
        flush().wait();
        assert_eq!(call.poll(), Poll::Ready(Ok(2)));
    });
}

#[test]
fn an_inline_refresh_that_times_out_gives_the_value_that_is_there() {
    let scope = testing::scope();
    let cache: Cache<u64, u64> =
        Cache::builder().ttl(SECOND).stale_while_revalidate(SECOND * 60).load_timeout_hard(SECOND).build();
    cache.insert(1, 1);
    scope.advance(SECOND * 2);
    let share = (&&&ShareProbe::<Reply>::NEW).share();
    let Look::Stale(stale) = look(&cache, &part::<u64, form::Val, true>(&1)) else { panic!("it is stale") };
    let Err(miss) = stale.claim_inline() else { panic!("nobody else refreshes it") };
    let mut outcome = Outcome::new();
    let slow = Hand::pending(miss.run_timed(
        Output::<Reply, ResultOk>::NEW,
        share,
        &mut outcome,
        std::future::pending::<Reply>,
    ));
    scope.advance(SECOND);
    assert_eq!(slow.finish(), Ok(1));
}
