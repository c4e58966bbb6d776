//! Futures are `Send` where their loaders are; others still work on one thread.

use cachekit_runtime::{
    Cache, Outcome,
    private::{Miss, Output, Plain, ShareProbe, ViaAll},
};
use std::rc::Rc;

fn send<T: Send>(value: T) -> T {
    value
}

fn shared<T: Send + Sync>() {}

#[test]
fn handles_cross_threads() {
    shared::<Cache<String, Vec<u8>>>();
    shared::<cachekit_runtime::Flush>();
    shared::<Miss<u64, u64>>();
    shared::<cachekit_runtime::testing::ScopeHandle>();
}

#[test]
fn futures_of_send_loaders_are_send() {
    let cache: Cache<String, u64> = Cache::builder().build();
    drop(send(cache.get_or_compute_async("a", || async { 1 })));
    drop(send(cache.try_get_or_compute_async("a", || async { Err::<u64, std::fmt::Error>(std::fmt::Error) })));
    drop(send(cache.try_get_or_compute_shared_async("a", || async { Ok::<u64, u8>(1) })));
    let mut outcome = Outcome::new();
    let call = cache.call("a").tags(["tag"]).traced(&mut outcome);
    drop(send(call.try_get_or_compute_strict_async(|| async { Ok::<u64, cachekit_runtime::Error>(1) })));
    drop(send(std::future::IntoFuture::into_future(cachekit_runtime::flush())));
    fn run(miss: Miss<u64, u64>) -> impl Future<Output = u64> + Send {
        let share = (&&&ShareProbe::<u64>::NEW).share();
        async move { miss.run_async(Output::<u64, Plain>::NEW, share, &mut Outcome::new(), || async { 1 }).await }
    }
    let _: fn(Miss<u64, u64>) -> _ = run;
}

#[test]
fn an_error_need_be_neither_clone_nor_static() {
    struct Borrowing<'a>(&'a str);
    let text = "short-lived".to_owned();
    let cache: Cache<u64, u64> = Cache::builder().build();
    let result = cache.try_get_or_compute(&1, || Err(Borrowing(&text)));
    assert!(result.is_err_and(|error| error.0 == "short-lived"));
}

#[test]
fn a_loader_that_is_not_send_works_on_a_local_set() {
    cachekit_tests::never_hangs(|| {
        let tokio = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let cache: Cache<u64, u64> = Cache::builder().build();
        let local = tokio::task::LocalSet::new();
        let values = local.block_on(&tokio, async {
            let call = |value| {
                let (cache, value) = (cache.clone(), Rc::new(value));
                tokio::task::spawn_local(async move {
                    cache
                        .get_or_compute_async(&1, || async {
                            tokio::task::yield_now().await;
                            *value
                        })
                        .await
                })
            };
            let (first, second) = (call(1), call(2));
            (first.await.ok(), second.await.ok())
        });
        assert_eq!(values, (Some(1), Some(1)));
        assert_eq!(cache.stats().loads, 1);
    });
}
