//! A master that real sentinels name: it fails, another takes over, and calls follow in time.

use cachekit_runtime::{
    Error,
    backend::{
        Address, Backend, Failure, Fingerprint, SharedBackend,
        redis::{RedisBackend, Settings},
    },
};
use cachekit_tests::{
    redis_server::{RedisServer, Sentinels},
    waiting::{PATIENCE, failure, works_again},
};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// The response timeout where servers fail.
const TIMEOUT: Duration = Duration::from_millis(150);

/// What a call may take then: the timeout, and a margin for a machine that does other things too.
const IN_TIME: Duration = TIMEOUT.saturating_mul(5);

fn open(url: String) -> RedisBackend {
    let settings = Settings::new(url).namespace("shop").connect_timeout(Duration::from_secs(1));
    settings.response_timeout(TIMEOUT).open().unwrap()
}

fn address() -> Address {
    Address::new("user", "1", Fingerprint(7))
}

const KEY: &str = "ck:shop:d:{user:1}:0000000000000007";

async fn works(backend: &RedisBackend) -> Result<(), Error> {
    backend.set(&address(), "value".into(), None).await?;
    let read = backend.get(&address()).await?;
    backend.remove_many(&[address()]).await?;
    let left = backend.look(&address()).await?.bytes;
    // While masters change, one of these may have been the last that the old one was asked.
    if read.as_deref() != Some(b"value") || left.is_some() {
        return Err(Error::backend("test", Failure::Other, format_args!("{read:?}, then {left:?}")));
    }
    backend.ping().await
}

/// It works before long; until then each try ends in time.
async fn comes<F: Future<Output = Result<(), Error>>>(what: &str, attempt: impl FnMut() -> F) {
    works_again(what, 5 * IN_TIME, attempt).await;
}

#[tokio::test]
async fn a_failover_by_order_and_back() {
    let mut sentinels = Sentinels::start(1);
    let backend = open(sentinels.url());
    comes("the first connection", || works(&backend)).await;
    for expected in [1, 0] {
        assert_eq!(sentinels.failover(), expected);
        // The old one is well and takes what it gets, until the sentinels tell it; they are asked each second.
        let (seen, value) = (Instant::now(), format!("by {expected}"));
        comes("the new master", || async {
            backend.set(&address(), value.clone().into(), None).await?;
            if sentinels.server(expected).cli(&["GET", KEY]) != value {
                return Err(Error::backend("test", Failure::Other, "the old one still"));
            }
            works(&backend).await
        })
        .await;
        assert!(seen.elapsed() < Duration::from_secs(5), "{:?}", seen.elapsed());
    }
}

#[tokio::test]
async fn a_master_that_dies_and_comes_back() {
    let mut sentinels = Sentinels::start(1);
    let backend = open(sentinels.url());
    comes("the first connection", || works(&backend)).await;
    backend.set(&address(), "before".into(), None).await.unwrap();
    sentinels.server_mut(0).kill();
    // Each call in the meantime ends in time.
    for _ in 0..50 {
        let start = Instant::now();
        let (kind, message) = failure(backend.get(&address()).await);
        assert!(start.elapsed() <= IN_TIME, "{:?}", start.elapsed());
        assert!(matches!(kind, Failure::Unreachable | Failure::Timeout | Failure::Busy), "{message}");
    }
    assert_eq!(sentinels.wait_for_failover(0), 1);
    sentinels.be_patient();
    comes("the new master", || works(&backend)).await;
    // The old one begins as a master without data, until the sentinels find it. Nobody asks it.
    // Of a try that ended without an answer something may come to the server later.
    comes("the value", || async {
        backend.set(&address(), "after".into(), None).await?;
        match sentinels.server(1).cli(&["GET", KEY]).as_str() {
            "after" => Ok(()),
            other => Err(Error::backend("test", Failure::Other, format_args!("there is {other}"))),
        }
    })
    .await;
    sentinels.server_mut(0).restart();
    let another = open(sentinels.url());
    let deadline = Instant::now() + PATIENCE;
    while sentinels.server(0).try_cli(&["ROLE"]).is_ok_and(|role| role.starts_with("master")) {
        for (who, backend) in [("the one", &backend), ("the other", &another)] {
            if let Ok(found) = backend.get(&address()).await {
                let named = || (0..3).map(|at| sentinels.master_named_by(at)).collect::<Vec<_>>();
                assert_eq!(found.as_deref(), Some(&b"after"[..]), "{who}; the sentinels name {:?}", named());
            }
        }
        // Not to take the processor from those who watch.
        tokio::time::sleep(Duration::from_millis(20)).await; // sleeps: the sentinels have their own time
        assert!(Instant::now() < deadline, "the old master was not found");
    }
    comes("both", || async { works(&backend).await.and(works(&another).await) }).await;
}

#[tokio::test]
async fn a_master_that_hangs() {
    let mut sentinels = Sentinels::start(1);
    let backend = open(sentinels.url());
    comes("the first connection", || works(&backend)).await;
    let pid = sentinels.server(0).pid().to_string();
    let signal = |signal: &str| {
        let done = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(done.is_ok_and(|status| status.success()));
    };
    signal("-STOP");
    assert_eq!(failure(backend.get(&address()).await).0, Failure::Timeout);
    assert_eq!(sentinels.wait_for_failover(0), 1);
    sentinels.be_patient();
    comes("the new master", || works(&backend)).await;
    signal("-CONT");
    comes("the new master still", || works(&backend)).await;
    backend.set(&address(), "after".into(), None).await.unwrap();
    assert_eq!(sentinels.server(1).cli(&["GET", KEY]), "after");
}

/// It takes no writes any more, though the connection is as it was.
#[tokio::test]
async fn a_master_that_became_a_replica_behind_our_back() {
    let sentinels = Sentinels::start(1);
    let patient = Settings::new(sentinels.url()).namespace("shop").response_timeout(Duration::from_secs(30));
    let backend = patient.open().unwrap();
    works(&backend).await.unwrap();
    sentinels.swap(1);
    // At the first refusal the sentinels are asked, not at the next second.
    let (kind, message) = failure(backend.set(&address(), "lost".into(), None).await);
    assert_eq!(kind, Failure::NotWritable, "{message}");
    works(&backend).await.unwrap();
    backend.set(&address(), "after".into(), None).await.unwrap();
    assert_eq!(sentinels.server(1).cli(&["GET", KEY]), "after");
}

/// One of them is elsewhere, one has no answer, one knows only yesterday's master: the last one is enough.
#[tokio::test]
async fn one_good_sentinel_is_enough() {
    let mut sentinels = Sentinels::start(1);
    let replica = sentinels.server(1).port().to_string();
    let stale = &sentinels.sentinels()[0];
    stale.cli(&["SENTINEL", "REMOVE", "main"]);
    assert_eq!(stale.cli(&["SENTINEL", "MONITOR", "main", "127.0.0.1", &replica, "2"]), "OK");
    assert_eq!(sentinels.master_named_by(0), 1);
    sentinels.sentinel_mut(1).kill();
    let ports: Vec<_> = [1].into_iter().chain([1, 0, 2].map(|at: usize| sentinels.sentinels()[at].port())).collect();
    let backend = open(sentinels.url_with(&ports));
    comes("the good one", || works(&backend)).await;
    backend.set(&address(), "after".into(), None).await.unwrap();
    assert_eq!(sentinels.server(0).cli(&["GET", KEY]), "after");
    // Those alone that are wrong: it says which server is no master.
    let backend = open(sentinels.url_with(&ports[..3]));
    let (kind, message) = failure(backend.get(&address()).await);
    assert_eq!(kind, Failure::Busy, "{message}");
    assert!(message.contains("no master") && message.contains(&replica), "{message}");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let sentinels = Sentinels::start(1);
    let (kind, message) = failure(open(sentinels.url().replace("/main", "/other")).ping().await);
    assert_eq!(kind, Failure::Misconfigured);
    assert!(message.contains("knows no master `other`"), "{message}");
    let server = RedisServer::start();
    let (_, message) = failure(open(sentinels.url_with(&[server.port()])).ping().await);
    assert!(
        message.contains("the sentinel 127.0.0.1") && message.to_lowercase().contains("unknown command"),
        "{message}"
    );
    let (kind, message) = failure(open(sentinels.url_with(&[1, 2])).ping().await);
    assert_eq!(kind, Failure::Unreachable);
    assert!(message.contains("the sentinel 127.0.0.1:"), "{message}");
}

#[tokio::test]
async fn servers_and_sentinels_have_passwords_of_their_own() {
    let options = RedisServer::options().password("hunter2");
    let mut sentinels = Sentinels::with(options, 1, Some("rosebud"));
    let backend = open(sentinels.url());
    comes("the first connection", || works(&backend)).await;
    assert_eq!(sentinels.failover(), 1);
    comes("the new master", || works(&backend)).await;
    let shown = format!("{backend:?} {:?}", Settings::new(sentinels.url()));
    assert!(!shown.contains("hunter2") && !shown.contains("rosebud"), "{shown}");
    for (right, wrong) in [("hunter2", "hunter3"), ("rosebud", "rose"), ("?sentinel_password=rosebud", "")] {
        let (kind, message) = failure(open(sentinels.url().replace(right, wrong)).ping().await);
        assert_eq!(kind, Failure::Misconfigured, "{message}");
        assert!(!message.contains("hunter") && !message.contains("rose"), "{message}");
    }
}
