//! Reading a snapshot, a block at a time.

use super::{FORMAT, Header, MAGIC, Record, SnapshotError};
use crate::codec::DEFAULT_MAX_VALUE_BYTES;
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// No header is longer: two texts of 64 KiB, and numbers.
const LONGEST_HEADER: u32 = 140_000;

/// No block is longer: it ends with the entry that makes it long enough, and of that key, value and tags have bounds.
const LONGEST: usize = super::BLOCK + 2 * DEFAULT_MAX_VALUE_BYTES + 256 * (64 << 10);

/// A snapshot that is being read.
pub(crate) struct Source {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    /// Where the blocks begin.
    begin: u64,
    entries: u64,
    pub(crate) header: Header,
}

/// Why it cannot be read on.
enum Unread {
    Io(io::Error),
    Damaged(&'static str),
}

const CUT_OFF: Unread = Unread::Damaged("it ends here, before its end");

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { CUT_OFF } else { Unread::Io(error) }
    }
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, SnapshotError> {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let header = Header { cache: String::new(), codec: String::new(), keys: 0, values: 0, created: 0 };
        let mut source =
            Source { path: path.to_owned(), file: BufReader::new(file), at: 0, begin: 0, entries: 0, header };
        let mut first = [0; MAGIC.len() + 1];
        match source.fill(&mut first) {
            Ok(()) if first.starts_with(&MAGIC) => {}
            Err(Unread::Io(error)) => return Err(failed(path, error)),
            // Empty, or shorter than any snapshot: what of it is there decides whether it was one.
            Err(Unread::Damaged(_)) if source.at > 0 && MAGIC.starts_with(&first[..(source.at as usize).min(7)]) => {
                return Err(source.damaged("it ends here, before its end", 0));
            }
            _ => return Err(SnapshotError::Foreign { path: path.to_owned() }),
        }
        let [.., found] = first;
        if found != FORMAT {
            return Err(SnapshotError::OtherFormat { path: path.to_owned(), found, read: FORMAT });
        }
        source.header = source.read_header(&first).map_err(|unread| source.failed(unread, 0))?;
        source.begin = source.at;
        Ok(source)
    }

    fn read_header(&mut self, first: &[u8]) -> Result<Header, Unread> {
        let length = self.u32()?;
        if length > LONGEST_HEADER {
            return Err(Unread::Damaged("its header has no such length"));
        }
        let said = self.take(length)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(first);
        checksum.update(&length.to_le_bytes());
        checksum.update(&said);
        if self.u32()? != checksum.finalize() {
            return Err(Unread::Damaged("the checksum of its header is another"));
        }
        Header::read(&said).ok_or(Unread::Damaged("its header makes no sense"))
    }

    /// Reads all of it, and begins anew.
    pub(crate) fn verify(&mut self) -> Result<(), SnapshotError> {
        while let Some(block) = self.next_block(0)? {
            drop(block);
        }
        self.file.seek(SeekFrom::Start(self.begin)).map_err(|error| failed(&self.path, error))?;
        (self.at, self.entries) = (self.begin, 0);
        Ok(())
    }

    /// The records of the next block; `None`: that was the last. `restored`: what the error says.
    pub(crate) fn next_block(&mut self, restored: u64) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.read_block().map_err(|unread| self.failed(unread, restored))
    }

    fn read_block(&mut self) -> Result<Option<Vec<u8>>, Unread> {
        let length = self.u32()?;
        if length == 0 {
            self.read_end()?;
            return Ok(None);
        }
        let (count, checksum) = (self.u32()?, self.u32()?);
        let block = self.take(length)?;
        let mut found = crc32fast::Hasher::new();
        found.update(&length.to_le_bytes());
        found.update(&count.to_le_bytes());
        found.update(&block);
        if found.finalize() != checksum {
            return Err(Unread::Damaged("the checksum of the block that ends here is another"));
        }
        let (mut rest, mut records) = (&*block, 0);
        while !rest.is_empty() {
            rest = Record::read(rest).ok_or(Unread::Damaged("the block that ends here makes no sense"))?.1;
            records += 1;
        }
        if records != count {
            return Err(Unread::Damaged("the block that ends here has another number of entries"));
        }
        self.entries += u64::from(count);
        Ok(Some(block))
    }

    fn read_end(&mut self) -> Result<(), Unread> {
        let mut entries = [0; 8];
        self.fill(&mut entries)?;
        let mut found = crc32fast::Hasher::new();
        found.update(&0_u32.to_le_bytes());
        found.update(&entries);
        if self.u32()? != found.finalize() {
            return Err(Unread::Damaged("the checksum of its end is another"));
        }
        if u64::from_le_bytes(entries) != self.entries {
            return Err(Unread::Damaged("blocks are missing"));
        }
        match self.file.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(Unread::Damaged("more bytes after its end")),
        }
    }

    fn u32(&mut self) -> Result<u32, Unread> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn fill(&mut self, mut into: &mut [u8]) -> Result<(), Unread> {
        while !into.is_empty() {
            match self.file.read(into) {
                Ok(0) => return Err(CUT_OFF),
                Ok(read) => {
                    self.at += read as u64;
                    into = into.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes no memory on the mere word of a length.
    fn take(&mut self, length: u32) -> Result<Vec<u8>, Unread> {
        if length as usize > LONGEST {
            return Err(Unread::Damaged("no block is as long as the one that begins here"));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(length.into()).read_to_end(&mut bytes)?;
        self.at += read as u64;
        if bytes.len() < length as usize { Err(CUT_OFF) } else { Ok(bytes) }
    }

    fn failed(&self, unread: Unread, restored: u64) -> SnapshotError {
        match unread {
            Unread::Io(error) => failed(&self.path, error),
            Unread::Damaged(what) => self.damaged(what, restored),
        }
    }

    fn damaged(&self, what: &'static str, restored: u64) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), at: self.at, what, restored }
    }
}

fn failed(path: &Path, error: io::Error) -> SnapshotError {
    SnapshotError::Io { path: path.to_owned(), action: "read", error }
}
