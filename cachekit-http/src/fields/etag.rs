//! Entity tags (RFC 9110 §8.8.3), and lists of them.

use super::list::split;
use http::{HeaderMap, HeaderName, HeaderValue, header::ETAG};

/// An entity tag as it was sent. One without quotes is no tag of the RFC, and still equals itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads one.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Self {
        match value.strip_prefix(b"W/") {
            Some(opaque) if opaque.starts_with(b"\"") => EntityTag { is_weak: true, opaque },
            _ => EntityTag { is_weak: false, opaque: value },
        }
    }

    /// That of a response; `None` also where there are several.
    #[must_use]
    pub fn of(fields: &'a HeaderMap) -> Option<Self> {
        let mut lines = fields.get_all(ETAG).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) if !line.is_empty() => Some(Self::new(line.as_bytes())),
            _ => None,
        }
    }

    /// Whether it can be compared strongly: it is not weak, and it is in quotes.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        !self.is_weak && self.opaque.len() > 1 && self.opaque.starts_with(b"\"") && self.opaque.ends_with(b"\"")
    }

    /// The strong comparison (RFC 9110 §8.8.3.2): byte for byte the same representation.
    #[must_use]
    pub fn strongly_equals(&self, other: &Self) -> bool {
        self.is_strong() && other.is_strong() && self.opaque == other.opaque
    }

    /// The weak comparison: the same, or as good as the same.
    #[must_use]
    pub fn weakly_equals(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

/// What `If-None-Match` or `If-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags<'a> {
    /// `*`: any representation.
    Any,
    /// These.
    These(Vec<EntityTag<'a>>),
}

impl<'a> Tags<'a> {
    /// Those of a field; `None` where it is absent.
    #[must_use]
    pub fn of(fields: &'a HeaderMap, name: &HeaderName) -> Option<Self> {
        if !fields.contains_key(name) {
            return None;
        }
        let members = fields.get_all(name).iter().flat_map(members);
        let tags: Vec<EntityTag<'a>> = members.map(EntityTag::new).collect();
        let is_any = tags.len() == 1 && tags.first().is_some_and(|tag| tag.opaque == b"*");
        Some(if is_any { Tags::Any } else { Tags::These(tags) })
    }

    /// Whether one of them is weakly equal to this tag.
    #[must_use]
    pub fn weakly_match(&self, tag: Option<&EntityTag<'_>>) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(tags) => tag.is_some_and(|tag| tags.iter().any(|other| other.weakly_equals(tag))),
        }
    }
}

/// An entity tag has no escapes: a backslash in it stands for itself. Splitting as for quoted strings does no harm but where one ends in a backslash,
/// which then equals nothing.
fn members(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    split(line.as_bytes(), b',').filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::IF_NONE_MATCH;

    #[test]
    fn comparisons_are_those_of_the_table() {
        // RFC 9110 §8.8.3.2, table 3.
        for (one, two, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("1", "1", false, true),
            ("1", "\"1\"", false, false),
            ("w/\"1\"", "W/\"1\"", false, false),
        ] {
            let (one, two) = (EntityTag::new(one.as_bytes()), EntityTag::new(two.as_bytes()));
            assert_eq!((one.strongly_equals(&two), one.weakly_equals(&two)), (strong, weak), "{one:?} {two:?}");
        }
    }

    #[test]
    fn lists_are_read_over_all_lines() {
        let tag = EntityTag::new(b"\"c, d\"");
        let fields: HeaderMap = [
            (IF_NONE_MATCH, HeaderValue::from_static("\"a\", , W/\"b\"")),
            (IF_NONE_MATCH, HeaderValue::from_static("\"c, d\"")),
        ]
        .into_iter()
        .collect();
        let tags = Tags::of(&fields, &IF_NONE_MATCH).unwrap();
        assert!(tags.weakly_match(Some(&tag)) && !tags.weakly_match(None));
        let any: HeaderMap = [(IF_NONE_MATCH, HeaderValue::from_static("*"))].into_iter().collect();
        assert_eq!(Tags::of(&any, &IF_NONE_MATCH), Some(Tags::Any));
        assert_eq!(Tags::of(&HeaderMap::new(), &IF_NONE_MATCH), None);
    }

    #[test]
    fn two_tags_of_one_response_are_none() {
        let fields: HeaderMap = [(ETAG, HeaderValue::from_static("\"a\"")), (ETAG, HeaderValue::from_static("\"b\""))]
            .into_iter()
            .collect();
        assert_eq!(EntityTag::of(&fields), None);
    }
}
