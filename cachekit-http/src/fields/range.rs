//! `Range` (RFC 9110 §14.2), for single ranges of bytes.

use super::list::delta_seconds as digits;
use http::{HeaderMap, header::RANGE};
use std::ops::Range;

/// One range of bytes, before the length of the representation is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the last, both inclusive; without a last one, to the end.
    From(u64, Option<u64>),
    /// So many at the end.
    Suffix(u64),
}

impl ByteRange {
    /// The range of a request. `None` where there is none, or one that is to be ignored: another unit, several ranges, or something invalid.
    #[must_use]
    pub fn of(fields: &HeaderMap) -> Option<Self> {
        let mut lines = fields.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let (unit, range) = split_once(line.as_bytes(), b'=')?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let (first, last) = split_once(range.trim_ascii(), b'-')?;
        match (first, last) {
            (b"", last) => digits(last).map(ByteRange::Suffix),
            (first, b"") => Some(ByteRange::From(digits(first)?, None)),
            (first, last) => {
                let (first, last) = (digits(first)?, digits(last)?);
                (first <= last).then_some(ByteRange::From(first, Some(last)))
            }
        }
    }

    /// Which bytes of so many these are; `None`: none of them, the range cannot be satisfied.
    #[must_use]
    pub fn within(self, length: usize) -> Option<Range<usize>> {
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(length);
        let range = match self {
            ByteRange::From(first, last) => clamp(first)..last.map_or(length, |last| clamp(last.saturating_add(1))),
            ByteRange::Suffix(count) => length - clamp(count)..length,
        };
        (!range.is_empty()).then_some(range)
    }
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(line: &str) -> Option<ByteRange> {
        ByteRange::of(&[(RANGE, HeaderValue::from_str(line).unwrap())].into_iter().collect())
    }

    #[test]
    fn single_ranges_are_read_and_others_ignored() {
        // RFC 9110 §14.1.1 and §14.2.
        assert_eq!(of("bytes=0-1"), Some(ByteRange::From(0, Some(1))));
        assert_eq!(of("Bytes=5-"), Some(ByteRange::From(5, None)));
        assert_eq!(of("bytes=-5"), Some(ByteRange::Suffix(5)));
        for ignored in ["bytes=0-1,3-4", "items=0-1", "bytes=1-0", "bytes=-", "bytes=a-b", "bytes", "bytes=0 - 1", ""] {
            assert_eq!(of(ignored), None, "{ignored}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_length() {
        for (range, length, expected) in [
            (ByteRange::From(0, Some(1)), 11, Some(0..2)),
            (ByteRange::From(1, None), 11, Some(1..11)),
            (ByteRange::Suffix(1), 11, Some(10..11)),
            (ByteRange::Suffix(100), 11, Some(0..11)),
            (ByteRange::From(5, Some(u64::MAX)), 11, Some(5..11)),
            (ByteRange::From(11, None), 11, None),
            (ByteRange::From(u64::MAX, Some(u64::MAX)), 11, None),
            (ByteRange::Suffix(0), 11, None),
            (ByteRange::Suffix(5), 0, None),
        ] {
            assert_eq!(range.within(length), expected, "{range:?} of {length}");
        }
    }
}
