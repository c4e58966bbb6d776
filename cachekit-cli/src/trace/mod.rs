//! Traces: which keys were asked for, one after the other.
//!
//! A trace is read once, from whatever it is in. Its keys become numbers in the order of their first use, and the numbers go into a file of their own, four bytes
//! a request, from which each simulation reads. So memory grows with the distinct keys alone.

mod access_log;
mod csv;
mod input;
mod keys;
mod numbers;
mod recorded;
mod spool;

pub(crate) use spool::Spool;

use crate::{
    args::{Format, Lines},
    failure::Failure,
    progress,
};
use input::Input;
use numbers::Numbers;
use recorded::About;
use spool::Writer;
use std::{io, path::Path};

/// A trace that was read.
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) spool: Spool,
    pub(crate) distinct: u32,
    /// Lines that are no requests for keys, or that cannot be read; of a recording what was lost.
    pub(crate) skipped: u64,
    /// Which part of the keys it has: less than 1 for a sample, which stands for a cache that is as much larger.
    pub(crate) rate: f64,
    /// The end of what was recorded is missing.
    pub(crate) is_cut: bool,
}

impl Trace {
    pub(crate) fn requests(&self) -> u64 {
        self.spool.requests()
    }

    /// How many requests there were about, those included that a sample leaves out.
    pub(crate) fn all_requests(&self) -> u64 {
        (self.requests() as f64 / self.rate).round() as u64
    }

    /// How many distinct keys there are about, those included that a sample leaves out.
    pub(crate) fn all_distinct(&self) -> u64 {
        (f64::from(self.distinct) / self.rate).round() as u64
    }
}

/// What is done with each key.
type Sink<'a> = dyn FnMut(&[u8]) -> io::Result<bool> + 'a;

/// Reads a trace.
pub(crate) fn read(path: &Path, args: &Lines, quiet: bool) -> Result<Trace, Failure> {
    let name = path.display().to_string();
    let failed = |error: io::Error| {
        Failure::other(format_args!("{name}: {error}")).next("name a trace: one key a line, CSV, or an access log")
    };
    let mut input = Input::open(path).map_err(failed)?;
    let format = match args.format {
        Some(format) => format,
        None if args.column.is_some() => Format::Csv,
        None => detected(&path.to_string_lossy(), input.beginning()),
    };
    let bar = progress::bar(input.length(), "bytes read", quiet);
    let (mut numbers, mut writer) = (Numbers::default(), Writer::new().map_err(failed)?);
    let most = args.limit.unwrap_or(u64::MAX);
    let consumed = input.consumed();
    let mut sink = |key: &[u8]| {
        if writer.requests() >= most {
            return Ok(false);
        }
        writer.write(numbers.number(key)?)?;
        if writer.requests().is_multiple_of(1 << 16) {
            bar.set_position(consumed.get());
        }
        Ok(true)
    };
    let whole = |skipped| About { dropped: skipped, rate: 1.0, is_cut: false };
    let read = match format {
        Format::Keys => keys::read(&mut input, &mut sink).map(whole),
        Format::Csv => csv::read(&mut input, args.column.as_deref(), &mut sink).map(whole),
        Format::AccessLog => access_log::read(&mut input, &mut sink).map(whole),
        Format::Recorded => recorded::read(&mut input, &mut sink),
    };
    let About { dropped: skipped, rate, is_cut } = read.map_err(failed)?;
    bar.finish_and_clear();
    let requests = writer.requests();
    let spool = writer.finish().map_err(failed)?;
    if requests == 0 {
        let what = match skipped {
            0 => format!("{name} has no requests"),
            _ => format!("none of the {skipped} lines of {name} is a request"),
        };
        return Err(Failure::other(what).next("say what it is with `--format`: keys, csv, access-log or recorded"));
    }
    Ok(Trace { name, spool, distinct: numbers.count(), skipped, rate, is_cut })
}

/// So many lines tell an access log.
const TELLING: usize = 32;

/// By the name, and by what an access log alone looks like.
fn detected(name: &str, beginning: &[u8]) -> Format {
    let plain = name.trim_end_matches(".gz").trim_end_matches(".zst").to_ascii_lowercase();
    if beginning.starts_with(recorded::MAGIC) {
        Format::Recorded
    } else if plain.ends_with(".csv") {
        Format::Csv
    } else if is_access_log(beginning) {
        Format::AccessLog
    } else {
        Format::Keys
    }
}

/// Most of the first lines are of one, whatever was asked in them. A line that is not whole counts only where it is the only one.
fn is_access_log(beginning: &[u8]) -> bool {
    let whole = beginning.iter().rposition(|byte| *byte == b'\n').and_then(|end| beginning.get(..end));
    let lines = whole.unwrap_or(beginning).split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let (all, of_log) = lines.take(TELLING).fold((0, 0), |(all, of_log), line| {
        (all + 1, of_log + usize::from(access_log::is_line(line.strip_suffix(b"\r").unwrap_or(line))))
    });
    2 * of_log > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        let log = b"127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326\n";
        assert_eq!(detected("access", log), Format::AccessLog);
        // What comes first may be no request for a key, no request at all, or half a line.
        let lines = |first: &str| [first.as_bytes(), b"\n\n", log, log, b"127.0.0.1 - - [10/Oct"].concat();
        for first in ["h - - [t] \"POST /a HTTP/1.1\" 200 1", "h - - [t] \"\\x16\\x03\" 400 0", "# a remark"] {
            assert_eq!(detected("access", &lines(first)), Format::AccessLog, "{first}");
        }
        assert_eq!(detected("access", log.trim_ascii_end()), Format::AccessLog);
        assert_eq!(detected("keys", &[&log[..], b"17\n18\n"].concat()), Format::Keys);
        assert_eq!(detected("a.CSV.gz", b"key\n1\n"), Format::Csv);
        assert_eq!(detected("trace.txt.zst", b"17\n3\n"), Format::Keys);
    }
}
