//! Conditions of clients, evaluated on what is stored (RFC 9110 §13, RFC 9111 §4.3.2).

use super::Head;
use crate::fields::{EntityTag, Tags, date};
use http::{HeaderMap, StatusCode, header};

/// Whether a request has a condition that only the handler can answer: it guards a state that the cache does not know.
#[must_use]
pub fn are_for_the_handler(request: &HeaderMap) -> bool {
    request.contains_key(header::IF_MATCH) || request.contains_key(header::IF_UNMODIFIED_SINCE)
}

/// Whether the client has what is stored already, so that a 304 is its answer.
///
/// `If-None-Match` is alone where it is there (RFC 9110 §13.2.2). Without a modification date the date of the response counts (RFC 9111 §4.3.2).
#[must_use]
pub fn is_not_modified(request: &HeaderMap, head: &Head) -> bool {
    if head.status != StatusCode::OK {
        return false;
    }
    if let Some(tags) = Tags::of(request, &header::IF_NONE_MATCH) {
        return tags.weakly_match(EntityTag::of(&head.fields).as_ref());
    }
    let Some(since) = date::of(request, &header::IF_MODIFIED_SINCE) else { return false };
    match date::of(&head.fields, &header::LAST_MODIFIED).or_else(|| date::of(&head.fields, &header::DATE)) {
        Some(modified) => modified <= since,
        None => false,
    }
}

/// The fields of a 304: those that a 200 would have and a client needs to freshen what it has (RFC 9110 §15.4.5).
#[must_use]
pub fn fields_of_304(fields: &HeaderMap) -> HeaderMap {
    let mut fields = fields.clone();
    for name in [
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
    ] {
        fields.remove(name);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Source, Terms, vary::Selection};
    use http::{HeaderName, HeaderValue};
    use std::time::{Duration, UNIX_EPOCH};

    type Lines = &'static [(&'static str, &'static str)];

    fn fields(lines: Lines) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn is_304(status: u16, stored: Lines, request: Lines) -> bool {
        let terms = Terms {
            lifetime: Duration::MAX,
            source: Source::Explicit,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            stale_if_disconnected: Duration::ZERO,
            needs_validation: false,
            is_for_all: true,
        };
        let head = Head {
            status: StatusCode::from_u16(status).unwrap(),
            fields: fields(stored),
            unvalidated: Vec::new(),
            terms,
            requested: UNIX_EPOCH,
            received: UNIX_EPOCH,
            initial_age: Duration::ZERO,
            selection: Selection::default(),
        };
        is_not_modified(&fields(request), &head)
    }

    const EARLY: &str = "Wed, 01 Jan 2020 00:00:00 GMT";
    const LATE: &str = "Thu, 02 Jan 2020 00:00:00 GMT";
    const TAG: (&str, &str) = ("etag", "\"a\"");

    #[test]
    fn tags_are_compared_weakly_and_win() {
        // RFC 9110 §13.1.2 and §13.2.2.
        assert!(is_304(200, &[TAG], &[("if-none-match", "\"x\", W/\"a\"")]));
        assert!(is_304(200, &[("etag", "W/\"a\"")], &[("if-none-match", "W/\"a\"")]));
        assert!(is_304(200, &[], &[("if-none-match", "*")]));
        assert!(is_304(
            200,
            &[TAG, ("last-modified", LATE)],
            &[("if-none-match", "\"a\""), ("if-modified-since", EARLY)]
        ));
        assert!(!is_304(
            200,
            &[TAG, ("last-modified", EARLY)],
            &[("if-none-match", "\"b\""), ("if-modified-since", LATE)]
        ));
        assert!(!is_304(200, &[], &[("if-none-match", "\"a\"")]));
        assert!(!is_304(404, &[TAG], &[("if-none-match", "\"a\"")]), "RFC 9110 §13.2.1: successes alone");
    }

    #[test]
    fn dates_are_compared_where_there_are_any() {
        // RFC 9110 §13.1.3, RFC 9111 §4.3.2.
        assert!(is_304(200, &[("last-modified", EARLY)], &[("if-modified-since", EARLY)]));
        assert!(is_304(200, &[("last-modified", EARLY)], &[("if-modified-since", "Thursday, 02-Jan-20 00:00:00 GMT")]));
        assert!(is_304(200, &[("date", EARLY)], &[("if-modified-since", LATE)]));
        assert!(!is_304(200, &[("last-modified", LATE)], &[("if-modified-since", EARLY)]));
        assert!(!is_304(200, &[("last-modified", EARLY)], &[("if-modified-since", "yesterday")]));
        assert!(!is_304(200, &[("last-modified", EARLY)], &[]));
    }

    #[test]
    fn some_conditions_are_for_the_handler() {
        assert!(are_for_the_handler(&fields(&[("if-match", "*")])));
        assert!(are_for_the_handler(&fields(&[("if-unmodified-since", EARLY)])));
        assert!(!are_for_the_handler(&fields(&[("if-none-match", "*")])));
    }
}
