//! Asking for a stored response anew, and what the answer changes (RFC 9111 §4.3).

use super::{Head, OWN_FIELD, Policy, Refusal, storage, vary::Normalisers};
use crate::fields::{EntityTag, date, remove_hop_by_hop};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::SystemTime;

/// Fields that a 304 does not change: they describe the body that is stored (RFC 9111 §3.2).
const OF_THE_BODY: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::ETAG,
];

/// Whether there is anything to validate with.
#[must_use]
pub fn has_validator(fields: &HeaderMap) -> bool {
    fields.contains_key(header::ETAG) || fields.contains_key(header::LAST_MODIFIED)
}

/// Makes a request one that asks whether this head is still good (RFC 9111 §4.3.1): the client's own conditions go, since they are answered from what
/// comes back. `false`: there is nothing to ask with, and the request asks for the whole.
pub fn make_conditional(request: &mut HeaderMap, head: &Head) -> bool {
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE, header::IF_RANGE] {
        request.remove(name);
    }
    if let Some(tag) = head.fields.get(header::ETAG) {
        request.insert(header::IF_NONE_MATCH, tag.clone());
    }
    if let Some(modified) = head.fields.get(header::LAST_MODIFIED) {
        request.insert(header::IF_MODIFIED_SINCE, modified.clone());
    }
    has_validator(&head.fields)
}

/// Whether a 304 is about this head (RFC 9111 §4.3.4): a tag has to be its own, and a strong one is none of a head without.
#[must_use]
pub fn is_about(head: &Head, not_modified: &HeaderMap) -> bool {
    match (EntityTag::of(not_modified), EntityTag::of(&head.fields)) {
        (Some(theirs), Some(ours)) => theirs.weakly_equals(&ours),
        (Some(theirs), None) => !theirs.is_strong(),
        _ => true,
    }
}

/// The head, freshened by a 304 or by a response to HEAD that agrees.
///
/// # Errors
/// Why the freshened response is not to be stored any more; it answers this once all the same.
pub fn freshen(
    head: &Head,
    newer: &HeaderMap,
    asked: storage::Asked<'_>,
    received: SystemTime,
    policy: &Policy,
    normalisers: &Normalisers,
) -> Result<Head, (Refusal, HeaderMap)> {
    let mut fields = freshened(&head.fields, newer);
    if !newer.contains_key(header::DATE) {
        // Else it would be as old as what it freshens.
        fields.remove(header::DATE);
    }
    let says_freshness = policy.targeted.iter().chain(&[header::CACHE_CONTROL, header::EXPIRES]);
    let says_freshness = says_freshness.into_iter().any(|name| newer.contains_key(name));
    if says_freshness && !newer.contains_key(OWN_FIELD) {
        // What it says now replaces what was said to us alone.
        fields.remove(OWN_FIELD);
    }
    let asked = storage::Asked { method: &Method::GET, ..asked };
    let mut fresh = match storage::decide(asked, head.status, &fields, received, policy, normalisers) {
        Ok(fresh) => fresh,
        Err(refusal) => return Err((refusal, fields)),
    };
    if !says_freshness {
        // `Expires` would be counted from a later date.
        fresh.terms = head.terms.clone();
    }
    Ok(fresh)
}

/// The fields of a 304 that are not stored, since they are for who has caused it alone: cookies, and what is `private`.
#[must_use]
pub fn of_one_client(stored: &HeaderMap, newer: &HeaderMap) -> HeaderMap {
    let mut newer = newer.clone();
    remove_hop_by_hop(&mut newer);
    let is_not_stored = |(name, _): &(&HeaderName, &HeaderValue)| {
        !OF_THE_BODY.contains(name) && **name != header::AGE && !stored.contains_key(*name)
    };
    newer.iter().filter(is_not_stored).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The fields of the stored response, freshened by those of a 304, or of a response to HEAD that agrees (RFC 9111 §3.2).
#[must_use]
pub fn freshened(stored: &HeaderMap, newer: &HeaderMap) -> HeaderMap {
    let mut newer = newer.clone();
    remove_hop_by_hop(&mut newer);
    let mut fields = stored.clone();
    for name in newer.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        fields.remove(name);
        for value in newer.get_all(name) {
            fields.append(name, value.clone());
        }
    }
    fields
}

/// Whether a response to HEAD is about the stored response to GET (RFC 9111 §4.3.5): no validator and no length says otherwise.
#[must_use]
pub fn head_agrees(head: &Head, body_length: usize, newer: &HeaderMap) -> bool {
    let tags_agree = match (EntityTag::of(newer), EntityTag::of(&head.fields)) {
        (Some(theirs), Some(ours)) => theirs == ours,
        (None, None) => true,
        _ => false,
    };
    let modified = |fields| date::of(fields, &header::LAST_MODIFIED);
    let length = newer.get(header::CONTENT_LENGTH).map(|length| length.as_bytes());
    let has_length = length.is_none_or(|length| length == body_length.to_string().as_bytes());
    tags_agree && modified(newer) == modified(&head.fields) && has_length
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use std::time::{Duration, UNIX_EPOCH};

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn head(lines: &[(&'static str, &'static str)]) -> Head {
        let asked = storage::Asked { method: &Method::GET, fields: &HeaderMap::new(), at: UNIX_EPOCH };
        let policy = Policy { keep_for_validation: Duration::MAX, ..Policy::default() };
        let mut response = fields(lines);
        response.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=2"));
        storage::decide(asked, StatusCode::OK, &response, UNIX_EPOCH, &policy, &Normalisers::default()).unwrap()
    }

    const MODIFIED: &str = "Wed, 01 Jan 2020 00:00:00 GMT";

    #[test]
    fn both_validators_are_sent_in_place_of_the_clients() {
        // RFC 9111 §4.3.1.
        let mut request =
            fields(&[("if-none-match", "\"x\""), ("range", "bytes=0-1"), ("if-match", "\"y\""), ("accept", "a")]);
        assert!(make_conditional(&mut request, &head(&[("etag", "W/\"a\""), ("last-modified", MODIFIED)])));
        let expected =
            [("if-none-match", "W/\"a\""), ("if-modified-since", MODIFIED), ("if-match", "\"y\""), ("accept", "a")];
        assert_eq!(request, fields(&expected));
        assert!(!make_conditional(&mut request, &head(&[])));
        assert_eq!(request, fields(&[("if-match", "\"y\""), ("accept", "a")]));
    }

    #[test]
    fn a_304_updates_what_does_not_describe_the_body() {
        // RFC 9111 §3.2 and §4.3.4.
        let stored = fields(&[("test", "a"), ("kept", "1"), ("content-type", "text/plain"), ("content-foo", "a")]);
        let newer = fields(&[
            ("test", "b"),
            ("test", "c"),
            ("content-type", "text/html"),
            ("content-length", "10"),
            ("content-foo", "b"),
            ("connection", "close"),
        ]);
        let expected =
            [("test", "b"), ("test", "c"), ("kept", "1"), ("content-type", "text/plain"), ("content-foo", "b")];
        assert_eq!(freshened(&stored, &newer), fields(&expected));
    }

    #[test]
    fn a_304_with_another_tag_is_about_something_else() {
        // RFC 9111 §4.3.4: strong validators have to be among those that are stored, weak ones to correspond to one of them.
        for (ours, theirs, is_ours) in [
            (Some("\"a\""), Some("\"a\""), true),
            (Some("\"a\""), Some("\"b\""), false),
            (Some("W/\"a\""), Some("\"a\""), true),
            (Some("\"a\""), Some("W/\"a\""), true),
            (Some("\"a\""), Some("W/\"b\""), false),
            (Some("W/\"a\""), Some("W/\"b\""), false),
            (Some("\"a\""), None, true),
            (None, Some("\"a\""), false),
            (None, Some("W/\"a\""), true),
            (None, None, true),
        ] {
            let tag = |tag: Option<&'static str>| tag.map(|tag| vec![("etag", tag)]).unwrap_or_default();
            assert_eq!(is_about(&head(&tag(ours)), &fields(&tag(theirs))), is_ours, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn a_head_agrees_where_nothing_says_otherwise() {
        // RFC 9111 §4.3.5.
        let stored = head(&[("etag", "\"a\""), ("last-modified", MODIFIED)]);
        let same = [("etag", "\"a\""), ("last-modified", MODIFIED), ("content-length", "3")];
        assert!(head_agrees(&stored, 3, &fields(&same)) && head_agrees(&stored, 4, &fields(&same[..2])));
        assert!(!head_agrees(&stored, 4, &fields(&same)), "another length");
        assert!(!head_agrees(&stored, 3, &fields(&same[..1])), "another date");
        assert!(!head_agrees(&stored, 3, &fields(&[("etag", "\"b\""), ("last-modified", MODIFIED)])));
    }

    #[test]
    fn a_304_that_says_nothing_of_freshness_renews_the_terms() {
        let stored = head(&[("cachekit-cache-control", "max-age=60"), ("etag", "\"a\"")]);
        let later = UNIX_EPOCH + Duration::from_secs(100);
        let asked = storage::Asked { method: &Method::GET, fields: &HeaderMap::new(), at: later };
        let freshened = |newer: &HeaderMap| {
            freshen(&stored, newer, asked, later, &Policy::default(), &Normalisers::default())
                .map(|head| head.fresh_for(later).as_secs())
                .map_err(|(refusal, _)| refusal)
        };
        assert_eq!(freshened(&HeaderMap::new()), Ok(60));
        assert_eq!(freshened(&fields(&[("cache-control", "max-age=7")])), Ok(7));
        assert_eq!(freshened(&fields(&[("cache-control", "no-store")])), Err(Refusal::NoStore));
    }
}
