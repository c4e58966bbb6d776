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

/// Commands of that name that the server has run.
fn count(server: &RedisServer, command: &str) -> u64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
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
        let before = count(&server, "mget");
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
        let commands = count(&server, "mget") - before;
        // Of at most 64 looks each, and not many more than that takes.
        assert!((13..=40).contains(&commands), "{commands}");
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
