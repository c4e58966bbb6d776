//! List-based fields (RFC 9110 §5.6.1): members between commas, quoted strings kept whole.

use http::{HeaderMap, HeaderName};

/// The members of a field over all of its lines, trimmed, empty ones left out.
///
/// A quoted string that does not end takes what is left of its line: what an attacker began inside of quotes must not be read as a member.
pub fn members<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    fields.get_all(name).iter().flat_map(|line| split(line.as_bytes(), b',')).filter(|member| !member.is_empty())
}

/// Parts of one line between separators outside of quoted strings, trimmed.
pub fn split(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = end_of_part(line, separator);
        rest = line.get(end + 1..);
        Some(line[..end].trim_ascii())
    })
}

fn end_of_part(line: &[u8], separator: u8) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && !is_quoted => return at,
            _ => {}
        }
    }
    line.len()
}

/// The content of a quoted string, or the bytes themselves where they are a token; `None` for anything else.
pub fn unquote(value: &[u8]) -> Option<Vec<u8>> {
    let Some(inner) = value.strip_prefix(b"\"") else {
        return is_token(value).then(|| value.to_vec());
    };
    let mut content = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    loop {
        match bytes.next()? {
            b'\\' => content.push(bytes.next()?),
            b'"' => break,
            byte => content.push(byte),
        }
    }
    bytes.next().is_none().then_some(content)
}

/// Whether these bytes are a token (RFC 9110 §5.6.2).
#[must_use]
pub fn is_token(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Seconds of `delta-seconds` (RFC 9111 §1.2.2): digits alone. What is too large for the type is the largest there is.
#[must_use]
pub fn delta_seconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(value.iter().fold(0, digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Vec<&str> {
        split(line.as_bytes(), b',').map(|part| str::from_utf8(part).unwrap()).collect()
    }

    #[test]
    fn commas_inside_of_quotes_separate_nothing() {
        assert_eq!(parts("a, b=\"c, d\" ,,e"), ["a", "b=\"c, d\"", "", "e"]);
        assert_eq!(parts(r#"a="\", b", c"#), [r#"a="\", b""#, "c"]);
        assert_eq!(parts("a=\"open, max-age=60"), ["a=\"open, max-age=60"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn quoted_strings_and_tokens_have_a_content() {
        assert_eq!(unquote(b"\"a\\\"b\""), Some(b"a\"b".to_vec()));
        assert_eq!(unquote(b"token"), Some(b"token".to_vec()));
        for bad in [&b"\"open"[..], b"\"a\"b", b"", b"a b", b"\"a\\"] {
            assert_eq!(unquote(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn delta_seconds_are_digits_and_saturate() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("003600", Some(3600)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("-1", None),
            ("+1", None),
            ("3600.0", None),
            ("3600a", None),
            ("'3600'", None),
            ("", None),
        ] {
            assert_eq!(delta_seconds(text.as_bytes()), seconds, "{text}");
        }
    }
}
