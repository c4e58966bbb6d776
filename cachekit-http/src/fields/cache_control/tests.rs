use super::*;
use http::HeaderValue;

fn fields(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (CACHE_CONTROL, HeaderValue::from_str(line).unwrap())).collect()
}

fn response(lines: &[&str]) -> ResponseDirectives {
    ResponseDirectives::of(&fields(lines)).unwrap()
}

fn names(names: &[&'static str]) -> Scope {
    Scope::Fields(names.iter().map(|name| HeaderName::from_static(name)).collect())
}

#[test]
fn no_field_is_not_an_empty_one() {
    assert_eq!(ResponseDirectives::of(&HeaderMap::new()), None);
    assert_eq!(response(&[""]), ResponseDirectives::default());
}

#[test]
fn freshness_is_read_strictly_and_the_shorter_counts() {
    // RFC 9111 §4.2.1 and §5.2: invalid or contradicting information is rather stale.
    for (lines, seconds) in [
        (&["max-age=3600"][..], 3600),
        (&["MaX-aGe=3600"], 3600),
        (&["max-age=\"3600\""], 3600),
        (&["max-age=003600"], 3600),
        (&["foobar, max-age=3600"], 3600),
        (&["max-age=1800, max-age=1"], 1),
        (&["max-age=1", "max-age=1800"], 1),
        (&["extension=\"max-age=3600\", max-age=1"], 1),
        (&["max-age=1, extension=\"max-age=3600\""], 1),
        (&["max-age=-3600"], 0),
        (&["max-age='3600'"], 0),
        (&["max-age=3600.0"], 0),
        (&["max-age=a3600"], 0),
        (&["max-age"], 0),
        (&["max-age="], 0),
        (&["max-age =3600"], 0),
        (&["max-age= 3600"], 0),
        (&["max-age=99999999999999999999"], u64::MAX),
    ] {
        assert_eq!(response(lines).max_age, Some(Duration::from_secs(seconds)), "{lines:?}");
    }
    assert_eq!(response(&["ext=\"max-age=60"]).max_age, None, "an open quote hides what is in it");
}

#[test]
fn directives_of_fields_name_them() {
    // RFC 9111 §5.2.2.4 and §5.2.2.7.
    assert_eq!(response(&["no-cache=\"a, b\""]).no_cache, names(&["a", "b"]));
    assert_eq!(response(&["private=Set-Cookie"]).private, names(&["set-cookie"]));
    assert_eq!(response(&["private=\"a\", private=\"b\""]).private, names(&["a", "b"]));
    for whole in [
        "private",
        "private=\"a\", private",
        "private, private=\"a\"",
        "private=\"\"",
        "private=\"a b\"",
        "private=\"a",
    ] {
        assert_eq!(response(&[whole]).private, Scope::All, "{whole}");
    }
}

#[test]
fn flags_are_read_with_whatever_argument() {
    let said = response(&["No-StOrE=1", "public, must-revalidate", "proxy-revalidate , must-understand"]);
    assert!(said.no_store && said.public && said.must_revalidate && said.proxy_revalidate && said.must_understand);
}

#[test]
fn targeted_fields_are_dictionaries_or_nothing() {
    // RFC 9213 §2.1.
    let name = HeaderName::from_static("cdn-cache-control");
    let read = |line: &str| {
        let fields: HeaderMap = [(name.clone(), HeaderValue::from_str(line).unwrap())].into_iter().collect();
        ResponseDirectives::targeted(&fields, &name)
    };
    let seconds = |line: &str| read(line).and_then(|said| said.max_age).map(|age| age.as_secs());
    assert_eq!(seconds("max-age=3600"), Some(3600));
    assert_eq!(seconds("foobar, max-age=3600;x=1"), Some(3600));
    assert_eq!(seconds("max-age=99999999999"), Some(99_999_999_999));
    assert_eq!(seconds("max-age=1, max-age=2"), Some(2), "the last member of a name counts in a dictionary");
    assert_eq!(seconds("max-age=-1"), Some(0));
    for invalid in
        ["max-age=10000, &&&&&", "max-age=\"10000\"", "max-age =1", "max-age= 1", "MaX-aGe=3600", "no-store=1", ""]
    {
        assert_eq!(read(invalid), None, "{invalid}");
    }
    assert!(read("no-store").is_some_and(|said| said.no_store));
    assert!(read("no-store=?0").is_some_and(|said| !said.no_store));
    assert_eq!(read("private=\"a\"").map(|said| said.private), Some(names(&["a"])));
}

#[test]
fn requests_say_what_they_want() {
    // RFC 9111 §5.2.1.
    let said = RequestDirectives::of(&fields(&["max-age=5, min-fresh=3", "max-stale, only-if-cached, no-store"]));
    assert_eq!(said.max_age, Some(Duration::from_secs(5)));
    assert_eq!(said.min_fresh, Some(Duration::from_secs(3)));
    assert_eq!(said.max_stale, Some(None));
    assert!(said.only_if_cached && said.no_store && !said.no_cache);
    assert_eq!(RequestDirectives::of(&fields(&["max-stale=x"])).max_stale, Some(Some(Duration::ZERO)));
}

#[test]
fn pragma_counts_where_nothing_else_is_said() {
    // RFC 9111 §5.4.
    let mut fields = HeaderMap::new();
    fields.insert(http::header::PRAGMA, HeaderValue::from_static("x, No-Cache"));
    assert!(RequestDirectives::of(&fields).no_cache);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
    assert!(!RequestDirectives::of(&fields).no_cache);
}
