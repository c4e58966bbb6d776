//! Looks that begin at about the same time go in one command, and nobody notices.

use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, Failure, Fingerprint, Looked, SharedBackend,
        redis::{RedisBackend, Settings},
    },
};
use cachekit_tests::{Hand, redis_server::RedisServer};
use std::{task::Poll, time::Duration};
use tokio::runtime::{Builder, Runtime};

const LONG: Duration = Duration::from_secs(600);

fn open(server: &RedisServer) -> RedisBackend {
    Settings::new(server.url()).namespace("shop").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn address(cache: &str, n: usize) -> Address {
    Address::new(cache, &n.to_string(), Fingerprint(7))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every second entry of two caches is there; the second cache has no generation.
async fn fill(backend: &RedisBackend) -> u64 {
    for cache in ["a", "b"] {
        for n in (0..400).step_by(2) {
            backend.set(&address(cache, n), format!("{cache}{n}").into(), None).await.unwrap();
        }
    }
    backend.generation(&address("a", 0), LONG).await.unwrap()
}

fn expected(cache: &str, n: usize, generation: u64) -> Looked {
    let bytes = n.is_multiple_of(2).then(|| format!("{cache}{n}").into());
    Looked::new(bytes, (cache == "a").then_some(generation))
}

#[test]
fn each_gets_its_own_answer_of_few_commands() {
    let server = RedisServer::start();
    let backend = open(&server);
    runtime().block_on(async {
        let generation = fill(&backend).await;
        let before = server.calls_of("mget");
        let mut looks = Vec::new();
        for n in 0..400 {
            for cache in ["a", "b"] {
                let backend = backend.clone();
                looks.push((cache, n, tokio::spawn(async move { backend.look(&address(cache, n)).await })));
            }
        }
        for (cache, n, look) in looks {
            assert_eq!(look.await.unwrap().unwrap(), expected(cache, n, generation), "{cache}{n}");
        }
        let commands = server.calls_of("mget") - before;
        // Of at most 128 looks each, and not many more than that takes.
        assert!((7..=20).contains(&commands), "{commands}");
    });
}

#[test]
fn who_goes_away_takes_no_answer_from_the_others() {
    let server = RedisServer::start();
    let backend = open(&server);
    runtime().block_on(async {
        let generation = fill(&backend).await;
        let addresses: Vec<Address> = (0..10).map(|n| address("a", n)).collect();
        let mut looks: Vec<_> = addresses.iter().map(|address| Some(Hand::pending(backend.look(address)))).collect();
        for at in [0, 3, 9] {
            looks[at] = None;
        }
        for (n, look) in looks.into_iter().enumerate() {
            let Some(mut look) = look else { continue };
            let looked = std::future::poll_fn(|context| match look.poll() {
                Poll::Ready(looked) => Poll::Ready(looked),
                Poll::Pending => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            });
            assert_eq!(looked.await.unwrap(), expected("a", n, generation), "{n}");
        }
    });
}

#[test]
fn who_looks_alone_asks_once() {
    let server = RedisServer::start();
    let backend = open(&server);
    runtime().block_on(async {
        let generation = fill(&backend).await;
        let asked = || {
            let figure = |name: &str| server.info(name).parse::<u64>().expect("a number");
            (server.calls_of("mget"), figure("keyspace_hits") + figure("keyspace_misses"))
        };
        let before = asked();
        for n in 0..10 {
            assert_eq!(backend.look(&address("a", n)).await.unwrap(), expected("a", n, generation), "{n}");
        }
        let after = asked();
        // Of an entry and its generation each: nothing of the look before is asked once more.
        assert_eq!((after.0 - before.0, after.1 - before.1), (10, 20));
    });
}

#[test]
fn nobody_waits_for_the_first_who_is_not_polled_again() {
    let server = RedisServer::start();
    let backend = open(&server);
    runtime().block_on(async {
        let generation = fill(&backend).await;
        let addresses: Vec<Address> = (0..4).map(|n| address("a", n)).collect();
        let mut first = Hand::pending(backend.look(&addresses[0]));
        for (n, address) in addresses.iter().enumerate().skip(1) {
            let looked = tokio::time::timeout(Duration::from_secs(10), backend.look(address)).await;
            assert_eq!(looked.expect("an answer").unwrap(), expected("a", n, generation), "{n}");
        }
        // What was sent for it meanwhile is its answer.
        assert_eq!(std::future::poll_fn(|_| first.poll()).await.unwrap(), expected("a", 0, generation));
    });
}

#[test]
fn a_look_whose_runtime_goes_fails_and_does_not_hang() {
    let server = RedisServer::start();
    let backend = open(&server);
    let runtime = runtime();
    runtime.block_on(fill(&backend));
    let address = address("a", 0);
    // What would send it has not run when the runtime goes.
    let look = {
        let _inside = runtime.enter();
        Hand::pending(backend.look(&address))
    };
    drop(runtime);
    match look.finish() {
        Err(Error::Backend { failure: Failure::Unreachable, .. }) => {}
        other => panic!("{other:?}"),
    }
}
