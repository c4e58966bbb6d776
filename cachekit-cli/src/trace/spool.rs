//! The numbers of a trace's keys in a file of their own, four bytes each, which goes with this process.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
};
use tempfile::NamedTempFile;

/// So many numbers are read at once.
const CHUNK: usize = 1 << 14;
const WIDTH: usize = size_of::<u32>();

/// Writes the numbers.
pub(super) struct Writer {
    file: BufWriter<NamedTempFile>,
    requests: u64,
}

impl Writer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Writer {
            file: BufWriter::with_capacity(1 << 18, NamedTempFile::with_prefix("cachekit-trace-")?),
            requests: 0,
        })
    }

    pub(super) fn write(&mut self, number: u32) -> io::Result<()> {
        self.requests += 1;
        self.file.write_all(&number.to_le_bytes())
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn finish(self) -> io::Result<Spool> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { file, requests: self.requests })
    }
}

/// The numbers, to be read as often as one likes.
pub(crate) struct Spool {
    file: NamedTempFile,
    requests: u64,
}

impl Spool {
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Gives them, some thousands at a time, to one reader of several.
    pub(crate) fn forward(&self, mut each: impl FnMut(&[u32])) -> io::Result<()> {
        let mut file = self.file.reopen()?;
        let mut left = self.requests;
        let mut chunk = Chunk::default();
        while left > 0 {
            let some = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            each(chunk.read(&mut file, some)?);
            left -= some as u64;
        }
        Ok(())
    }

    /// As [`forward`](Self::forward) from the end on: the last number of a chunk comes first.
    pub(crate) fn backward(&self, mut each: impl FnMut(&[u32])) -> io::Result<()> {
        let mut file = self.file.reopen()?;
        let mut left = self.requests;
        let mut chunk = Chunk::default();
        while left > 0 {
            let some = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            left -= some as u64;
            file.seek(SeekFrom::Start(left * WIDTH as u64))?;
            each(chunk.read(&mut file, some)?);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    numbers: Vec<u32>,
}

impl Chunk {
    fn read(&mut self, file: &mut File, some: usize) -> io::Result<&[u32]> {
        self.bytes.resize(some * WIDTH, 0);
        file.read_exact(&mut self.bytes)?;
        self.numbers.clear();
        self.numbers.extend(self.bytes.as_chunks::<WIDTH>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        Ok(&self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_both_directions() {
        let mut writer = Writer::new().unwrap();
        let all: Vec<u32> = (0..(CHUNK as u32 * 2 + 7)).collect();
        all.iter().for_each(|number| writer.write(*number).unwrap());
        let spool = writer.finish().unwrap();
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        spool.forward(|some| forward.extend_from_slice(some)).unwrap();
        spool.backward(|some| backward.extend(some.iter().rev())).unwrap();
        backward.reverse();
        assert_eq!((spool.requests(), &forward, &backward), (all.len() as u64, &all, &all));
    }
}
