//! The writing thread: opens the store, writes what has gathered in one transaction, sweeps, and tries again after failures.

use super::{
    batch::Batch,
    core::{Core, Inner, Status},
    failure::Trouble,
    open::open,
    owner::OwnerFile,
    store::{Over, Snapshot, Store, Terms},
};
use crate::{Error, backend::Failure, sync::lock};
use std::{
    mem,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// What is stored and nobody waits for gathers for so long. Readers see it at once.
const LINGER: Duration = Duration::from_millis(10);

/// Or until there are so many bytes.
pub(super) const LARGE: usize = 1 << 20;

/// So long after a store it is on the disk, if nobody asks for it before.
const SYNC: Duration = Duration::from_secs(1);

/// Or when so many entries would be lost.
const MANY: usize = 10_000;

/// How often a store that does not open is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The longest pause after failed writes; it doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs until the backend is closed.
pub(super) fn run(core: &Core) {
    let mut said = None;
    let mut suspect = false;
    let mut pause = RETRY;
    while let Some(mut store) = open_until_stopped(core, &mut said, mem::take(&mut suspect)) {
        match serve(core, &mut store, &mut pause) {
            None => {
                drop(store);
                OwnerFile::beside(&core.config.folder).leave();
                return;
            }
            Some(trouble) => {
                suspect = trouble.corrupt;
                say(&mut said, &trouble.error);
                drop(store);
            }
        }
    }
}

/// Once for each trouble, and not at every attempt.
fn say(said: &mut Option<Error>, error: &Error) {
    if said.as_ref() != Some(error) {
        // What is wrong with the settings is one line: that of the breaker, which opens at once.
        if matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }) {
            tracing::debug!(%error, "the file backend does not work for now");
        } else {
            tracing::warn!(%error, "the file backend does not work for now");
        }
        *said = Some(error.clone());
    }
}

/// `None`: the backend was closed before.
fn open_until_stopped(core: &Core, said: &mut Option<Error>, mut suspect: bool) -> Option<Store> {
    loop {
        if lock(&core.inner).stop {
            return None;
        }
        let opened = open(&core.config, &core.time, suspect).and_then(|store| Ok((store.snapshot()?, store)));
        match opened {
            Ok((snapshot, store)) => {
                let refuses = publish(core, &mut lock(&core.inner), Status::Open(snapshot));
                if !refuses && said.take().is_some() {
                    tracing::info!("the file backend works again");
                }
                return Some(store);
            }
            Err(trouble) => {
                suspect = trouble.corrupt;
                say(said, &trouble.error);
                let mut inner = lock(&core.inner);
                let held = Err(trouble.error.clone());
                inner.current.end_now(&held);
                inner.current.hold();
                publish(core, &mut inner, Status::Down(trouble.error));
                let until = Instant::now() + RETRY;
                while !inner.stop {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    inner = core.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

/// Says whether writes are refused nevertheless.
fn publish(core: &Core, inner: &mut Inner, status: Status) -> bool {
    let old = mem::replace(&mut inner.status, status);
    core.changed.notify(usize::MAX);
    drop(old);
    inner.refuses.is_some()
}

/// When something is to be done without being asked.
struct Schedule {
    /// Something is not on the disk yet, since then.
    undurable: Option<Instant>,
    /// What that is about. A failure takes it back, and what it had replaced must not be found again.
    undurable_keys: Vec<Box<[u8]>>,
    /// Something waits to be written, since then.
    waiting: Option<Instant>,
    /// When what is over is looked for.
    look: Instant,
    /// Writes are refused until then.
    refused_until: Option<Instant>,
}

impl Schedule {
    /// A look that did not come to the end goes on soon.
    fn looked(&mut self, over: &Over, now: Instant, sweep_every: Duration) {
        self.look = now + if over.more { sweep_every / 10 } else { sweep_every };
    }

    fn next(&self) -> Instant {
        if let Some(until) = self.refused_until {
            return until;
        }
        let sync = self.undurable.map(|since| since + SYNC);
        let linger = self.waiting.map(|since| since + LINGER);
        [sync, linger].into_iter().flatten().fold(self.look, Instant::min)
    }
}

/// Writes until the backend is closed (`None`) or something fails.
fn serve(core: &Core, store: &mut Store, pause: &mut Duration) -> Option<Trouble> {
    let start = Instant::now();
    let refused = lock(&core.inner).refuses.is_some();
    let mut schedule = Schedule {
        undurable: None,
        undurable_keys: Vec::new(),
        waiting: None,
        look: start + core.config.sweep_every,
        refused_until: refused.then(|| start + *pause),
    };
    loop {
        let (batch, stop) = match next_batch(core, &mut schedule) {
            Ok(next) => next,
            Err(trouble) => return Some(fail(core, trouble, pause, &schedule.undurable_keys)),
        };
        let now = Instant::now();
        let overdue = schedule.undurable.is_some_and(|since| now.saturating_duration_since(since) >= SYNC);
        let many = schedule.undurable_keys.len() + batch.puts().count() > MANY;
        let durable = stop || overdue || many || batch.is_durable() || schedule.refused_until.is_some();
        let (used, time) = (core.take_used(), core.time.now());
        let looks = schedule.look <= now;
        let over = if looks { store.over(time) } else { Ok(Over::default()) };
        let written = over.and_then(|over| {
            if looks {
                schedule.looked(&over, now, core.config.sweep_every);
            }
            if batch.is_empty() && used.is_empty() && over.keys.is_empty() && !durable {
                // A store that nobody uses lets the disk sleep.
                return Ok(None);
            }
            let max_bytes = core.config.max_bytes;
            let terms = Terms { now: time, max_bytes, durable, used: &used, over: &over.keys };
            store.write(&batch, &terms).map(Some)
        });
        match written {
            Ok(Some(snapshot)) => succeed(core, snapshot, pause),
            Ok(None) => {
                lock(&core.inner).flying = None;
                continue;
            }
            Err(trouble) => return Some(fail(core, trouble, pause, &schedule.undurable_keys)),
        }
        batch.end(&Ok(()));
        schedule.refused_until = None;
        if durable {
            schedule.undurable = None;
            schedule.undurable_keys.clear();
        } else {
            schedule.undurable.get_or_insert(now);
            schedule.undurable_keys.extend(batch.puts().map(|(key, _)| key.into()));
        }
        if stop {
            return None;
        }
    }
}

/// Waits for something to write, and takes it. Readers find it in `flying` until it is in the table.
fn next_batch(core: &Core, schedule: &mut Schedule) -> Result<(Arc<Batch>, bool), Trouble> {
    let mut inner = lock(&core.inner);
    loop {
        if mem::take(&mut inner.suspect) {
            return Err(Trouble::corrupt("a reader found the store damaged"));
        }
        schedule.waiting = match inner.current.is_empty() {
            true => None,
            false => schedule.waiting.or_else(|| Some(Instant::now())),
        };
        let due = schedule.next();
        let left = due.saturating_duration_since(Instant::now());
        let pressing = inner.current.is_urgent() || inner.current.bytes() > LARGE;
        if inner.stop || left.is_zero() || pressing && schedule.refused_until.is_none() {
            break;
        }
        inner = core.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    schedule.waiting = None;
    let batch = Arc::new(mem::take(&mut inner.current));
    inner.flying = Some(Arc::clone(&batch));
    Ok((batch, inner.stop))
}

fn succeed(core: &Core, snapshot: Arc<Snapshot>, pause: &mut Duration) {
    let mut inner = lock(&core.inner);
    inner.flying = None;
    if inner.refuses.take().is_some() {
        tracing::info!("the file backend takes entries again");
        *pause = RETRY;
    }
    let old = mem::replace(&mut inner.status, Status::Open(snapshot));
    drop(inner);
    // Outside of the lock: it ends a transaction.
    drop(old);
}

/// What was being written is owed, and what was not yet on the disk, and nothing more is taken for a while.
fn fail(core: &Core, trouble: Trouble, pause: &mut Duration, undurable: &[Box<[u8]>]) -> Trouble {
    let mut inner = lock(&core.inner);
    let failed = Err(trouble.error.clone());
    if let Some(flying) = inner.flying.take() {
        inner.current.owes(&flying);
        flying.end(&failed);
    }
    inner.current.owes_keys(undurable.iter());
    inner.current.end_now(&failed);
    inner.current.hold();
    if inner.refuses.is_some() {
        *pause = (*pause * 2).min(LONGEST_PAUSE);
    }
    inner.refuses = Some(trouble.error.clone());
    let reopening = Error::backend(super::NAME, Failure::Busy, "the store is being opened again after a failure");
    publish(core, &mut inner, Status::Down(reopening));
    trouble
}
