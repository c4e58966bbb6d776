//! Percent-encoding in paths.

use std::borrow::Cow;

/// One spelling of all that are the same path by RFC 3986, section 6.2.2: what need not be encoded is not, and digits are upper-case. What is no encoding stays.
#[must_use]
pub fn canonical(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut text = String::with_capacity(path.len());
    walk(path, |part| match part {
        Part::Plain(plain) => text.push_str(plain),
        Part::Encoded(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => text.push(char::from(byte)),
        Part::Encoded(byte) => text.push_str(&format!("%{byte:02X}")),
    });
    Cow::Owned(text)
}

/// What is meant, as extractors of handlers read it; as it is where that is no UTF-8.
#[must_use]
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    walk(text, |part| match part {
        Part::Plain(plain) => bytes.extend_from_slice(plain.as_bytes()),
        Part::Encoded(byte) => bytes.push(byte),
    });
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

enum Part<'t> {
    Plain(&'t str),
    Encoded(u8),
}

fn walk<'t>(text: &'t str, mut found: impl FnMut(Part<'t>)) {
    let mut pieces = text.split('%');
    found(Part::Plain(pieces.next().unwrap_or_default()));
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                found(Part::Encoded(byte));
                found(Part::Plain(piece.get(2..).unwrap_or_default()));
            }
            None => {
                found(Part::Plain("%"));
                found(Part::Plain(piece));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_path() {
        for (path, expected) in [
            ("/a/b", "/a/b"),
            ("/%61/%7e%2D", "/a/~-"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a%2fb", "/a%2Fb"),
            ("/%", "/%"),
            ("/%4", "/%4"),
            ("/%g1%+1%é", "/%g1%+1%é"),
            ("/%2561", "/%2561"),
        ] {
            assert_eq!(canonical(path), expected, "{path}");
            assert_eq!(canonical(&canonical(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_meant_is_utf8_or_as_it_is() {
        for (text, expected) in
            [("a", "a"), ("Jos%C3%A9", "José"), ("a%2Fb", "a/b"), ("%ff", "%ff"), ("7%", "7%"), ("%2561", "%61")]
        {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
