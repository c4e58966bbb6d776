//! What the callers and the writing thread share: the state of the store, and what is still to be written.

use super::{
    Config, NAME,
    batch::{Batch, Known, envelope_of},
    failure::Trouble,
    layout::Header,
    store::{COARSE, Snapshot},
    ticket::Ticket,
    wall_time::WallTime,
    writer,
};
use crate::{
    Error,
    backend::{Address, Failure},
    sync::lock,
};
use bytes::Bytes;
use event_listener::{Event, EventListener};
use std::{
    collections::HashSet,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
};

/// So many bytes may wait for the disk; a disk that is slower than its callers gets no more.
const WAITING: usize = 32 << 20;

/// So many uses are noted at a time.
const NOTED: usize = 10_000;

pub(super) struct Core {
    pub(super) config: Config,
    pub(super) time: WallTime,
    pub(super) inner: Mutex<Inner>,
    /// For the writing thread: there is something to do.
    pub(super) work: Condvar,
    /// The status has changed.
    pub(super) changed: Event,
    /// Keys of entries that were read and whose noted use is old. Apart from `inner`, since it is of no consequence.
    used: Mutex<HashSet<Box<[u8]>>>,
}

pub(super) struct Inner {
    pub(super) status: Status,
    pub(super) current: Batch,
    /// What the thread is writing.
    pub(super) flying: Option<Arc<Batch>>,
    /// Why nothing can be written for now; what is there is read nevertheless.
    pub(super) refuses: Option<Error>,
    /// A reader has found the file damaged.
    pub(super) suspect: bool,
    pub(super) stop: bool,
    pub(super) thread: Option<JoinHandle<()>>,
}

pub(super) enum Status {
    /// Nobody has asked yet.
    New,
    Opening,
    Open(Arc<Snapshot>),
    Down(Error),
}

/// Where a key has to be looked for.
enum View {
    Known(Known),
    Ask(Arc<Snapshot>),
}

impl Core {
    pub(super) fn new(config: Config, time: WallTime) -> Arc<Self> {
        let inner = Inner {
            status: Status::New,
            current: Batch::default(),
            flying: None,
            refuses: None,
            suspect: false,
            stop: false,
            thread: None,
        };
        Arc::new(Core {
            config,
            time,
            inner: Mutex::new(inner),
            work: Condvar::new(),
            changed: Event::new(),
            used: Mutex::default(),
        })
    }

    /// Does something with the state once the store is open or is known not to open.
    async fn once_open<T>(self: &Arc<Self>, mut work: impl FnMut(&mut Inner) -> Result<T, Error>) -> Result<T, Error> {
        loop {
            let listener: EventListener = {
                let mut inner = lock(&self.inner);
                match &inner.status {
                    Status::Open(_) | Status::Down(_) => return work(&mut inner),
                    Status::Opening => {}
                    Status::New => self.start(&mut inner)?,
                }
                self.changed.listen()
            };
            listener.await;
        }
    }

    fn start(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Error> {
        let core = Arc::clone(self);
        let thread = std::thread::Builder::new().name("cachekit-file".to_owned()).spawn(move || writer::run(&core));
        let thread = thread.map_err(|error| {
            Error::backend(NAME, Failure::Other, format_args!("no thread could be started: {error}"))
        })?;
        inner.thread = Some(thread);
        inner.status = Status::Opening;
        Ok(())
    }

    /// The envelope at the key.
    pub(super) async fn get(self: &Arc<Self>, key: Box<[u8]>) -> Result<Option<Bytes>, Error> {
        let view = self.once_open(|inner| inner.view(&key)).await?;
        self.read(key, view)
    }

    /// As [`get`](Self::get), all as of one moment.
    pub(super) async fn get_many(self: &Arc<Self>, keys: Vec<Box<[u8]>>) -> Result<Vec<Option<Bytes>>, Error> {
        let views: Vec<View> =
            self.once_open(|inner| keys.iter().map(|key| inner.view(key)).collect::<Result<_, _>>()).await?;
        keys.into_iter().zip(views).map(|(key, view)| self.read(key, view)).collect()
    }

    fn read(&self, key: Box<[u8]>, view: View) -> Result<Option<Bytes>, Error> {
        let now = self.time.now();
        let value = match view {
            View::Known(Known::Gone) => None,
            View::Known(Known::Value(value)) => Some(value),
            View::Ask(snapshot) => snapshot.get(&key, now).map_err(|trouble| self.report(trouble))?,
        };
        let Some((header, envelope)) = value.and_then(|value| envelope_of(&value, now)) else { return Ok(None) };
        self.note_use(key, header, now);
        Ok(Some(envelope))
    }

    fn note_use(&self, key: Box<[u8]>, header: Header, now: u64) {
        if header.used.saturating_add(COARSE) <= now {
            let mut used = lock(&self.used);
            if used.len() < NOTED {
                used.insert(key);
            }
        }
    }

    pub(super) fn take_used(&self) -> Vec<Box<[u8]>> {
        lock(&self.used).drain().collect()
    }

    /// A reader's trouble: a damaged file is reopened, checked and if need be begun anew.
    pub(super) fn report(&self, trouble: Trouble) -> Error {
        if trouble.corrupt {
            lock(&self.inner).suspect = true;
            self.work.notify_all();
        }
        trouble.error
    }

    pub(super) async fn set(self: &Arc<Self>, key: Box<[u8]>, value: Option<Bytes>) -> Result<(), Error> {
        let mut change = Some((key, value));
        let set = |inner: &mut Inner| {
            inner.takes_entries()?;
            if let Some((key, value)) = change.take() {
                self.put(inner, key, value);
            }
            Ok(())
        };
        self.once_open(set).await
    }

    fn put(&self, inner: &mut Inner, key: Box<[u8]>, value: Option<Bytes>) {
        let was_empty = inner.current.is_empty();
        inner.current.put(key, value);
        if was_empty || inner.current.bytes() > writer::LARGE {
            self.work.notify_all();
        }
    }

    /// Was there one?
    pub(super) async fn remove(self: &Arc<Self>, key: Box<[u8]>) -> Result<bool, Error> {
        self.once_open(|inner| inner.takes_entries()).await?;
        loop {
            let snapshot = {
                let mut inner = lock(&self.inner);
                inner.takes_entries()?;
                match inner.view(&key)? {
                    View::Known(Known::Gone) => return Ok(false),
                    View::Known(Known::Value(value)) => {
                        self.put(&mut inner, key, None);
                        return Ok(envelope_of(&value, self.time.now()).is_some());
                    }
                    View::Ask(snapshot) => snapshot,
                }
            };
            let found = snapshot.get(&key, self.time.now()).map_err(|trouble| self.report(trouble))?;
            let mut inner = lock(&self.inner);
            // Unless somebody has changed something meanwhile.
            if matches!(inner.view(&key)?, View::Ask(now) if Arc::ptr_eq(&now, &snapshot)) {
                self.put(&mut inner, key, None);
                return Ok(found.is_some());
            }
        }
    }

    /// Invalidates, and waits until that is on the disk. What cannot be written is held and written later; it is not found meanwhile.
    pub(super) async fn invalidate(self: &Arc<Self>, addresses: &[Address], cache: Option<&str>) -> Result<(), Error> {
        let ticket = {
            let mut inner = lock(&self.inner);
            for address in addresses {
                inner.current.invalidate(address);
            }
            if let Some(cache) = cache {
                inner.current.clear(cache);
            }
            if let Status::New = inner.status {
                self.start(&mut inner)?;
            }
            if let Some(error) = inner.why_nothing_is_written() {
                inner.current.hold();
                return Err(error);
            }
            inner.current.ticket(true)
        };
        self.work.notify_all();
        ticket.wait().await
    }

    /// Waits until what was stored before is in the table, and on the disk if `durable`.
    pub(super) async fn written(self: &Arc<Self>, durable: bool) -> Result<(), Error> {
        let queue = |inner: &mut Inner| match inner.why_nothing_is_written() {
            Some(error) => Err(error),
            None => Ok(inner.current.ticket(durable)),
        };
        let ticket: Ticket = self.once_open(queue).await?;
        self.work.notify_all();
        ticket.wait().await
    }

    /// The table as it is now; what is held is not in it yet.
    pub(super) async fn snapshot(self: &Arc<Self>) -> Result<Arc<Snapshot>, Error> {
        self.once_open(|inner| inner.snapshot()).await
    }

    pub(super) fn is_gone(&self, key: &[u8]) -> bool {
        let inner = lock(&self.inner);
        inner.known(key) == Some(Known::Gone)
    }

    pub(super) async fn ping(self: &Arc<Self>) -> Result<(), Error> {
        self.once_open(|inner| inner.why_nothing_is_written().map_or(Ok(()), Err)).await
    }

    /// Writes what is left, closes the store and waits for that.
    pub(super) fn close(&self) {
        let thread = {
            let mut inner = lock(&self.inner);
            inner.stop = true;
            inner.thread.take()
        };
        self.work.notify_all();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writing thread of the file backend panicked");
        }
    }
}

impl Inner {
    fn known(&self, key: &[u8]) -> Option<Known> {
        self.current.get(key).or_else(|| self.flying.as_ref()?.get(key))
    }

    fn view(&self, key: &[u8]) -> Result<View, Error> {
        if let Some(known) = self.known(key) {
            return Ok(View::Known(known));
        }
        self.snapshot().map(View::Ask)
    }

    fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        match &self.status {
            Status::Open(snapshot) => Ok(Arc::clone(snapshot)),
            Status::Down(error) => Err(error.clone()),
            Status::New | Status::Opening => Err(Error::backend(NAME, Failure::Busy, "the store is being opened")),
        }
    }

    fn takes_entries(&self) -> Result<(), Error> {
        if let Some(error) = self.why_nothing_is_written() {
            return Err(error);
        }
        let waiting = self.current.bytes() + self.flying.as_ref().map_or(0, |flying| flying.bytes());
        if waiting > WAITING {
            return Err(Error::backend(NAME, Failure::Busy, "the disk is slower than what is to be stored"));
        }
        Ok(())
    }

    fn why_nothing_is_written(&self) -> Option<Error> {
        match &self.status {
            Status::Down(error) => Some(error.clone()),
            _ => self.refuses.clone(),
        }
    }
}
