//! One of the processes: cached functions whose values are versions, and tasks that call them, change what they give, and report.

use super::{
    GROUPS, KEYS, KINDS, LONG, Place, SHORT,
    check::nanos,
    history::{Call, Change, Event, Outcome, What},
    now,
    random::Random,
};
use cachekit::{Delivery, OutcomeKind, cache};
use std::{
    future::Future,
    io::{Read, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Tasks of one process.
const TASKS: usize = 8;

/// How often what happened is written.
const REPORTS: Duration = Duration::from_millis(20);

/// Whoever slept for so much longer than it wanted was held up with the whole process, for longer than a lease.
const HELD_UP: Duration = Duration::from_secs(2);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(5);

#[cache(backend = ["memory", "redis"], ttl = LONG, name = "near", version = 1)]
async fn near(key: usize) -> u64 {
    load(Place { kind: 0, key }).await
}

#[cache(backend = "redis", ttl = SHORT, name = "far", version = 1)]
async fn far(key: usize) -> u64 {
    load(Place { kind: 1, key }).await
}

#[cache(backend = ["memory", "redis"], ttl = LONG, name = "near_tagged", version = 1, tags = ["group:{group}", "all"])]
async fn near_tagged(group: usize, key: usize) -> u64 {
    load(Place { kind: 2, key: key * GROUPS + group }).await
}

#[cache(backend = "redis", ttl = SHORT, name = "far_tagged", version = 1, tags = ["group:{group}", "all"])]
async fn far_tagged(group: usize, key: usize) -> u64 {
    load(Place { kind: 3, key: key * GROUPS + group }).await
}

/// The version, and whether it is that of another call.
async fn call(place: Place) -> (u64, bool) {
    let (group, key) = (place.key % GROUPS, place.key / GROUPS);
    let (version, outcome) = match place.kind {
        0 => near::traced(place.key).await,
        1 => far::traced(place.key).await,
        2 => near_tagged::traced(group, key).await,
        _ => far_tagged::traced(group, key).await,
    };
    (version, outcome.kind == OutcomeKind::Joined)
}

async fn invalidate(what: What) -> Delivery {
    match what {
        What::Key(Place { kind: 0, key }) => near::invalidate(key).await,
        What::Key(Place { kind: 1, key }) => far::invalidate(key).await,
        What::Key(Place { kind: 2, key }) => near_tagged::invalidate(key % GROUPS, key / GROUPS).await,
        What::Key(Place { key, .. }) => far_tagged::invalidate(key % GROUPS, key / GROUPS).await,
        What::Group(group) => cachekit::invalidate_tag_async(&format!("group:{group}")).await,
        What::Kind(0) => near::clear().await,
        What::Kind(1) => far::clear().await,
        What::Kind(2) => near_tagged::clear().await,
        What::Kind(_) => far_tagged::clear().await,
    }
}

/// The current version, and a moment in which it can change.
async fn load(place: Place) -> u64 {
    let version = ask("read", &[place]).await.first().copied().expect("its version");
    let pause = Random::new(version, now()).below(3_000) as u64;
    tokio::time::sleep(Duration::from_micros(pause)).await; // sleeps: a load takes some time
    version
}

static SOURCE: OnceLock<Pool> = OnceLock::new();

/// Connections to the source of versions.
struct Pool {
    port: u16,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
}

async fn ask(what: &str, places: &[Place]) -> Vec<u64> {
    let pool = SOURCE.get().expect("the source of versions");
    let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut stream = match idle {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(("127.0.0.1", pool.port)).await.expect("the source of versions");
            stream.set_nodelay(true).expect("a socket");
            BufReader::new(stream)
        }
    };
    let mut line = what.to_owned();
    places.iter().for_each(|place| line.push_str(&format!(" {}", place.index())));
    line.push('\n');
    stream.get_mut().write_all(line.as_bytes()).await.expect("a question");
    let mut answer = String::new();
    stream.read_line(&mut answer).await.expect("an answer");
    let versions: Vec<u64> = answer.split_whitespace().map(|word| word.parse().expect("a version")).collect();
    assert_eq!(versions.len(), places.len(), "a version for each");
    pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    versions
}

/// What has happened and is not written yet.
#[derive(Debug)]
struct Journal {
    node: usize,
    lines: Mutex<String>,
}

impl Journal {
    /// The end of an event is the moment at which it is noted, so that none is noted later with an earlier one.
    fn note(&self, event: impl FnOnce(u64) -> Event) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let event = event(now());
        lines.push_str(&format!("{event}\n"));
    }

    fn called(&self, place: Place, start: u64, (version, is_joined): (u64, bool)) {
        self.note(|end| Event::Call(Call { node: self.node, place, start, end, version, is_joined }));
    }

    fn write(&self) {
        self.note(|now| Event::Until(self.node, now));
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        let mut out = std::io::stdout().lock();
        // Without a parent there is nobody to tell, and the end of the input says so too.
        out.write_all(lines.as_bytes()).and_then(|()| out.flush()).ok();
    }
}

/// Calls and changes until its input ends. `words`: the number of the process, the seed, the port of the source.
///
/// # Panics
/// If the words are others, or the parent is gone.
pub fn main(words: &[String]) {
    // A task that panics would only be missing: the process ends, which is noticed.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let numbers: Vec<u64> = words.iter().map(|word| word.parse().expect("a number")).collect();
    let [node, seed, port] = *numbers else { panic!("NODE SEED PORT") };
    let port = u16::try_from(port).expect("a port");
    SOURCE.set(Pool { port, idle: Mutex::default() }).ok().expect("once");
    let node = usize::try_from(node).expect("a number");
    let journal = Arc::new(Journal { node, lines: Mutex::default() });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for task in 0..TASKS {
        let random = Random::new(seed, (node * TASKS + task) as u64);
        runtime.spawn(act(journal.clone(), random));
    }
    let writes = journal.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(REPORTS); // sleeps: between two reports
            writes.write();
        }
    });
    let (notes, handle) = (journal.clone(), runtime.handle().clone());
    thread::spawn(move || read_after_pauses(&notes, &handle));
    let mut end = Vec::new();
    std::io::stdin().read_to_end(&mut end).ok();
    runtime.shutdown_background();
    journal.write();
}

/// After a pause of the process all that memory may have is called for at once: what others have changed meanwhile waits in the sockets still, and only that
/// the last confirmation is long ago keeps memory from being used.
fn read_after_pauses(journal: &Journal, handle: &tokio::runtime::Handle) {
    let _entered = handle.enter();
    let mut last = now();
    loop {
        thread::sleep(LOOK); // sleeps: a pause of the process is seen by how long this took
        if now() - last > nanos(HELD_UP) {
            let mut pending = Vec::new();
            for place in Place::all().filter(|place| KINDS[place.kind].is_near) {
                let (start, mut called) = (now(), Box::pin(call(place)));
                match called.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(given) => journal.called(place, start, given),
                    // Not from memory: the others come first.
                    Poll::Pending => pending.push((place, start, called)),
                }
            }
            for (place, start, called) in pending {
                journal.called(place, start, handle.block_on(called));
            }
        }
        last = now();
    }
}

async fn act(journal: Arc<Journal>, mut random: Random) {
    let node = journal.node;
    loop {
        match random.below(1_000) {
            0..930 => {
                let place = any(&mut random);
                let start = now();
                journal.called(place, start, call(place).await);
            }
            930..980 => change(&journal, What::Key(any(&mut random))).await,
            980..986 => change(&journal, What::Group(random.below(GROUPS))).await,
            986..988 => change(&journal, What::Kind(random.below(KINDS.len()))).await,
            _ => {
                let start = now();
                if cachekit_runtime::sync().await.is_ok() {
                    journal.note(|end| Event::Synced(node, start, end));
                }
            }
        }
        let pause = random.below(8_000) as u64;
        tokio::time::sleep(Duration::from_micros(pause)).await; // sleeps: as callers do between calls
    }
}

fn any(random: &mut Random) -> Place {
    Place { kind: random.below(KINDS.len()), key: random.below(KEYS) }
}

async fn change(journal: &Journal, what: What) {
    let node = journal.node;
    let versions = ask("raise", &what.places()).await;
    let start = now();
    let outcome = match invalidate(what).await {
        Delivery::Shared => Outcome::Shared,
        Delivery::Queued => Outcome::Queued,
        _ => Outcome::Local,
    };
    journal.note(|end| Event::Change(Change { node, what, start, end, outcome, versions }));
}
