//! Whatever bytes fields have, the policy decides without a panic, and what it decides keeps some promises.

use cachekit_http::{
    fields::{ByteRange, RequestDirectives, ResponseDirectives, Vary},
    policy::{self, Policy, invalidation, preconditions, ranges, reuse, storage, validation, vary::Normalisers},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use proptest::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NAMES: [&str; 24] = [
    "accept-encoding",
    "accept-language",
    "age",
    "authorization",
    "cache-control",
    "cachekit-cache-control",
    "cdn-cache-control",
    "connection",
    "content-language",
    "content-length",
    "content-location",
    "cookie",
    "date",
    "etag",
    "expires",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "location",
    "pragma",
    "range",
    "set-cookie",
    "vary",
];

/// Words that make something out of random bytes.
const WORDS: [&str; 30] = [
    "max-age=",
    "s-maxage=",
    "no-cache",
    "no-store",
    "private",
    "public",
    "must-understand",
    "stale-while-revalidate=",
    "stale-if-error=",
    "18446744073709551615",
    "99999999999999999999999999",
    "-1",
    "0",
    "3600",
    "\"",
    "\\\"",
    ",",
    ";q=",
    "=",
    "W/\"a\"",
    "\"a\"",
    "*",
    "bytes=",
    "-",
    "http://a.example/../",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "foo",
    " ",
];

fn value() -> impl Strategy<Value = HeaderValue> {
    let word = prop_oneof![
        4 => (0..WORDS.len()).prop_map(|at| WORDS[at].as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(word, 0..8)
        .prop_filter_map("no header value", |words| HeaderValue::from_bytes(&words.concat()).ok())
}

fn fields() -> impl Strategy<Value = HeaderMap> {
    let name = (0..NAMES.len()).prop_map(|at| HeaderName::from_static(NAMES[at]));
    prop::collection::vec((name, value()), 0..10).prop_map(|lines| lines.into_iter().collect())
}

fn instant() -> impl Strategy<Value = SystemTime> {
    (0u64..1 << 40).prop_map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_panics(
        (request, response, newer) in (fields(), fields(), fields()),
        (requested, received, now) in (instant(), instant(), instant()),
        status in 100u16..1000,
        length in 0usize..1 << 20,
        is_rfc in any::<bool>(),
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let mut policy = if is_rfc { Policy::rfc() } else { Policy::default() };
        policy.ttl = Some(Duration::MAX).filter(|_| !is_rfc);
        let mut normalisers = Normalisers::default();
        normalisers.select_language(is_rfc);
        let asked = storage::Asked { method: &Method::GET, fields: &request, at: requested };
        let said = RequestDirectives::of(&request);
        let base = Uri::from_static("http://a.example/x/y");
        for uri in invalidation::named(&base, &response) {
            prop_assert_eq!(uri.authority(), base.authority());
        }
        let _ = (ByteRange::of(&request), Vary::of(&response), policy::status::is_understood(status));
        let decided = storage::decide(asked, status, &response, received, &policy, &normalisers);
        let Ok(head) = decided else { return Ok(()) };

        let (directives, _) = storage::directives(&response, &policy);
        prop_assert!(!directives.no_store || directives.must_understand);
        prop_assert!(head.fields.contains_key("date") && !head.fields.contains_key("connection"));
        let reused = reuse::decide(&head, now, None);
        let asked = reuse::decide(&head, now, Some(&said));
        if head.age(now) >= head.terms.lifetime {
            prop_assert_ne!(reused, reuse::Reuse::Fresh);
            prop_assert_ne!(asked, reuse::Reuse::Fresh);
        }
        if head.terms.needs_validation {
            prop_assert_eq!(reused, reuse::Reuse::Validate);
        }
        let _ = (head.ttl(now), head.keep_for(now, Duration::MAX), preconditions::is_not_modified(&request, &head));
        if let ranges::Part::Bytes(range) = ranges::part(&request, &head, length) {
            prop_assert!(range.start < range.end && range.end <= length);
        }
        let mut conditional = request.clone();
        validation::make_conditional(&mut conditional, &head);
        let _ = (validation::is_about(&head, &newer), validation::head_agrees(&head, length, &newer));
        let _ = validation::freshened(&head.fields, &newer);
        let key = head.selection.to_key();
        prop_assert_eq!(key.matches('\n').count(), head.selection.names().len());
        let _ = normalisers.by_language_of(&head.selection, &response);
        let _ = normalisers.by_preferred_language(&head.selection, &request);
    }

    #[test]
    fn a_forbidden_response_is_never_stored(mut response in fields(), more in value()) {
        // Beside anything that is no open quote and no targeted field.
        let mut line: Vec<u8> = more.as_bytes().iter().copied().filter(|byte| *byte != b'"').collect();
        line.extend(b", no-store");
        let Ok(line) = HeaderValue::from_bytes(&line) else { return Ok(()) };
        response.insert("cache-control", line);
        response.remove("cachekit-cache-control");
        let request = HeaderMap::new();
        let asked = storage::Asked { method: &Method::GET, fields: &request, at: UNIX_EPOCH };
        let (policy, normalisers) = (Policy::default(), Normalisers::default());
        let decided = storage::decide(asked, StatusCode::OK, &response, UNIX_EPOCH, &policy, &normalisers);
        let understands = ResponseDirectives::of(&response).is_some_and(|said| said.must_understand);
        prop_assert!(decided.is_err() || understands);
    }
}
