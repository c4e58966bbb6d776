//! The numbers of a trace's keys in a file of their own, four bytes each. The file has no name, so that it goes with this process however that ends.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

/// So many numbers are read at once.
const CHUNK: usize = 1 << 14;
const WIDTH: usize = size_of::<u32>();

/// Writes the numbers.
pub(super) struct Writer {
    file: BufWriter<File>,
    requests: u64,
}

impl Writer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Writer { file: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?), requests: 0 })
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
    file: File,
    requests: u64,
}

impl Spool {
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Gives them, some thousands at a time, to one reader of several.
    pub(crate) fn forward(&self, mut each: impl FnMut(&[u32])) -> io::Result<()> {
        let mut left = self.requests;
        let mut chunk = Chunk::default();
        while left > 0 {
            let some = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            each(chunk.read(&self.file, self.requests - left, some)?);
            left -= some as u64;
        }
        Ok(())
    }

    /// As [`forward`](Self::forward) from the end on: the last number of a chunk comes first.
    pub(crate) fn backward(&self, mut each: impl FnMut(&[u32])) -> io::Result<()> {
        let mut left = self.requests;
        let mut chunk = Chunk::default();
        while left > 0 {
            let some = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            left -= some as u64;
            each(chunk.read(&self.file, left, some)?);
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
    fn read(&mut self, file: &File, first: u64, some: usize) -> io::Result<&[u32]> {
        self.bytes.resize(some * WIDTH, 0);
        read_at(file, &mut self.bytes, first * WIDTH as u64)?;
        self.numbers.clear();
        self.numbers.extend(self.bytes.as_chunks::<WIDTH>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        Ok(&self.numbers)
    }
}

/// Without the place of the file, which its readers share.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, from)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match std::os::windows::fs::FileExt::seek_read(file, rest, from + read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => read += some,
        }
    }
    Ok(())
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
