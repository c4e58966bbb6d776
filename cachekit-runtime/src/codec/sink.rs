//! Appends to a vector, up to a limit.

use std::io;

/// A writer that refuses what goes over the limit, so that a huge value is not encoded to its end first.
pub(crate) struct Sink<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
}

impl<'a> Sink<'a> {
    /// At most `max` bytes after those that are there.
    pub(crate) fn new(out: &'a mut Vec<u8>, max: usize) -> Self {
        let end = out.len().saturating_add(max);
        Sink { out, end }
    }

    /// `false`: they do not fit.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let fits = self.end.saturating_sub(self.out.len()) >= bytes.len();
        if fits {
            self.out.extend_from_slice(bytes);
        }
        fits
    }
}

impl io::Write for Sink<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.push(bytes) { Ok(()) } else { Err(io::Error::other("larger than `max_value_bytes`")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
