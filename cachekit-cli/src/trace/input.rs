//! The bytes of a trace, out of gzip or zstd if its first bytes say so.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    rc::Rc,
};

const BUFFER: usize = 1 << 18;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// So much is looked at to tell a format, or what a first line has.
const BEGINNING: usize = 1 << 16;

/// Longer lines are no lines: nothing else bounds how much of them is in memory.
pub(super) const LONGEST: usize = 16 << 20;

/// What is read from.
pub(super) struct Input {
    from: io::Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read>>>,
    consumed: Rc<Cell<u64>>,
    length: Option<u64>,
}

impl Input {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let consumed = Rc::new(Cell::new(0));
        let (raw, length): (Box<dyn Read>, Option<u64>) = match path.as_os_str() == "-" {
            true => (Box::new(io::stdin()), None),
            false => {
                let file = File::open(path)?;
                let about = file.metadata()?;
                (Box::new(file), about.is_file().then_some(about.len()))
            }
        };
        let mut counted = BufReader::with_capacity(BUFFER, Counted { from: raw, consumed: consumed.clone() });
        let first = counted.fill_buf()?;
        let plain: Box<dyn Read> = if first.starts_with(&GZIP) {
            Box::new(MultiGzDecoder::new(counted))
        } else if first.starts_with(&ZSTD) {
            Box::new(Frames::Between(counted))
        } else {
            Box::new(counted)
        };
        let mut plain = BufReader::with_capacity(BUFFER, plain);
        let beginning = beginning(&mut plain)?;
        Ok(Input { from: Cursor::new(beginning).chain(plain), consumed, length })
    }

    /// Some of the first bytes, which are read again: a line at least, unless it is a long one.
    pub(super) fn beginning(&self) -> &[u8] {
        self.from.get_ref().0.get_ref()
    }

    /// How many bytes there are before they are decompressed, if that is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// How many of them were read.
    pub(super) fn consumed(&self) -> Rc<Cell<u64>> {
        self.consumed.clone()
    }

    /// Gives each line, without its end, until it is not wanted any more.
    pub(super) fn lines(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if (&mut self.from).take(LONGEST as u64 + 1).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.len() > LONGEST {
                return Err(io::Error::other(format!(
                    "line {number} is longer than 16 MiB: this is no text, or no trace"
                )));
            }
            let end = line.strip_suffix(b"\n").unwrap_or(&line);
            if !each(end.strip_suffix(b"\r").unwrap_or(end))? {
                break;
            }
        }
        Ok(())
    }
}

/// What has come once there is a line: who writes into a pipe may not write more for a while.
fn beginning(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    while beginning.len() < BEGINNING && !beginning.contains(&b'\n') {
        let some = from.fill_buf()?;
        if some.is_empty() {
            break;
        }
        beginning.extend_from_slice(some);
        let read = some.len();
        from.consume(read);
    }
    Ok(beginning)
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.from.consume(amount);
    }
}

struct Counted<R> {
    from: R,
    consumed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.consumed.set(self.consumed.get() + read as u64);
        Ok(read)
    }
}

/// One frame of zstd after the other: files are often written in several.
enum Frames<R: BufRead> {
    Between(R),
    Within(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    Over,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Frames::Over) {
                Frames::Between(mut from) => {
                    if from.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    *self = Frames::Within(Box::new(StreamingDecoder::new(from).map_err(io::Error::other)?));
                }
                Frames::Within(mut decoder) => {
                    let read = decoder.read(into)?;
                    if read > 0 || into.is_empty() {
                        *self = Frames::Within(decoder);
                        return Ok(read);
                    }
                    *self = Frames::Between(decoder.into_inner());
                }
                Frames::Over => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_line_may_be_long_but_has_an_end() {
        let read = |length: usize| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(b"first\n").and_then(|()| file.write_all(&vec![b'x'; length])).unwrap();
            let mut lengths = Vec::new();
            let mut input = Input::open(file.path()).unwrap();
            let read = Input::lines(&mut input, |line| {
                lengths.push(line.len());
                Ok(true)
            });
            read.map(|()| lengths).map_err(|error| error.to_string())
        };
        assert_eq!(read(LONGEST), Ok(vec![5, LONGEST]));
        assert!(read(LONGEST + 1).unwrap_err().contains("line 2 is longer than 16 MiB"));
    }
}
