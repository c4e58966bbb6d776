//! Lists of preferences with weights (RFC 9110 §12.4.2): `Accept-Encoding`, `Accept-Language`, `Accept`.

use super::list::{members, split};
use http::{HeaderMap, HeaderName};

/// One member with its weight in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// A coding, a range of languages or of media types, in lower case; with its parameters, as they are written.
    pub name: String,
    /// From 0, not acceptable, to 1000.
    pub weight: u16,
}

/// The members of a field, the most preferred first; of the same weight in their order. `None` where the field is absent.
#[must_use]
pub fn of(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<Preference>> {
    if !fields.contains_key(name) {
        return None;
    }
    let mut preferences: Vec<Preference> = members(fields, name).map(preference).collect();
    preferences.sort_by_key(|preference| std::cmp::Reverse(preference.weight));
    Some(preferences)
}

fn preference(member: &[u8]) -> Preference {
    // A character for each byte: different members have different names.
    let text = |part: &[u8]| part.iter().map(|byte| char::from(*byte)).collect::<String>();
    let mut parts = split(member, b';');
    let mut name = text(parts.next().unwrap_or_default()).to_ascii_lowercase();
    let mut weight = None;
    for part in parts.filter(|part| !part.is_empty()) {
        match part.strip_prefix(b"q=").or(part.strip_prefix(b"Q=")) {
            Some(given) if weight.is_none() => weight = Some(thousandths(given)),
            _ => name.extend([";", &text(part)]),
        }
    }
    Preference { name, weight: weight.unwrap_or(1000) }
}

/// What is no weight counts as none: 1.
fn thousandths(weight: &[u8]) -> u16 {
    let digit =
        |at: usize| weight.get(at).map_or(Some(0), |byte| byte.is_ascii_digit().then(|| u16::from(byte - b'0')));
    let fraction = || Some(digit(2)? * 100 + digit(3)? * 10 + digit(4)?);
    let is_short = weight.len() <= 5 && weight.get(1).is_none_or(|byte| *byte == b'.');
    match weight.first() {
        Some(b'0') if is_short => fraction().unwrap_or(1000),
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::ACCEPT_LANGUAGE};

    #[test]
    fn members_are_ordered_by_weight() {
        let line = HeaderValue::from_static("da, en-GB;q=0.8 , EN; q=0.7,xx;q=0, yy;q=1.000, zz;q=2, ww;q=0.1234");
        let fields: HeaderMap = [(ACCEPT_LANGUAGE, line)].into_iter().collect();
        let read: Vec<(String, u16)> =
            of(&fields, &ACCEPT_LANGUAGE).unwrap().into_iter().map(|one| (one.name, one.weight)).collect();
        let expected = [("da", 1000), ("yy", 1000), ("zz", 1000), ("ww", 1000), ("en-gb", 800), ("en", 700), ("xx", 0)];
        assert_eq!(read, expected.map(|(name, weight)| (name.to_owned(), weight)));
        assert_eq!(of(&HeaderMap::new(), &ACCEPT_LANGUAGE), None);
    }

    #[test]
    fn parameters_belong_to_the_name() {
        for (member, name, weight) in [
            ("Text/HTML; Level=1 ;q=0.5", "text/html;Level=1", 500),
            ("text/html;;q=0.5;level=1", "text/html;level=1", 500),
            ("text/html;q=0.5;q=0.4", "text/html;q=0.4", 500),
            ("text/html;a=\";q=0.5\"", "text/html;a=\";q=0.5\"", 1000),
        ] {
            assert_eq!(preference(member.as_bytes()), Preference { name: name.to_owned(), weight }, "{member}");
        }
        assert_ne!(preference(b"\xfe"), preference(b"\xff"));
    }
}
