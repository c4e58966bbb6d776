//! Reading a trace, which may have been cut anywhere.

use super::{BLOCK, HEADER, Header, MAGIC, MOST, VERSION};
use std::{
    io::{self, Read},
    time::Duration,
};

/// One access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The hash of its key.
    pub hash: u64,
    /// Since the beginning of the trace; that of the block, which spans at most some hundredths of a second where the cache was in use.
    pub at: Duration,
}

/// Why something is no trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotATrace {
    /// It cannot be read.
    #[error("the trace cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It begins with something else, or ends before its header does.
    #[error("this is no trace of cachekit: it does not begin with its header; `record_trace` writes one")]
    Header,
    /// It is of a later version.
    #[error(
        "the trace has version {0}, and this program reads version {VERSION}: read it with the version of cachekit that wrote it"
    )]
    Version(u16),
    /// A block says that it is longer than blocks are.
    #[error("the trace is damaged at byte {at}: a block of {length} accesses; what stands before it was read")]
    Damaged {
        /// Where the block begins.
        at: u64,
        /// What it says of its length.
        length: u32,
    },
}

/// Reads a trace: an iterator over its accesses. Ends where the trace does, also in the middle of a block; after an error it is at its end.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    header: Header,
    block: Vec<u8>,
    next: usize,
    at: Duration,
    place: u64,
    dropped: u64,
    cut: bool,
    over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header. Blocks are read one by one, so that a file needs no buffer.
    ///
    /// # Errors
    /// Where it is no trace, or of a later version.
    pub fn new(mut from: R) -> Result<Self, NotATrace> {
        let mut head = [0; HEADER];
        let read = fill(&mut from, &mut head)?;
        if read < HEADER || head[..8] != MAGIC {
            return Err(NotATrace::Header);
        }
        let version = u16::from_le_bytes([head[8], head[9]]);
        if version != VERSION {
            return Err(NotATrace::Version(version));
        }
        let length = u64::from(u16::from_le_bytes([head[10], head[11]]));
        // A later minor change may add fields at the end.
        let more = length.checked_sub(HEADER as u64).ok_or(NotATrace::Header)?;
        io::copy(&mut from.by_ref().take(more), &mut io::sink())?;
        let header = Header { limit: number(&head[16..24]), began: Duration::from_millis(number(&head[24..])) };
        Ok(Reader {
            from,
            header,
            block: Vec::new(),
            next: 0,
            at: Duration::ZERO,
            place: length,
            dropped: 0,
            cut: false,
            over: false,
        })
    }

    /// What stands at its beginning.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// Accesses that were lost when it was recorded, as far as it has been read.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Did it end in the middle of a block, as a trace does whose writer was stopped by force? Known once it has been read to its end.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// `false` at the end.
    fn next_block(&mut self) -> Result<bool, NotATrace> {
        let mut head = [0; BLOCK];
        let read = fill(&mut self.from, &mut head)?;
        if read < BLOCK {
            self.cut = read > 0;
            return Ok(false);
        }
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length as usize > MOST {
            return Err(NotATrace::Damaged { at: self.place, length });
        }
        self.dropped += u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        self.at = Duration::from_micros(number(&head[8..]));
        self.block.resize(length as usize * 8, 0);
        let read = fill(&mut self.from, &mut self.block)?;
        self.cut = read < self.block.len();
        self.over = self.cut;
        self.block.truncate(read / 8 * 8);
        self.place += (BLOCK + read) as u64;
        self.next = 0;
        Ok(true)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Access, NotATrace>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next == self.block.len() {
            if self.over {
                return None;
            }
            match self.next_block() {
                Ok(true) => {}
                end => {
                    self.over = true;
                    self.block.clear();
                    self.next = 0;
                    return end.err().map(Err);
                }
            }
        }
        let hash = number(&self.block[self.next..self.next + 8]);
        self.next += 8;
        Some(Ok(Access { hash, at: self.at }))
    }
}

/// Of eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Reads until the buffer is full or there is no more: how much that was.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match from.read(&mut buffer[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::trace::Writer;

    fn written() -> Vec<u8> {
        let header = Header { limit: u64::MAX / 2, began: Duration::from_millis(1_700_000_000_123) };
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        writer.block(Duration::from_micros(5), 0, &[1, 2, 3]).unwrap();
        writer.block(Duration::from_micros(9), 7, &[u64::MAX, 0]).unwrap();
        assert_eq!(writer.written(), 32 + 16 + 24 + 16 + 16);
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<u64>, bool) {
        let mut reader = Reader::new(bytes).unwrap();
        let hashes = reader.by_ref().map(|access| access.unwrap().hash).collect();
        (hashes, reader.is_cut())
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = written();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        assert_eq!(reader.header().limit, u64::MAX / 2);
        assert_eq!(reader.header().began, Duration::from_millis(1_700_000_000_123));
        let all: Vec<(u64, u128)> = reader.by_ref().map(Result::unwrap).map(|a| (a.hash, a.at.as_micros())).collect();
        assert_eq!(all, [(1, 5), (2, 5), (3, 5), (u64::MAX, 9), (0, 9)]);
        assert_eq!((reader.dropped(), reader.is_cut()), (7, false));
    }

    #[test]
    fn a_trace_that_was_cut_anywhere_gives_what_is_whole() {
        let bytes = written();
        let all = read(&bytes).0;
        let mut most = 0;
        for length in HEADER..bytes.len() {
            let (hashes, cut) = read(&bytes[..length]);
            assert_eq!(hashes, all[..hashes.len()], "cut at {length}");
            assert!(hashes.len() >= most, "cut at {length}");
            most = hashes.len();
            // Between two blocks nothing is missing that one could know of.
            assert_eq!(cut, length != HEADER && length != HEADER + 16 + 24, "cut at {length}");
        }
        assert_eq!(most, 4);
        assert!((0..HEADER).all(|length| matches!(Reader::new(&bytes[..length]), Err(NotATrace::Header))));
    }

    #[test]
    fn what_is_no_trace_is_refused_and_no_length_is_believed() {
        assert!(matches!(Reader::new(&[7; 100][..]), Err(NotATrace::Header)));
        let mut later = written();
        later[8] = 2;
        assert!(matches!(Reader::new(later.as_slice()), Err(NotATrace::Version(2))));
        let mut damaged = written();
        damaged[HEADER + 16 + 24 + 3] = 0xff;
        let mut reader = Reader::new(damaged.as_slice()).unwrap();
        assert_eq!(reader.by_ref().take(3).filter(Result::is_ok).count(), 3);
        assert!(matches!(reader.next(), Some(Err(NotATrace::Damaged { at: 72, .. }))));
        assert!(reader.next().is_none());
    }
}
