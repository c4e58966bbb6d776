//! What several programs on one Redis can rely on: nothing that was computed before an invalidation is valid after it, whoever computed it, and
//! whatever is lost meanwhile.

use cachekit_runtime::backend::{
    Address, Backend, Claim, Fingerprint, HEAD, SharedBackend, Witness,
    redis::{RedisBackend, Settings},
};
use cachekit_tests::{eventually, redis_server::RedisServer};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const LONG: Duration = Duration::from_secs(600);
const OURS: Fingerprint = Fingerprint(0xaaaa);
const THEIRS: Fingerprint = Fingerprint(0xbbbb);

fn open(server: &RedisServer) -> RedisBackend {
    Settings::new(server.url()).namespace("shop").response_timeout(Duration::from_secs(30)).open().unwrap()
}

fn address(fingerprint: Fingerprint) -> Address {
    Address::new("user", "1", fingerprint)
}

/// A head that no other call has given.
fn head() -> Witness {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Witness(head)
}

/// An envelope as a cache would write one: a head, the generation that it names, the value.
fn envelope(head: Witness, generation: u64, value: u64) -> Vec<u8> {
    [&head.0[..], &generation.to_be_bytes(), &value.to_be_bytes()].concat()
}

/// The value in the envelope, if it is one and names the generation.
fn valid(bytes: &[u8], generation: Option<u64>) -> Option<u64> {
    let number = |from: usize| Some(u64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
    (number(HEAD) == generation && generation.is_some()).then(|| number(HEAD + 8))?
}

/// What a reader does: looks, and fills what is missing or not valid.
struct Program {
    backend: RedisBackend,
    address: Address,
}

/// What the fill has seen, and what it will need to store.
struct Fill {
    witness: Witness,
    generation: u64,
}

impl Program {
    async fn new(server: &RedisServer, fingerprint: Fingerprint) -> Self {
        let backend = open(server);
        backend.announce("user", fingerprint).await.unwrap();
        Program { backend, address: address(fingerprint) }
    }

    async fn hit(&self) -> Option<u64> {
        let looked = self.backend.look(&self.address).await.unwrap();
        valid(&looked.bytes?, looked.generation)
    }

    /// `None`: somebody else fills.
    async fn begin(&self) -> Option<Fill> {
        let generation = self.backend.generation(&Address::new("user", "", Fingerprint(0)), LONG).await.unwrap();
        let ours = head();
        match self.backend.claim(&self.address, ours, LONG).await.unwrap() {
            Claim::Ours => Some(Fill { witness: ours, generation }),
            // A marker of another, which is a good witness too.
            Claim::Theirs(bytes) if bytes.len() == HEAD => {
                Some(Fill { witness: Witness(bytes[..].try_into().unwrap()), generation })
            }
            // An envelope that names another generation: in its place.
            Claim::Theirs(bytes) if valid(&bytes, Some(generation)).is_none() => {
                let seen = Witness(bytes[..HEAD].try_into().unwrap());
                let is_ours = self.backend.replace(&self.address, seen, ours, LONG).await.unwrap();
                is_ours.then_some(Fill { witness: ours, generation })
            }
            _ => None,
        }
    }

    async fn store(&self, fill: &Fill, value: u64) -> bool {
        let bytes = envelope(head(), fill.generation, value);
        self.backend.store(&self.address, fill.witness, Some(bytes.into()), Some(LONG)).await.unwrap()
    }

    async fn invalidate(&self) {
        self.backend.remove_many(std::slice::from_ref(&self.address)).await.unwrap();
    }
}

#[tokio::test]
async fn the_keys_are_those_of_the_layout_and_nothing_is_left_behind() {
    let server = RedisServer::start();
    let program = Program::new(&server, OURS).await;
    let fill = program.begin().await.unwrap();
    assert!(program.store(&fill, 7).await);
    let keys = || server.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let data = "ck:shop:d:{user:1}:000000000000aaaa".to_owned();
    let control = ["ck:shop:f:{user}", "ck:shop:s:b:{0}", "ck:shop:s:g:{user}"].map(str::to_owned);
    assert_eq!(keys(), control.iter().cloned().chain([data]).collect());
    assert_eq!(server.cli(&["SMEMBERS", "ck:shop:f:{user}"]), "000000000000aaaa");
    program.invalidate().await;
    assert_eq!(keys(), control.into_iter().collect());
}

/// What issue after issue builds on: who watches the signals is told of an invalidation, once, and of no fill.
#[tokio::test]
async fn an_invalidation_touches_its_signal_and_a_fill_does_not() {
    let server = RedisServer::start();
    server.cli(&["CONFIG", "SET", "notify-keyspace-events", "KA"]);
    let mut watcher = std::process::Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "PSUBSCRIBE", "__keyspace@0__:ck:shop:s:{*"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("it watches", || server.cli(&["PUBSUB", "NUMPAT"]) == "1");
    let program = Program::new(&server, OURS).await;
    let fill = program.begin().await.unwrap();
    assert!(program.store(&fill, 7).await);
    program.invalidate().await;
    server.cli(&["PUBLISH", "__keyspace@0__:ck:shop:s:{end", "end"]);
    let mut events = Vec::new();
    let output = std::io::BufReader::new(watcher.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(output).map(Result::unwrap);
    while let Some(line) = lines.next() {
        if line == "pmessage" {
            let channel = lines.nth(1).unwrap();
            events.push((channel.replace("__keyspace@0__:", ""), lines.next().unwrap()));
        }
        if events.last().is_some_and(|(_, event)| event == "end") {
            break;
        }
    }
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    let signal = |event: &str| ("ck:shop:s:{user:1}".to_owned(), event.to_owned());
    let end = ("ck:shop:s:{end".to_owned(), "end".to_owned());
    assert_eq!(events, [signal("set"), signal("del"), end]);
}

#[tokio::test]
async fn a_fill_that_began_before_an_invalidation_is_not_stored() {
    let server = RedisServer::start();
    let (one, another) = (Program::new(&server, OURS).await, Program::new(&server, OURS).await);
    for by_clear in [false, true] {
        let fill = one.begin().await.unwrap();
        if by_clear {
            another.backend.invalidate_all("user").await.unwrap();
        } else {
            another.invalidate().await;
            assert!(!one.store(&fill, 1).await);
        }
        one.store(&fill, 1).await;
        assert_eq!((one.hit().await, another.hit().await), (None, None), "by clear: {by_clear}");
        let fill = another.begin().await.unwrap();
        assert!(another.store(&fill, 2).await);
        assert_eq!(one.hit().await, Some(2));
        one.invalidate().await;
    }
}

/// Its marker is evicted, ends, is deleted by hand or is lost with a restart: the fill stores nothing.
#[tokio::test]
async fn a_fill_whose_marker_is_lost_is_not_stored() {
    let mut server = RedisServer::start();
    let program = Program::new(&server, OURS).await;
    let data = "ck:shop:d:{user:1}:000000000000aaaa";
    let fill = program.begin().await.unwrap();
    assert_eq!(server.cli(&["DEL", data]), "1");
    assert!(!program.store(&fill, 1).await);
    let fill = program.begin().await.unwrap();
    server.cli(&["PEXPIRE", data, "1"]);
    eventually("the marker ends", || server.cli(&["EXISTS", data]) == "0");
    assert!(!program.store(&fill, 1).await);
    let fill = program.begin().await.unwrap();
    server.restart();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let stored = loop {
        let store = program.backend.store(&program.address, fill.witness, Some("late".into()), None);
        match store.await {
            Ok(stored) => break stored,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
    };
    assert!(!stored);
    assert_eq!(program.backend.get(&program.address).await.unwrap(), None);
}

/// Two programs of different shapes never see each other's entries, and each invalidates for both.
#[tokio::test]
async fn two_programs_side_by_side() {
    let server = RedisServer::start();
    let (old, new) = (Program::new(&server, OURS).await, Program::new(&server, THEIRS).await);
    for round in 0..4 {
        for (program, value) in [(&old, 1), (&new, 2)] {
            let fill = program.begin().await.unwrap();
            assert!(program.store(&fill, value).await);
        }
        assert_eq!((old.hit().await, new.hit().await), (Some(1), Some(2)));
        if round % 2 == 0 {
            old.invalidate().await
        } else {
            new.invalidate().await
        }
        assert_eq!((old.hit().await, new.hit().await), (None, None), "round {round}");
    }
}

/// The set of fingerprints is lost: whoever invalidates cannot know of the others' entries, so these must not be valid any more.
#[tokio::test]
async fn a_lost_set_of_fingerprints_leaves_nothing_stale() {
    let server = RedisServer::start();
    let (old, new) = (Program::new(&server, OURS).await, Program::new(&server, THEIRS).await);
    for how in 0..4 {
        let fill = new.begin().await.unwrap();
        assert!(new.store(&fill, 1).await);
        assert_eq!(new.hit().await, Some(1));
        assert_eq!(server.cli(&["DEL", "ck:shop:f:{user}"]), "1");
        match how {
            // The invalidation finds no set.
            0 => {}
            // Another program has made it anew, each in its way.
            1 => old.backend.announce("user", OURS).await.unwrap(),
            2 => drop(old.begin().await.unwrap()),
            _ => old.backend.set(&Address::new("user", "2", OURS), "value".into(), None).await.unwrap(),
        }
        old.invalidate().await;
        assert_eq!(new.hit().await, None, "way {how}");
        // And a fill from before the loss does not bring it back.
        assert!(
            fill.generation != new.backend.generation(&Address::new("user", "", Fingerprint(0)), LONG).await.unwrap()
        );
        old.backend.announce("user", THEIRS).await.unwrap();
        old.backend.announce("user", OURS).await.unwrap();
        old.invalidate().await;
    }
}

/// A lost generation costs the entries, and comes back as another.
#[tokio::test]
async fn a_lost_generation_leaves_nothing_valid() {
    let server = RedisServer::start();
    let program = Program::new(&server, OURS).await;
    let fill = program.begin().await.unwrap();
    assert!(program.store(&fill, 1).await);
    assert_eq!(server.cli(&["DEL", "ck:shop:s:g:{user}"]), "1");
    assert_eq!(program.hit().await, None);
    let again = program.begin().await.unwrap();
    assert!(again.generation != fill.generation);
    assert!(program.store(&again, 2).await);
    assert_eq!(program.hit().await, Some(2));
}

/// Prolonged when less than what was asked for is left, and not before: whoever watches is told each time.
#[tokio::test]
async fn a_generation_is_prolonged_seldom() {
    let server = RedisServer::start();
    let backend = open(&server);
    let first = backend.generation(&Address::new("user", "", Fingerprint(0)), Duration::from_secs(100)).await.unwrap();
    let left = || server.cli(&["PTTL", "ck:shop:s:g:{user}"]).parse::<u64>().unwrap();
    assert!(left() > 190_000);
    server.cli(&["PEXPIRE", "ck:shop:s:g:{user}", "150000"]);
    assert_eq!(
        backend.generation(&Address::new("user", "", Fingerprint(0)), Duration::from_secs(100)).await.unwrap(),
        first
    );
    assert!(left() <= 150_000, "prolonged without need");
    server.cli(&["PEXPIRE", "ck:shop:s:g:{user}", "90000"]);
    assert_eq!(
        backend.generation(&Address::new("user", "", Fingerprint(0)), Duration::from_secs(100)).await.unwrap(),
        first
    );
    assert!(left() > 190_000, "less than asked for was left");
}

/// The lock of a fill: one holds it, prolongs it and stores; one whose lease has ended does neither.
#[tokio::test]
async fn a_lease_that_ends_is_lost() {
    let server = RedisServer::start();
    let (one, another) = (open(&server), open(&server));
    let (address, first, second) = (address(OURS), head(), head());
    one.announce("user", OURS).await.unwrap();
    assert_eq!(one.claim(&address, first, LONG).await.unwrap(), Claim::Ours);
    assert_eq!(another.claim(&address, second, LONG).await.unwrap(), Claim::Theirs(first.0.to_vec().into()));
    assert!(!another.renew(&address, second, LONG).await.unwrap());
    assert!(one.renew(&address, first, Duration::from_millis(1)).await.unwrap());
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while another.claim(&address, second, LONG).await.unwrap() != Claim::Ours {
        assert!(std::time::Instant::now() < deadline, "the lease never ends");
    }
    assert!(!one.renew(&address, first, LONG).await.unwrap());
    assert!(!one.store(&address, first, Some("late".into()), None).await.unwrap());
    assert!(another.store(&address, second, Some("value".into()), None).await.unwrap());
    assert_eq!(one.get(&address).await.unwrap().unwrap(), "value");
}

/// A database that changes, and readers of two programs: a value that is found is never from before an invalidation that had returned when the look
/// began. The same without the witness finds stale ones, so this test can see them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stale_under_load() {
    assert_eq!(stale(true).await, 0);
    assert!(stale(false).await > 0, "without a witness nothing was stale: this load proves nothing");
}

async fn stale(with_witness: bool) -> u64 {
    let server = Arc::new(RedisServer::start());
    let database = Arc::new(AtomicU64::new(1));
    let invalidated = Arc::new(AtomicU64::new(0));
    let (hits, stale) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut readers = Vec::new();
    for n in 0..8_u32 {
        let program = Program::new(&server, if n.is_multiple_of(2) { OURS } else { THEIRS }).await;
        let (database, invalidated) = (database.clone(), invalidated.clone());
        let (hits, stale) = (hits.clone(), stale.clone());
        readers.push(tokio::spawn(async move {
            for round in 0..300_u32 {
                let at_least = invalidated.load(Ordering::SeqCst);
                if let Some(value) = program.hit().await {
                    hits.fetch_add(1, Ordering::SeqCst);
                    stale.fetch_add(u64::from(value < at_least), Ordering::SeqCst);
                    continue;
                }
                let Some(fill) = program.begin().await else { continue };
                let value = database.load(Ordering::SeqCst);
                // A loader that takes its time, in which others invalidate.
                for _ in 0..round % 40 {
                    tokio::task::yield_now().await;
                }
                if with_witness {
                    program.store(&fill, value).await;
                } else {
                    let bytes = envelope(head(), fill.generation, value);
                    program.backend.set(&program.address, bytes.into(), Some(LONG)).await.unwrap();
                }
            }
        }));
    }
    let writer = Program::new(&server, OURS).await;
    while readers.iter().any(|reader| !reader.is_finished()) {
        let now = database.fetch_add(1, Ordering::SeqCst) + 1;
        writer.invalidate().await;
        invalidated.store(now, Ordering::SeqCst);
        for _ in 0..3 {
            writer.backend.ping().await.unwrap();
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
    let (hits, stale) = (hits.load(Ordering::SeqCst), stale.load(Ordering::SeqCst));
    println!("{} a witness: {stale} stale of {hits} hits", if with_witness { "with" } else { "without" });
    assert!(hits > 0);
    stale
}

/// At once for those who compare, and the space comes back without anyone asking.
#[tokio::test]
async fn what_was_invalidated_at_once_is_freed_in_the_background() {
    let server = RedisServer::start();
    let backend = open(&server);
    let entry = |cache: &str, n: u32| Address::new(cache, &n.to_string(), OURS);
    let generation = backend.generation(&Address::new("user", "", Fingerprint(0)), LONG).await.unwrap();
    for n in 0..2_000 {
        backend.set(&entry("user", n), "value".into(), None).await.unwrap();
    }
    backend.set(&entry("users", 1), "of another".into(), None).await.unwrap();
    let again = backend.generation(&Address::new("user", "", Fingerprint(0)), LONG).await.unwrap();
    assert!(again != generation, "nobody had announced the fingerprint");
    for _ in 0..3 {
        backend.invalidate_all("user").await.unwrap();
        assert_eq!(backend.look(&entry("user", 1)).await.unwrap().generation, None);
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !backend.scan(Some("user"), None, 1).await.unwrap().entries.is_empty() {
        assert!(std::time::Instant::now() < deadline, "nobody frees it");
    }
    assert_eq!(backend.get(&entry("users", 1)).await.unwrap().unwrap(), "of another");
    // And a second time: the first sweep is over and does not stand in its way.
    backend.set(&entry("user", 1), "value".into(), None).await.unwrap();
    backend.invalidate_all("user").await.unwrap();
    while backend.get(&entry("user", 1)).await.unwrap().is_some() {
        assert!(std::time::Instant::now() < deadline, "nobody frees it the second time");
    }
}

/// Thousands of keys, megabytes of keys, megabytes of values, under many fingerprints.
#[tokio::test]
async fn large_batches() {
    let server = RedisServer::start();
    let backend = open(&server);
    let long = "x".repeat(1_500);
    let all: Vec<_> = (0..2_000).map(|n| Address::new("user", &format!("{long}{n}"), Fingerprint(n % 5))).collect();
    for address in all.iter().step_by(2) {
        backend.set(address, address.fingerprint().to_string().into(), None).await.unwrap();
    }
    let found = backend.get_many(&all).await.unwrap();
    for (n, (found, address)) in found.into_iter().zip(&all).enumerate() {
        assert_eq!(found, (n.is_multiple_of(2)).then(|| address.fingerprint().to_string().into()));
    }
    backend.remove_many(&all).await.unwrap();
    assert_eq!(backend.scan(None, None, 10).await.unwrap().entries, []);
    let large = vec![7_u8; 20 << 20];
    backend.set(&all[0], large.clone().into(), None).await.unwrap();
    assert!(backend.get(&all[0]).await.unwrap().unwrap() == large);
    assert!(backend.look(&all[0]).await.unwrap().bytes.unwrap() == large);
}

/// Pages are no larger than asked for, also where the server gives more in a step, and pass over what is not ours.
#[tokio::test]
async fn scans_among_other_things() {
    let server = RedisServer::start();
    server.cli(&["DEBUG", "POPULATE", "20000", "foreign", "10"]);
    let backend = open(&server);
    let mut expected = BTreeSet::new();
    for n in 0..100_usize {
        let address = Address::new(["user", "us*r", "u?er"][n % 3], &n.to_string(), OURS);
        backend.set(&address, "value".into(), (n.is_multiple_of(2)).then_some(LONG)).await.unwrap();
        expected.insert(address);
    }
    for (cache, at_most) in [(None, 1), (None, 7), (Some("us*r"), 3), (Some("us*r"), usize::MAX)] {
        let (mut met, mut from) = (BTreeSet::new(), None);
        loop {
            let page = backend.scan(cache, from, at_most).await.unwrap();
            assert!(page.entries.len() <= at_most);
            for entry in page.entries {
                let n: usize = entry.address.id().rsplit(':').next().unwrap().parse().unwrap();
                assert_eq!(entry.ttl.is_some(), n.is_multiple_of(2));
                assert!(entry.ttl.is_none_or(|left| left <= LONG && left > LONG / 2));
                met.insert(entry.address);
            }
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        let wanted = expected.iter().filter(|address| cache.is_none_or(|cache| address.cache() == cache));
        assert_eq!(met, wanted.cloned().collect(), "{cache:?} in pages of {at_most}");
    }
    let foreign = cachekit_runtime::backend::Cursor(bytes::Bytes::from_static(b"not a cursor"));
    assert!(backend.scan(None, Some(foreign), 10).await.is_err());
}
