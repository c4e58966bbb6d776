//! The tables of redb: writing a batch, making room, sweeping, and reading.

use super::{
    batch::Batch,
    failure::Trouble,
    layout::{
        ENTRIES, FACTS, FORMAT, HEADER, Header, NEVER, USES, beyond, cost, fact, prefix, prefix_of_cache, use_key,
    },
};
use bytes::Bytes;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableError, WriteTransaction};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// A use is noted anew when the note is older than this, in milliseconds: reads then cost a write a minute and not one each.
pub(super) const COARSE: u64 = 60_000;

/// So many records are looked at for what is over.
const SWEEP: usize = 10_000;

/// What a write has to know besides the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) now: u64,
    pub(super) max_bytes: u64,
    /// Is to be on the disk when it returns.
    pub(super) durable: bool,
    /// Entries that were read.
    pub(super) used: &'a [Box<[u8]>],
    /// Entries whose time seems to be over.
    pub(super) over: &'a [Box<[u8]>],
}

/// What a look for entries whose time is over has found.
#[derive(Debug, Default)]
pub(super) struct Over {
    pub(super) keys: Vec<Box<[u8]>>,
    /// The look did not come to the end.
    pub(super) more: bool,
}

/// The open store, of the writing thread alone.
pub(super) struct Store {
    database: Database,
    /// The record up to which the last look for what is over came.
    looked_at: Vec<u8>,
}

impl Store {
    pub(super) fn new(database: Database) -> Self {
        Store { database, looked_at: Vec::new() }
    }

    /// Format, and the latest time that was seen; `None` of an empty file.
    pub(super) fn facts(&self) -> Result<Option<(u64, u64)>, Trouble> {
        let transaction = self.database.begin_read()?;
        let facts = match transaction.open_table(FACTS) {
            Ok(facts) => facts,
            Err(TableError::TableDoesNotExist(_)) if transaction.list_tables()?.next().is_none() => return Ok(None),
            Err(TableError::TableDoesNotExist(_)) => {
                return Err(Trouble::corrupt("it is a database of something else"));
            }
            Err(error) => return Err(error.into()),
        };
        let number = |name| -> Result<Option<u64>, Trouble> { Ok(facts.get(name)?.map(|number| number.value())) };
        let format = number(fact::FORMAT)?.ok_or_else(|| Trouble::corrupt("it names no format"))?;
        Ok(Some((format, number(fact::SEEN)?.unwrap_or(0))))
    }

    /// The tables of an empty file.
    pub(super) fn make(&self) -> Result<(), Trouble> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(FACTS)?.insert(fact::FORMAT, FORMAT)?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(USES)?;
        Ok(transaction.commit()?)
    }

    /// Removes all entries that end some time; time begins anew at `now`. Says how many.
    pub(super) fn drop_what_ends(&self, now: u64) -> Result<usize, Trouble> {
        let transaction = self.database.begin_write()?;
        let dropped = {
            let mut tables = Tables::open(&transaction)?;
            let dropped = tables.drop_what_ends(now)?;
            tables.close(&transaction, now)?;
            dropped
        };
        transaction.commit()?;
        Ok(dropped)
    }

    /// Looks at some records, on from where the last look ended: the keys of entries whose time is over.
    pub(super) fn over(&mut self, now: u64) -> Result<Over, Trouble> {
        guarded(|| {
            let uses = self.database.begin_read()?.open_table(USES)?;
            let (mut keys, mut last) = (Vec::new(), Vec::new());
            for (seen, found) in uses.range(self.looked_at.as_slice()..)?.take(SWEEP).enumerate() {
                let (record, end) = found?;
                if seen + 1 == SWEEP {
                    last = record.value().to_vec();
                }
                if end.value().first_chunk().is_some_and(|end| u64::from_be_bytes(*end) <= now) {
                    keys.extend(record.value().get(8..).map(Box::from));
                }
            }
            self.looked_at = last;
            Ok(Over { keys, more: !self.looked_at.is_empty() })
        })
    }

    /// Writes the batch in one transaction, notes the uses, removes what is over, makes room, and gives the view of readers after it.
    pub(super) fn write(&mut self, batch: &Batch, terms: &Terms<'_>) -> Result<Arc<Snapshot>, Trouble> {
        guarded(|| {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(if terms.durable { Durability::Immediate } else { Durability::None })?;
            let mut tables = Tables::open(&transaction)?;
            tables.apply(batch)?;
            for key in terms.used {
                tables.note_use(key, terms.now)?;
            }
            for key in terms.over {
                tables.remove_if_over(key, terms.now)?;
            }
            tables.make_room(terms.max_bytes)?;
            tables.close(&transaction, terms.now)?;
            transaction.commit()?;
            self.snapshot()
        })
    }

    pub(super) fn snapshot(&self) -> Result<Arc<Snapshot>, Trouble> {
        Ok(Arc::new(Snapshot { entries: self.database.begin_read()?.open_table(ENTRIES)? }))
    }
}

/// The tables in a transaction.
struct Tables<'t> {
    entries: Table<'t, &'static [u8], &'static [u8]>,
    uses: Table<'t, &'static [u8], &'static [u8]>,
    bytes: u64,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, Trouble> {
        let bytes = transaction.open_table(FACTS)?.get(fact::BYTES)?.map_or(0, |bytes| bytes.value());
        Ok(Tables { entries: transaction.open_table(ENTRIES)?, uses: transaction.open_table(USES)?, bytes })
    }

    /// Notes what all of them count, and the time.
    fn close(self, transaction: &WriteTransaction, now: u64) -> Result<(), Trouble> {
        let mut facts = transaction.open_table(FACTS)?;
        facts.insert(fact::BYTES, self.bytes)?;
        facts.insert(fact::SEEN, now)?;
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), Trouble> {
        for cache in batch.caches() {
            self.remove_all(&prefix_of_cache(&String::from_utf8_lossy(cache)))?;
        }
        for id in batch.ids() {
            self.remove_all(&prefix(&String::from_utf8_lossy(id)))?;
        }
        for (key, value) in batch.puts() {
            match value {
                Some(value) => self.insert(key, value)?,
                None => self.remove(key)?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
        let (header, _) = Header::read(value).ok_or_else(|| Trouble::corrupt("a value without a header"))?;
        let before = self.entries.insert(key, value)?.map(|before| Dropped::of(key, before.value()));
        self.forget(key, before)?;
        self.bytes += cost(key, value);
        self.uses.insert(use_key(header.used, key).as_slice(), header.end.to_be_bytes().as_slice())?;
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Trouble> {
        let before = self.entries.remove(key)?.map(|before| Dropped::of(key, before.value()));
        self.forget(key, before)
    }

    /// An entry went: so does its record.
    fn forget(&mut self, key: &[u8], dropped: Option<Dropped>) -> Result<(), Trouble> {
        if let Some(dropped) = dropped {
            self.bytes = self.bytes.saturating_sub(dropped.cost);
            self.uses.remove(use_key(dropped.used, key).as_slice())?;
        }
        Ok(())
    }

    /// Removes everything that begins with the prefix.
    fn remove_all(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let beyond = beyond(prefix);
        let mut gone: Vec<(Vec<u8>, Dropped)> = Vec::new();
        for found in self.entries.extract_from_if(prefix..beyond.as_slice(), |_, _| true)? {
            let (key, value) = found?;
            gone.push((key.value().to_vec(), Dropped::of(key.value(), value.value())));
        }
        for (key, dropped) in gone {
            self.forget(&key, Some(dropped))?;
        }
        Ok(())
    }

    /// The entry is used now, unless it has gone meanwhile.
    fn note_use(&mut self, key: &[u8], now: u64) -> Result<(), Trouble> {
        let Some(value) = self.entries.get(key)?.map(|value| value.value().to_vec()) else { return Ok(()) };
        match Header::read(&value) {
            Some((header, envelope)) if header.used.saturating_add(COARSE) <= now && header.end > now => {
                self.insert(key, &Header { used: now, ..header }.write(envelope))
            }
            _ => Ok(()),
        }
    }

    /// Evicts what was not used for the longest time until the bound holds.
    fn make_room(&mut self, max_bytes: u64) -> Result<(), Trouble> {
        while self.bytes > max_bytes {
            let Some(record) = self.uses.pop_first()?.map(|(record, _)| record.value().to_vec()) else {
                // No records, so no entries: the count was wrong.
                self.bytes = 0;
                break;
            };
            self.remove(record.get(8..).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Unless it was set anew meanwhile.
    fn remove_if_over(&mut self, key: &[u8], now: u64) -> Result<(), Trouble> {
        let header = self.entries.get(key)?.and_then(|value| Some(Header::read(value.value())?.0));
        if header.is_some_and(|header| header.end <= now) { self.remove(key) } else { Ok(()) }
    }

    /// Removes all entries that end some time. The others are used at `now`, where their last use is later than that: else what comes next would
    /// be the eldest.
    fn drop_what_ends(&mut self, now: u64) -> Result<usize, Trouble> {
        let (mut ends, mut later) = (Vec::new(), Vec::new());
        for found in self.uses.iter()? {
            let (record, end) = found?;
            let Some((used, key)) = record.value().split_first_chunk::<8>() else { continue };
            if end.value() != NEVER.to_be_bytes() {
                ends.push(key.to_vec());
            } else if u64::from_be_bytes(*used) > now {
                later.push(key.to_vec());
            }
        }
        for key in &ends {
            self.remove(key)?;
        }
        for key in later {
            let value = self.entries.get(key.as_slice())?.map(|value| value.value().to_vec());
            if let Some((header, envelope)) = value.as_deref().and_then(Header::read) {
                self.insert(&key, &Header { used: now, ..header }.write(envelope))?;
            }
        }
        Ok(ends.len())
    }
}

/// What is left to do for an entry that went.
struct Dropped {
    used: u64,
    cost: u64,
}

impl Dropped {
    fn of(key: &[u8], value: &[u8]) -> Self {
        Dropped { used: Header::read(value).map_or(0, |(header, _)| header.used), cost: cost(key, value) }
    }
}

/// The entries as of one commit.
pub(super) struct Snapshot {
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

/// Some keys and their values with the headers.
pub(super) struct Rows {
    pub(super) rows: Vec<(Box<[u8]>, Bytes)>,
    /// The key to go on at; `None`: that was all.
    pub(super) next: Option<Box<[u8]>>,
}

impl Snapshot {
    /// Header and envelope; `None` if its time is over, or there is none.
    pub(super) fn get(&self, key: &[u8], now: u64) -> Result<Option<Bytes>, Trouble> {
        guarded(|| {
            let Some(found) = self.entries.get(key)? else { return Ok(None) };
            let value = found.value();
            let lives = Header::read(value).is_some_and(|(header, _)| header.end > now);
            Ok(lives.then(|| Bytes::copy_from_slice(value)))
        })
    }

    /// How many records there are, those included whose time is over.
    #[cfg(feature = "inspect")]
    pub(super) fn count(&self) -> Result<u64, Trouble> {
        guarded(|| Ok(redb::ReadableTableMetadata::len(&self.entries)?))
    }

    /// Some entries from `from` on, before `until`; and where to go on.
    pub(super) fn scan(&self, from: &[u8], until: Option<&[u8]>, at_most: usize, now: u64) -> Result<Rows, Trouble> {
        guarded(|| {
            let mut rows = Vec::new();
            for found in self.entries.range(from..)? {
                let (key, value) = found?;
                let (key, value) = (key.value(), value.value());
                if until.is_some_and(|until| key >= until) {
                    break;
                }
                if rows.len() == at_most {
                    return Ok(Rows { rows, next: Some(key.into()) });
                }
                if value.len() >= HEADER && Header::read(value).is_some_and(|(header, _)| header.end > now) {
                    rows.push((key.into(), Bytes::copy_from_slice(value)));
                }
            }
            Ok(Rows { rows, next: None })
        })
    }
}

/// Runs what reads the file. On a damaged one redb may panic where it does not fail.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        // What it carries may panic when it is dropped.
        std::mem::forget(payload);
        Err(Trouble::corrupt("the store is damaged"))
    })
}
