//! Parts of a complete response (RFC 9110 §14, RFC 9111 §3.3).

use super::Head;
use crate::fields::{ByteRange, EntityTag};
use http::{HeaderMap, StatusCode, header};
use std::ops::Range;

/// How much of the body is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<usize>),
    /// None of them: the range cannot be satisfied.
    Nothing,
}

/// What a request to GET asks for of a complete body.
#[must_use]
pub fn part(request: &HeaderMap, head: &Head, length: usize) -> Part {
    let may_be_cut = || head.status == StatusCode::OK && !is_of_any_coding(head) && if_range_holds(request, head);
    let Some(range) = ByteRange::of(request).filter(|_| may_be_cut()) else { return Part::Whole };
    range.within(length).map_or(Part::Nothing, Part::Bytes)
}

/// Whether clients could join parts of different bytes: a strong tag is to be another one for each coding (RFC 9110 §8.8.3.3), and layers that compress leave it as it is. Whether a response
/// that depends on `Accept-Encoding` has one of its own nobody can tell.
fn is_of_any_coding(head: &Head) -> bool {
    head.selection.fields().any(|(name, _)| name == header::ACCEPT_ENCODING)
        && EntityTag::of(&head.fields).is_some_and(|tag| tag.is_strong())
}

/// RFC 9110 §13.1.5: a strong tag alone; a date is a weak validator unless one knows more than a cache does.
fn if_range_holds(request: &HeaderMap, head: &Head) -> bool {
    let Some(condition) = request.get(header::IF_RANGE) else { return true };
    EntityTag::of(&head.fields).is_some_and(|tag| tag.strongly_equals(&EntityTag::new(condition.as_bytes())))
}

/// `Content-Range` of a part.
#[must_use]
pub fn content_range(range: &Range<usize>, length: usize) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1))
}

/// `Content-Range` where nothing can be given.
#[must_use]
pub fn content_range_of_nothing(length: usize) -> String {
    format!("bytes */{length}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, storage, vary::Normalisers};
    use http::{HeaderName, HeaderValue, Method};
    use std::time::UNIX_EPOCH;

    type Lines = &'static [(&'static str, &'static str)];

    fn fields(lines: Lines) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn of(status: u16, stored: Lines, request: Lines) -> Part {
        let mut response = fields(stored);
        response.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=9"));
        let asked = storage::Asked { method: &Method::GET, fields: &HeaderMap::new(), at: UNIX_EPOCH };
        let (status, policy) = (StatusCode::from_u16(status).unwrap(), Policy::default());
        let head = storage::decide(asked, status, &response, UNIX_EPOCH, &policy, &Normalisers::default()).unwrap();
        part(&fields(request), &head, 11)
    }

    #[test]
    fn single_ranges_of_a_200_are_cut() {
        assert_eq!(of(200, &[], &[("range", "bytes=0-1")]), Part::Bytes(0..2));
        assert_eq!(of(200, &[], &[("range", "bytes=20-")]), Part::Nothing);
        assert_eq!(of(200, &[], &[("range", "bytes=0-1,4-5")]), Part::Whole);
        assert_eq!(of(404, &[], &[("range", "bytes=0-1")]), Part::Whole);
        assert_eq!(content_range(&(0..2), 11), "bytes 0-1/11");
    }

    #[test]
    fn nothing_is_cut_of_what_may_have_the_tag_of_another_coding() {
        // RFC 9110 §8.8.3.3.
        let cases: [(Lines, Part); 3] = [
            (&[("etag", "\"a\""), ("vary", "accept-encoding")], Part::Whole),
            (&[("etag", "\"a\""), ("vary", "accept")], Part::Bytes(0..2)),
            (&[("etag", "W/\"a\""), ("vary", "accept-encoding")], Part::Bytes(0..2)),
        ];
        for (stored, expected) in cases {
            assert_eq!(of(200, stored, &[("range", "bytes=0-1")]), expected, "{stored:?}");
        }
    }

    #[test]
    fn if_range_needs_a_strong_tag() {
        // RFC 9110 §13.1.5.
        assert_eq!(of(200, &[("etag", "\"a\"")], &[("range", "bytes=0-1"), ("if-range", "\"a\"")]), Part::Bytes(0..2));
        assert_eq!(of(200, &[("etag", "W/\"a\"")], &[("range", "bytes=0-1"), ("if-range", "W/\"a\"")]), Part::Whole);
        assert_eq!(of(200, &[("etag", "\"b\"")], &[("range", "bytes=0-1"), ("if-range", "\"a\"")]), Part::Whole);
        assert_eq!(of(200, &[], &[("range", "bytes=0-1"), ("if-range", "Wed, 01 Jan 2020 00:00:00 GMT")]), Part::Whole);
    }
}
