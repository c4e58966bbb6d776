//! Reading the file again when it has changed: one timer for the process, whose work is done by the thread that frees what has expired.

use super::{file, reload, sources};
use crate::{
    housekeeping,
    sync::lock,
    time::{Clock, nanos},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// How often the file is looked at, unless something else is said.
const EVERY: Duration = Duration::from_secs(5);

/// What one sees of a file without reading it; `None`: it is not there.
type Look = Option<(Option<SystemTime>, u64)>;

struct Watch {
    path: PathBuf,
    clock: Clock,
    /// `None`: no longer.
    every: Mutex<Option<Duration>>,
    state: Mutex<State>,
    changed: Box<dyn Fn() + Send + Sync>,
}

struct State {
    last: Look,
    /// It has changed, and is read once it does so no more: whoever writes it may be in the middle.
    is_pending: bool,
}

static WATCH: Mutex<Option<Arc<Watch>>> = Mutex::new(None);

/// What a reload has said last of how often, if any has.
static SAID: Mutex<Option<Option<Duration>>> = Mutex::new(None);

/// From now on the file is watched, if there is one or ought to be.
pub(super) fn begin() {
    // Before the lock: it may log, and who logs may use a cache.
    let first = sources::first().reload_every;
    let mut watch = lock(&WATCH);
    if watch.is_some() {
        return;
    }
    let (path, is_named) = file::path();
    let every = lock(&SAID).unwrap_or(first).unwrap_or(EVERY);
    if every.is_zero() || !(is_named || path.is_file()) {
        return;
    }
    *watch = Some(Watch::start(path, Clock::system(), every, Box::new(reload::reload_and_log)));
}

/// From now on it is looked at so often.
pub(super) fn every(said: Option<Duration>) {
    let every = Some(said.unwrap_or(EVERY)).filter(|every| !every.is_zero());
    *lock(&SAID) = Some(said);
    let mut watch = lock(&WATCH);
    if let Some(running) = &*watch {
        *lock(&running.every) = every;
    }
    if every.is_none() {
        // It ends at its next look; a later one begins anew.
        *watch = None;
    }
}

fn look(path: &Path) -> Look {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len()))
}

impl Watch {
    fn start(path: PathBuf, clock: Clock, every: Duration, changed: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let state = Mutex::new(State { last: look(&path), is_pending: false });
        let watch = Arc::new(Watch { path, clock, every: Mutex::new(Some(every)), state, changed });
        watch.clone().wait();
        watch
    }

    fn wait(self: Arc<Self>) {
        let Some(every) = *lock(&self.every) else { return };
        let clock = self.clock.clone();
        let time = clock.now().saturating_add(nanos(every));
        let is_test = clock.is_test();
        let job = move || {
            let run = move || {
                self.check();
                self.wait();
            };
            // The timer thread drives the clock, and must not wait for a disk.
            if is_test { run() } else { housekeeping::run_soon(run) }
        };
        clock.at(time, job).detach();
    }

    fn check(&self) {
        let now = look(&self.path);
        let is_due = {
            let mut state = lock(&self.state);
            let is_same = state.last == now;
            let is_due = is_same && state.is_pending;
            state.is_pending = !is_same;
            state.last = now;
            is_due
        };
        if is_due {
            (self.changed)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TestClock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_file_is_read_once_it_changes_no_more() {
        let folder = std::env::temp_dir().join(format!("cachekit-watch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cachekit.toml");
        fs::write(&path, "1").unwrap();
        let (test, reads) = (TestClock::new(), Arc::new(AtomicUsize::new(0)));
        let counted = reads.clone();
        let changed = Box::new(move || _ = counted.fetch_add(1, Ordering::Relaxed));
        let watch = Watch::start(path.clone(), test.clock(), Duration::from_secs(5), changed);
        let look = || {
            test.advance(Duration::from_secs(5));
            reads.load(Ordering::Relaxed)
        };
        assert_eq!((look(), look()), (0, 0), "nothing has changed");
        fs::write(&path, "12").unwrap();
        test.advance(Duration::from_secs(4));
        assert_eq!(reads.load(Ordering::Relaxed), 0, "nobody has looked");
        test.advance(Duration::from_secs(1));
        fs::write(&path, "123").unwrap();
        assert_eq!(look(), 0, "it is being written");
        assert_eq!((look(), look()), (1, 1));
        fs::remove_file(&path).unwrap();
        assert_eq!((look(), look()), (1, 2), "that it has gone is a change");
        *lock(&watch.every) = Some(Duration::from_secs(50));
        assert_eq!(look(), 2);
        fs::write(&path, "1").unwrap();
        assert_eq!((look(), look()), (2, 2), "not so often any more");
        *lock(&watch.every) = None;
        test.advance(Duration::from_secs(500));
        assert_eq!(test.pending(), 0, "it has ended");
        fs::remove_dir_all(&folder).unwrap();
    }
}
