use super::*;
use crate::policy::Overrides;
use http::HeaderName;
use std::time::UNIX_EPOCH;

fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    let read = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    lines.iter().map(read).collect()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

type Lines<'a> = &'a [(&'a str, &'a str)];

fn stored(status: u16, request: Lines<'_>, response: Lines<'_>, policy: &Policy) -> Result<Head, Refusal> {
    let request = fields(request);
    let asked = Asked { method: &Method::GET, fields: &request, at: now() };
    let status = StatusCode::from_u16(status).unwrap();
    decide(asked, status, &fields(response), now(), policy, &Normalisers::default())
}

const FRESH: (&str, &str) = ("cache-control", "max-age=60");

fn cc(value: &str) -> (&str, &str) {
    ("cache-control", value)
}

#[test]
fn what_forbids_storing_is_named() {
    let policy = Policy::default();
    for (status, request, response, refusal) in [
        // RFC 9111 §5.2.2.5, §5.2.2.7.
        (200, &[][..], &[cc("max-age=60, no-store")][..], Refusal::NoStore),
        (200, &[], &[cc("max-age=60, private")], Refusal::Private),
        // RFC 9111 §5.2.1.5.
        (200, &[cc("no-store")], &[FRESH], Refusal::RequestNoStore),
        // RFC 9111 §3.3: parts are not stored here.
        (206, &[], &[FRESH], Refusal::Status),
        (304, &[], &[FRESH], Refusal::Status),
        // RFC 9111 §5.2.2.3.
        (599, &[], &[cc("max-age=60, no-store, must-understand")], Refusal::NotUnderstood),
        (599, &[], &[cc("max-age=60, must-understand")], Refusal::NotUnderstood),
        // RFC 9111 §4.1.
        (200, &[], &[FRESH, ("vary", "*")], Refusal::Vary),
        (200, &[], &[FRESH, ("set-cookie", "a=b")], Refusal::SetCookie),
        (200, &[], &[FRESH, ("content-type", "text/event-stream; charset=utf-8")], Refusal::Endless),
        (200, &[], &[FRESH, ("content-type", "Multipart/x-mixed-replace;boundary=x")], Refusal::Endless),
        (200, &[], &[], Refusal::Useless),
        (201, &[], &[("etag", "\"a\"")], Refusal::Useless),
    ] {
        assert_eq!(stored(status, request, response, &policy), Err(refusal), "{status} {request:?} {response:?}");
    }
    let head = fields(&[]);
    let asked = Asked { method: &Method::HEAD, fields: &head, at: now() };
    let refused = decide(asked, StatusCode::OK, &fields(&[FRESH]), now(), &policy, &Normalisers::default());
    assert_eq!(refused, Err(Refusal::Method));
}

#[test]
fn must_understand_overrides_no_store_where_it_is_understood() {
    // RFC 9111 §5.2.2.3.
    let head = stored(200, &[], &[cc("max-age=3600, no-store, must-understand")], &Policy::default()).unwrap();
    assert_eq!(head.terms.lifetime, Duration::from_secs(3600));
}

#[test]
fn any_final_status_is_stored_with_explicit_freshness() {
    // RFC 9111 §3.
    for status in [200, 203, 204, 299, 301, 302, 400, 404, 410, 499, 500, 503, 599] {
        assert!(stored(status, &[], &[FRESH], &Policy::default()).is_ok(), "{status}");
    }
}

#[test]
fn credentials_need_a_response_for_everybody() {
    // RFC 9111 §3.5; and what is private stays private under a mere ttl.
    let (authorization, cookie) = (("authorization", "x"), ("cookie", "a=b"));
    let ttl = Policy { ttl: Some(Duration::from_secs(60)), ..Policy::default() };
    let open = Overrides { ignore_credentials: true, ..Overrides::default() };
    let open = Policy { overrides: open, ..ttl.clone() };
    for (credential, response, policy, is_stored) in [
        (authorization, &[FRESH][..], &ttl, false),
        (authorization, &[cc("max-age=60, public")], &ttl, true),
        (authorization, &[cc("max-age=60, must-revalidate")], &ttl, true),
        (authorization, &[cc("s-maxage=60")], &ttl, true),
        (authorization, &[], &ttl, false),
        (authorization, &[], &open, true),
        (authorization, &[cc("public")], &ttl, true),
        (cookie, &[FRESH], &ttl, true),
        (cookie, &[], &ttl, false),
        (cookie, &[("etag", "\"a\"")], &Policy::default(), false),
    ] {
        let found = stored(200, &[credential], response, policy);
        assert_eq!(found.is_ok(), is_stored, "{credential:?} {response:?} {found:?}");
    }
}

#[test]
fn cookies_are_bypassed_stripped_or_stored() {
    let with = |set_cookie| {
        let policy = Policy { set_cookie, ..Policy::default() };
        stored(200, &[], &[FRESH, ("set-cookie", "a=b")], &policy).map(|head| head.fields.contains_key("set-cookie"))
    };
    assert_eq!(with(SetCookie::Bypass), Err(Refusal::SetCookie));
    assert_eq!(with(SetCookie::Strip), Ok(false));
    assert_eq!(with(SetCookie::Store), Ok(true));
}

#[test]
fn what_is_not_for_the_store_is_not_in_it() {
    // RFC 9111 §3.1, §5.2.2.7: a qualified `private` is of its fields alone.
    let response = [
        cc("max-age=60, private=\"x-user\", no-cache=\"x-once\""),
        ("x-user", "ada"),
        ("x-once", "1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "1"),
        ("age", "10"),
        ("content-length", "3"),
        ("cachekit-cache-control", "&invalid"),
        ("kept", "1"),
    ];
    let head = stored(200, &[], &response, &Policy::default()).unwrap();
    let mut names: Vec<_> = head.fields.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "cachekit-cache-control", "date", "kept", "x-once"]);
    assert_eq!(head.unvalidated, ["x-once"]);
    assert_eq!(head.initial_age, Duration::from_secs(10));
}

#[test]
fn a_targeted_field_replaces_the_others() {
    // RFC 9213 §2.2: the first valid one of the list; Cache-Control and Expires are as if they were not there.
    let rfc = Policy::rfc();
    let lifetime = |response: Lines<'_>, policy: &Policy| {
        stored(200, &[], response, policy).map(|head| head.terms.lifetime.as_secs())
    };
    let (cdn, own) = (("cdn-cache-control", "max-age=20"), ("cachekit-cache-control", "max-age=30"));
    assert_eq!(lifetime(&[cc("no-store"), cdn], &rfc), Ok(20));
    assert_eq!(lifetime(&[cc("no-store"), cdn, own], &rfc), Ok(30));
    assert_eq!(lifetime(&[cc("private, max-age=1"), own], &Policy::default()), Ok(30));
    assert_eq!(lifetime(&[cc("no-store"), cdn], &Policy::default()), Err(Refusal::NoStore), "honoured by opt-in");
    assert_eq!(lifetime(&[cc("no-store"), ("cdn-cache-control", "max-age=1, &&")], &rfc), Err(Refusal::NoStore));
    assert_eq!(lifetime(&[FRESH, ("cdn-cache-control", "no-store")], &rfc), Err(Refusal::NoStore));
    let expires = ("expires", "Fri, 01 Jan 2038 01:01:01 GMT");
    assert_eq!(lifetime(&[expires, ("cdn-cache-control", "foo"), ("etag", "\"a\"")], &rfc), Ok(0));
}

#[test]
fn stale_answers_are_forbidden_by_what_says_so() {
    // RFC 9111 §4.2.4; whatever stale-while-revalidate says.
    let policy = Policy { stale_if_disconnected: Some(Duration::from_secs(5)), ..Policy::default() };
    for directive in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
        let line = format!("max-age=2, stale-while-revalidate=60, stale-if-error=60, {directive}");
        let head = stored(200, &[], &[cc(&line)], &policy);
        let allowance = head.map(|head| head.terms.allowance());
        assert_eq!(allowance, Ok(Duration::ZERO), "{directive}");
    }
    let terms =
        stored(200, &[], &[cc("max-age=2, stale-while-revalidate=60, stale-if-error=7")], &policy).unwrap().terms;
    assert_eq!(terms.stale_while_revalidate, Duration::from_secs(60));
    assert_eq!((terms.stale_if_error, terms.stale_if_disconnected), (Duration::from_secs(7), Duration::from_secs(7)));
}

#[test]
fn the_overrides_do_what_they_are_called() {
    let no_store = Overrides { ignore_no_store: true, ..Overrides::default() };
    let policy = Policy { ttl: Some(Duration::from_secs(9)), overrides: no_store, ..Policy::default() };
    assert!(stored(200, &[], &[cc("no-store, private")], &policy).is_ok());
    assert!(stored(200, &[], &[("cachekit-cache-control", "no-store")], &policy).is_err(), "ours is meant");
    let stale = Overrides { serve_stale_always: true, ..Overrides::default() };
    let policy = Policy { overrides: stale, ..Policy::default() };
    let head = stored(200, &[], &[cc("max-age=2, must-revalidate, stale-while-revalidate=60")], &policy).unwrap();
    assert_eq!(head.terms.stale_while_revalidate, Duration::from_secs(60));
}

#[test]
fn a_huge_age_is_old_and_nothing_more() {
    let head =
        stored(200, &[], &[FRESH, ("age", "18446744073709551615"), ("etag", "\"a\"")], &Policy::default()).unwrap();
    let later = now() + Duration::from_secs(10);
    assert_eq!(head.age(later), Duration::from_secs(u64::MAX).saturating_add(Duration::from_secs(10)));
    assert_eq!(head.fresh_for(later), Duration::ZERO);
    assert!(head.ttl(later) < 0);
    assert_eq!(head.keep_for(later, Duration::from_secs(60)), Duration::from_secs(60));
}

#[test]
fn what_a_rule_allows_is_for_what_is_fresh_and_of_the_ttls_statuses() {
    let policy = Policy {
        stale_while_revalidate: Some(Duration::from_secs(300)),
        stale_if_error: Some(Duration::from_secs(300)),
        stale_if_disconnected: Some(Duration::from_secs(300)),
        ..Policy::default()
    };
    let allowed = |status: u16, response: Lines<'_>| {
        stored(status, &[], response, &policy).map(|head| head.terms.allowance().as_secs())
    };
    assert_eq!(allowed(200, &[FRESH]), Ok(300));
    assert_eq!(allowed(404, &[FRESH]), Ok(0));
    for stale in [cc("max-age=0"), ("expires", "0"), ("x", "says nothing")] {
        assert_eq!(allowed(200, &[stale]), Err(Refusal::Useless), "{stale:?}");
        assert_eq!(allowed(200, &[stale, ("etag", "\"a\"")]), Ok(0), "{stale:?}");
    }
    assert_eq!(allowed(200, &[cc("max-age=60"), ("age", "70")]), Err(Refusal::Useless), "it is stale already");
    // What the response says itself is another matter (RFC 5861).
    assert_eq!(allowed(200, &[cc("max-age=0, stale-while-revalidate=9")]), Ok(9));
    assert_eq!(allowed(404, &[cc("max-age=9, stale-if-error=9")]), Ok(9));
}

#[test]
fn values_are_copied_out_of_the_buffers_that_they_came_in() {
    let buffer = bytes::Bytes::from(vec![b'x'; 4096]);
    let mut response = fields(&[FRESH]);
    let mut value = HeaderValue::from_maybe_shared(buffer.slice(..4)).unwrap();
    value.set_sensitive(true);
    response.insert("x", value);
    let asked = Asked { method: &Method::GET, fields: &fields(&[]), at: now() };
    let head = decide(asked, StatusCode::OK, &response, now(), &Policy::default(), &Normalisers::default()).unwrap();
    drop(response);
    assert!(head.fields["x"] == "xxxx" && head.fields["x"].is_sensitive());
    assert!(buffer.is_unique(), "nobody else has it any more");
}
