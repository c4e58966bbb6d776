//! What `export` writes and `import` reads: an entry a line, as JSON.
//!
//! `entry` is the entry as a backend holds it, in base64, with what only its own backend understands left out: the generation of its cache and the versions of
//! its tags. `created` in it is by the clock of the machine that exported. What else stands in a line is for people and other programs, but for `expires`.

use crate::failure::Failure;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) version: u32,
    pub(super) cache: String,
    /// All of the arguments.
    pub(super) key: String,
    pub(super) fingerprint: String,
    pub(super) codec: String,
    /// When its time in the store is over, in milliseconds since 1970; `None`: never.
    pub(super) expires: Option<u64>,
    pub(super) tags: Vec<String>,
    pub(super) entry: String,
}

impl Line {
    /// Reads one; the error is what is wrong with it.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let line: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match line.version {
            VERSION => Ok(line),
            later => Err(format!("it is of version {later} of the format, and this command reads {VERSION}")),
        }
    }

    /// The entry's bytes.
    pub(super) fn bytes(&self) -> Result<Bytes, String> {
        decode(&self.entry).map(Bytes::from).ok_or_else(|| "its entry is not base64".to_owned())
    }
}

/// A line that cannot be read.
pub(super) fn unreadable(file: &str, number: u64, what: &str) -> Failure {
    Failure::other(format_args!("{file}, line {number}: {what}"))
        .next("the file was not written by `cachekit export`, or was changed; what stands before the line was imported")
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648).
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for some in bytes.chunks(3) {
        let number = some.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - some.len()));
        for at in 0..4 {
            let digit = DIGITS.get((number >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= some.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// `None`: it is none.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(chunks.len() * 3);
    for (at, chunk) in chunks.iter().enumerate() {
        let padding = chunk.iter().rev().take_while(|digit| **digit == b'=').count();
        if padding > 2 || (padding > 0 && at + 1 < chunks.len()) {
            return None;
        }
        let mut number = 0_u32;
        for digit in chunk.iter().take(4 - padding) {
            number = number << 6 | value(*digit)?;
        }
        number <<= 6 * padding;
        bytes.extend_from_slice(number.to_be_bytes().get(1..4 - padding)?);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for wrong in ["Zg=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm9ä"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
    }

    #[test]
    fn a_line_of_a_later_format_is_refused() {
        let text =
            r#"{"version":2,"cache":"a","key":"1","fingerprint":"","codec":"raw","expires":null,"tags":[],"entry":""}"#;
        assert!(Line::read(text.as_bytes()).unwrap_err().contains("version 2"));
    }
}
