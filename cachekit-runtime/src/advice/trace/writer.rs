//! Writing a trace.

use super::{HEADER, Header, MAGIC, MOST, VERSION};
use std::{
    io::{self, Write},
    time::Duration,
};

/// Writes a trace, block by block. Puts no buffer in between: a block is one write.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    block: Vec<u8>,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What writing gives.
    pub fn new(mut to: W, header: &Header) -> io::Result<Self> {
        let mut head = [0; HEADER];
        head[..8].copy_from_slice(&MAGIC);
        head[8..10].copy_from_slice(&VERSION.to_le_bytes());
        head[10..12].copy_from_slice(&(HEADER as u16).to_le_bytes());
        head[16..24].copy_from_slice(&header.limit.to_le_bytes());
        head[24..].copy_from_slice(&u64::try_from(header.began.as_millis()).unwrap_or(u64::MAX).to_le_bytes());
        to.write_all(&head)?;
        Ok(Writer { to, block: Vec::new(), written: HEADER as u64 })
    }

    /// Writes accesses that came until `at`, counted from the beginning, in microseconds; `dropped` were lost before them.
    ///
    /// # Errors
    /// What writing gives. The trace then ends with what was written before.
    pub fn block(&mut self, at: Duration, dropped: u32, hashes: &[u64]) -> io::Result<()> {
        let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        let mut dropped = dropped;
        for part in hashes.chunks(MOST) {
            self.block.clear();
            self.block.extend_from_slice(&(part.len() as u32).to_le_bytes());
            self.block.extend_from_slice(&std::mem::take(&mut dropped).to_le_bytes());
            self.block.extend_from_slice(&micros.to_le_bytes());
            part.iter().for_each(|hash| self.block.extend_from_slice(&hash.to_le_bytes()));
            self.to.write_all(&self.block)?;
            self.written += self.block.len() as u64;
        }
        Ok(())
    }

    /// Bytes written so far, the header included.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    /// What flushing gives.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
