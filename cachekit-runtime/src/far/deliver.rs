//! Delivering what a backend has not taken: each thing for itself, so that what one of its servers does not take holds up nothing that the others would.

use super::{
    link::{AGAIN, Link, invalidate},
    switches,
    tagged::{outdate, soften},
    undelivered::Batch,
};
use crate::{
    Error,
    backend::{Address, Failure, each},
    time::nanos,
};
use std::time::Duration;

/// Things that are delivered at once.
const BATCH: usize = 512;

/// The longest time until what was refused is tried again. What has come since is tried every [`AGAIN`].
const LONGEST: u64 = nanos(Duration::from_secs(1));

/// How far the attempts to deliver have come: a long queue for a server that is gone must not be tried all the time, nor what is new wait for that.
#[derive(Default)]
pub(super) struct Attempts {
    /// The number of the last thing that was tried.
    tried: u64,
    /// When all of it is tried again, and how long after the attempt before.
    all_at: u64,
    pause: u64,
}

impl Attempts {
    /// The backend is said to be back: all of it is tried now.
    pub(super) fn anew(&mut self) {
        *self = Attempts::default();
    }

    fn begin(&mut self, now: u64) {
        if now >= self.all_at {
            self.tried = 0;
            self.pause = (self.pause * 2).clamp(AGAIN, LONGEST);
            self.all_at = now.saturating_add(self.pause);
        }
    }
}

/// What became of an attempt.
#[derive(Default)]
struct Failed(Option<Error>);

impl Link {
    /// All that is undelivered. A new invalidation may come meanwhile: then not that one.
    ///
    /// # Errors
    /// The first one; what could be delivered beside it is.
    pub(super) async fn deliver(&self, attempts: &mut Attempts) -> Result<(), Error> {
        attempts.begin(self.now());
        let is_all = attempts.tried == 0;
        let mut failed = Failed::default();
        loop {
            let batch = self.undelivered.next(attempts.tried);
            if batch.is_empty() {
                break;
            }
            attempts.tried = batch.last;
            if switches::without_queue() {
                self.forget(&batch);
                continue;
            }
            // Each store lasts no longer than its caller's budget.
            let _settled = if self.is_shared() { None } else { Some(self.settling.write().await) };
            self.deliver_batch(batch, &mut failed).await?;
        }
        match failed.0 {
            Some(error) => Err(error),
            None => {
                if is_all {
                    attempts.anew();
                }
                Ok(())
            }
        }
    }

    /// As if it were delivered.
    fn forget(&self, batch: &Batch) {
        batch.caches.iter().for_each(|(cache, number)| self.undelivered.cache_delivered(cache, *number, self.now()));
        self.tags_told(&batch.tags);
        self.undelivered.softened(&batch.softened, self.now());
        self.undelivered.keys_delivered(&batch.keys, self.now());
    }

    async fn deliver_batch(&self, batch: Batch, failed: &mut Failed) -> Result<(), Error> {
        for (cache, number) in &batch.caches {
            let told = self.patiently(self.clear(self.backend(), cache)).await;
            if self.note(told, failed)?.is_some() {
                self.undelivered.cache_delivered(cache, *number, self.now());
            }
        }
        for some in batch.tags.chunks(BATCH) {
            self.deliver_tags(some, failed).await?;
        }
        for some in batch.softened.chunks(BATCH) {
            self.deliver_softened(some, failed).await?;
        }
        for some in batch.keys.chunks(BATCH) {
            let addresses: Vec<Address> = some.iter().map(|(_, address)| address.clone()).collect();
            let told = self.patiently(invalidate(self.backend(), &addresses)).await;
            let Some(told) = self.note(told, failed)? else { continue };
            let mut delivered = Vec::with_capacity(told.len());
            for (key, told) in some.iter().zip(told) {
                match told {
                    Ok(()) => delivered.push(key.clone()),
                    Err(error) => _ = failed.0.get_or_insert(error),
                }
            }
            self.undelivered.keys_delivered(&delivered, self.now());
        }
        Ok(())
    }

    async fn deliver_tags(&self, some: &[(Box<str>, u64)], failed: &mut Failed) -> Result<(), Error> {
        let tags: Vec<&str> = some.iter().map(|(tag, _)| &**tag).collect();
        let told = self.patiently(outdate(self, &tags)).await;
        let is_one = some.len() == 1 || !self.is_shared();
        match told {
            Err(error) if !is_one && !self.is_lost(&error) => {
                // Of which it is the error is not known, and to invalidate one twice does no harm.
                let tell = |(tag, _): &(Box<str>, u64)| {
                    let tag = tag.clone();
                    Box::pin(async move { self.patiently(outdate(self, &[&tag])).await })
                };
                let told = each(some.iter().map(tell).collect()).await;
                for (tag, told) in some.iter().zip(told) {
                    if self.note(told, failed)?.is_some() {
                        self.tags_told(std::slice::from_ref(tag));
                    }
                }
            }
            told => {
                if self.note(told, failed)?.is_some() {
                    self.tags_told(some);
                }
            }
        }
        Ok(())
    }

    fn tags_told(&self, tags: &[(Box<str>, u64)]) {
        tags.iter().for_each(|(tag, _)| self.watch.cells.forget(tag));
        self.undelivered.tags_delivered(tags, self.now());
    }

    /// Each by itself and once: a soft version that was perhaps made already is not made again, since each one more makes more entries invalid. What fails becomes an
    /// invalidation, which may be repeated.
    async fn deliver_softened(&self, some: &[(Box<str>, u64)], failed: &mut Failed) -> Result<(), Error> {
        let tell = |(tag, _): &(Box<str>, u64)| {
            let tag = tag.clone();
            Box::pin(async move { self.patiently(soften(self, &[&tag])).await })
        };
        let told = each(some.iter().map(tell).collect()).await;
        for ((tag, _), told) in some.iter().zip(&told).filter(|(_, told)| told.is_err()) {
            let tag_hash = &*blake3::hash(tag.as_bytes()).to_hex();
            tracing::debug!(tag_hash = &tag_hash[..16], ?told, "a tag is invalidated that could not be made stale");
            self.undelivered.harden(tag);
            self.watch.cells.forget(tag);
        }
        for (tag, told) in some.iter().zip(told) {
            if self.note(told, failed)?.is_some() {
                self.watch.cells.forget(&tag.0);
                self.undelivered.softened(std::slice::from_ref(tag), self.now());
            }
        }
        Ok(())
    }

    /// What was answered. The error where nothing further is to be asked for now.
    fn note<T>(&self, told: Result<T, Error>, failed: &mut Failed) -> Result<Option<T>, Error> {
        match told {
            Ok(told) => Ok(Some(told)),
            Err(error) if self.is_lost(&error) => Err(error),
            Err(error) => {
                failed.0.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// Who does not answer to one thing will not to another, if there is only one who could.
    fn is_lost(&self, error: &Error) -> bool {
        let is_silent = matches!(error, Error::Backend { failure: Failure::Unreachable | Failure::Timeout, .. });
        is_silent && !self.judges_itself()
    }
}
