//! `Vary` (RFC 9110 §12.5.5).

use super::list::members;
use http::{HeaderMap, HeaderName, header::VARY};

/// The request fields that a response depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vary {
    /// `*`, or something that is no list of names: nobody can say what it depends on.
    Unknown,
    /// These fields, in lower case, sorted, each once; none at all without the field.
    Fields(Vec<HeaderName>),
}

impl Vary {
    /// That of a response.
    #[must_use]
    pub fn of(fields: &HeaderMap) -> Self {
        let mut names = Vec::new();
        for member in members(fields, &VARY) {
            match HeaderName::from_bytes(member) {
                Ok(name) if name != "*" => names.push(name),
                _ => return Vary::Unknown,
            }
        }
        names.sort_by(|one, two| one.as_str().cmp(two.as_str()));
        names.dedup();
        Vary::Fields(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(lines: &[&'static str]) -> Vary {
        Vary::of(&lines.iter().map(|line| (VARY, HeaderValue::from_static(line))).collect())
    }

    #[test]
    fn a_star_anywhere_is_unknown() {
        for lines in [&["*"][..], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, Foo"], &["Foo, *"], &["Foo Bar"]]
        {
            assert_eq!(of(lines), Vary::Unknown, "{lines:?}");
        }
    }

    #[test]
    fn names_are_sorted_and_come_once() {
        let names = ["bar", "foo"].map(HeaderName::from_static).to_vec();
        assert_eq!(of(&["Foo, BAR", "foo"]), Vary::Fields(names));
        assert_eq!(of(&[]), Vary::Fields(Vec::new()));
        assert_eq!(of(&[", ,"]), Vary::Fields(Vec::new()));
    }
}
