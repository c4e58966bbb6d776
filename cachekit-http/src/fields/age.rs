//! `Age` (RFC 9111 §5.1).

use super::list::{delta_seconds, split};
use http::{HeaderMap, header::AGE};
use std::time::Duration;

/// The age that a response came with: the first member of the first line. One that is no number is ignored; one that no clock reaches is as old as can be.
#[must_use]
pub fn of(fields: &HeaderMap) -> Option<Duration> {
    let first = split(fields.get(AGE)?.as_bytes(), b',').next()?;
    // `Age` has no parameters; what stands before one is a number all the same, and older is safer.
    let number = split(first, b';').next()?;
    delta_seconds(number).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_first_number_counts_and_none_overflows() {
        for (lines, age) in [
            (&["7200, 0"][..], Some(7200)),
            (&["0, 7200"], Some(0)),
            (&["0", "7200"], Some(0)),
            (&["7200", "0"], Some(7200)),
            (&["18446744073709551615"], Some(u64::MAX)),
            (&["99999999999999999999999"], Some(u64::MAX)),
            (&["7200;foo=bar"], Some(7200)),
            (&["abc"], None),
            (&["-7200"], None),
            (&["7200.0"], None),
            (&[""], None),
            (&[], None),
        ] {
            let fields: HeaderMap = lines.iter().map(|line| (AGE, HeaderValue::from_str(line).unwrap())).collect();
            assert_eq!(of(&fields), age.map(Duration::from_secs), "{lines:?}");
        }
    }
}
