//! The accesses of a live cache, written by a thread of its own.

use super::{Header, Writer};
use crate::{
    adaptive::{Driver, Ring, Step, Stepped, stripes, try_lock},
    sync::lock,
    time::Clock,
};
use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Accesses of one thread that may wait to be written: 64 KiB.
const ROOM: usize = 1 << 13;

/// On the calling thread as many are written at a time.
const INLINE: usize = 512;

/// Writing is most of what it does, and a slow disk is no reason to drop more.
static DRIVER: LazyLock<Driver> = LazyLock::new(|| Driver::new("cachekit-trace", 1));

type Output = Box<dyn Write + Send>;

/// What a cache keeps of its recordings once there was one: callers find it without a lock, whether one is under way or not.
pub(crate) struct Recorder {
    ring: Ring<ROOM>,
    inline: bool,
    clock: Clock,
    /// The greatest hash that is wanted; 0 while nothing is recorded.
    limit: AtomicU64,
    run: Mutex<Run>,
    /// Tells the cache that the limit has changed.
    changed: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Run {
    /// `None` once it has ended.
    writer: Option<Writer<Output>>,
    is_taken: bool,
    began: u64,
    most: u64,
    /// What had been dropped before, by recordings that are over.
    dropped: u64,
    waiting: Vec<u64>,
    done: Recorded,
    /// The thread steps for as long as this lives.
    stepper: Option<Arc<Stepper>>,
}

struct Stepper(Arc<Recorder>);

/// What a recording has written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Accesses in the trace.
    pub accesses: u64,
    /// Accesses that were lost because they came faster than they could be written. The trace says where.
    pub dropped: u64,
    /// Bytes of the trace.
    pub bytes: u64,
    /// Why it ended before it was stopped, if it did: what writing gave, or that it is as long as it may be.
    pub ended: Option<String>,
}

impl Recorder {
    pub(crate) fn new(clock: Clock, inline: bool, changed: impl Fn() + Send + Sync + 'static) -> Self {
        Recorder {
            ring: Ring::new(if inline { 1 } else { stripes() }),
            inline,
            clock,
            limit: AtomicU64::new(0),
            run: Mutex::new(Run::default()),
            changed: Box::new(changed),
        }
    }

    pub(crate) fn start(self: &Arc<Self>, to: Output, header: &Header, most: u64) -> io::Result<Recording> {
        let mut run = lock(&self.run);
        if run.is_taken {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the accesses of this cache are being recorded: stop that recording first",
            ));
        }
        let writer = Writer::new(to, header)?;
        let mut waiting = Vec::new();
        // Of a recording before.
        self.ring.drain(&mut waiting);
        waiting.clear();
        let stepper = (!self.inline).then(|| Arc::new(Stepper(self.clone())));
        if let Some(stepper) = &stepper {
            let stepped: Weak<Stepper> = Arc::downgrade(stepper);
            DRIVER.attach(stepped);
        }
        *run = Run {
            writer: Some(writer),
            is_taken: true,
            began: self.clock.now(),
            most,
            dropped: self.ring.dropped(),
            waiting,
            done: Recorded { bytes: super::HEADER as u64, ..Recorded::default() },
            stepper,
        };
        self.limit.store(header.limit, Relaxed);
        drop(run);
        (self.changed)();
        Ok(Recording { recorder: Some(self.clone()) })
    }

    /// The greatest hash that it wants to see; 0 while nothing is recorded.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    /// A call looked for the key of this hash.
    pub(crate) fn saw(&self, hash: u64) {
        if hash > self.limit() {
            return;
        }
        let waiting = self.ring.push(hash);
        if self.inline && waiting.is_none_or(|waiting| waiting >= INLINE) {
            self.step();
        }
    }

    fn step(&self) -> Step {
        let Some(mut run) = try_lock(&self.run) else { return Step::default() };
        let begin = Instant::now();
        let samples = self.write(&mut run);
        // With the lock: the limit that is taken back is this recording's, and not that of the next, which may start as soon as this lock is free.
        let is_over = run.done.ended.is_some() && self.limit.swap(0, Relaxed) != 0;
        drop(run);
        if is_over {
            (self.changed)();
        }
        Step { samples, nanos: u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX) }
    }

    /// Nobody is to tell of a look any more.
    fn end(&self) {
        if self.limit.swap(0, Relaxed) != 0 {
            (self.changed)();
        }
    }

    /// Writes what waits: how many that were.
    fn write(&self, run: &mut Run) -> usize {
        let Run { writer, waiting, done, .. } = run;
        waiting.clear();
        self.ring.drain(waiting);
        let Some(open) = writer else { return 0 };
        waiting.truncate(usize::try_from(run.most - done.accesses).unwrap_or(usize::MAX));
        if waiting.is_empty() {
            return 0;
        }
        let dropped = self.ring.dropped().saturating_sub(run.dropped);
        let lost = u32::try_from(dropped - done.dropped).unwrap_or(u32::MAX);
        let at = Duration::from_nanos(self.clock.now().saturating_sub(run.began));
        match open.block(at, lost, waiting) {
            Ok(()) => {
                done.dropped = dropped;
                done.accesses += waiting.len() as u64;
                done.bytes = open.written();
                if done.accesses >= run.most {
                    let failed = open.flush().err().map(|error| error.to_string());
                    *writer = None;
                    done.ended = Some(failed.unwrap_or_else(|| format!("{} accesses were asked for", run.most)));
                }
            }
            Err(error) => {
                *writer = None;
                done.ended = Some(error.to_string());
                tracing::warn!(%error, "a trace of accesses cannot be written and ends here");
            }
        }
        waiting.len()
    }

    fn stop(&self) -> io::Result<Recorded> {
        self.end();
        let mut run = lock(&self.run);
        while self.write(&mut run) > 0 {}
        let Run { writer, done, stepper, .. } = std::mem::take(&mut *run);
        // The next one may start.
        drop(run);
        drop(stepper);
        if let Some(writer) = writer {
            writer.finish()?;
        }
        Ok(done)
    }
}

impl Stepped for Stepper {
    fn step_now(&self) -> Step {
        self.0.step()
    }
}

/// A recording under way. Stops when it is dropped.
#[must_use = "it stops when it is dropped"]
pub struct Recording {
    /// `None` once it was stopped.
    recorder: Option<Arc<Recorder>>,
}

impl Recording {
    /// What was written until now.
    #[must_use]
    pub fn so_far(&self) -> Recorded {
        self.recorder.as_ref().map(|recorder| lock(&recorder.run).done.clone()).unwrap_or_default()
    }

    /// Ends it: what waits is written and flushed before this returns.
    ///
    /// # Errors
    /// What flushing gives. An error of writing is in [`Recorded::ended`]: the trace is whole up to there.
    pub fn stop(mut self) -> io::Result<Recorded> {
        self.recorder.take().map_or_else(|| Ok(Recorded::default()), |recorder| recorder.stop())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.recorder.take().map(|recorder| recorder.stop()) {
            tracing::warn!(%error, "the end of a trace of accesses could not be written");
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("so_far", &self.so_far()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicBool, thread};

    #[test]
    fn a_recording_that_is_full_takes_nothing_from_the_next() {
        let recorder = Arc::new(Recorder::new(Clock::system(), true, || ()));
        let has_ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !has_ended.load(Relaxed) {
                    recorder.step();
                }
            });
            let start = |most| recorder.start(Box::new(io::sink()), &Header::one_in(1), most).unwrap();
            let mut lost = 0;
            for _ in 0..10_000 {
                let full = start(1);
                recorder.saw(1);
                while full.so_far().ended.is_none() {
                    thread::yield_now();
                }
                full.stop().unwrap();
                let next = start(u64::MAX);
                for _ in 0..20 {
                    std::hint::spin_loop();
                }
                lost += u32::from(recorder.limit() == 0);
                next.stop().unwrap();
            }
            has_ended.store(true, Relaxed);
            assert_eq!(lost, 0);
        });
    }
}
