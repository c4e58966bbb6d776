//! Escapes: `%` and two hexadecimal digits for each byte of what must not stand in a text as it is.
//!
//! Braces never appear, because arguments could choose the slot of a Redis Cluster with them; nor control characters and invisible marks, because
//! keys are shown in terminals. Everything else, beyond ASCII too, stays readable.

use std::fmt::Write;

/// Is it escaped wherever it stands?
pub(super) fn is_unfit(c: char) -> bool {
    matches!(c,
        '{' | '}' | '%'
        | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Marks of direction and width, line and paragraph separators: they change how the rest is shown.
        | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Appends `text`, with an escape for what is unfit and for `also`.
pub(super) fn push(out: &mut String, text: &str, also: impl Fn(char) -> bool) {
    for c in text.chars() {
        if is_unfit(c) || also(c) { push_char(out, c) } else { out.push(c) }
    }
}

/// Appends the escape of one character.
pub(super) fn push_char(out: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a string does not fail.
        _ = write!(out, "%{byte:02X}");
    }
}

/// The inverse of [`push`]; `None` for what it never writes.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            if digits.chars().any(|digit| !matches!(digit, '0'..='9' | 'A'..='F')) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}
