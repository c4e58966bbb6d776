//! Dates (RFC 9110 §5.6.7), in the three formats that a recipient has to accept.

use http::{HeaderMap, HeaderName};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most seconds after 1970 that a date can be written for: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A date. Names of days and months in any case, which is what recipients are asked to be lenient about; nothing else is.
#[must_use]
pub fn parse(value: &[u8]) -> Option<SystemTime> {
    let text = cased(str::from_utf8(value).ok()?.trim_ascii());
    let date = httpdate::parse_http_date(&text).ok().or_else(|| with_another_day(&text))?;
    (date >= UNIX_EPOCH).then_some(date)
}

/// The name of the day says nothing that the date does not, and some senders get it wrong.
fn with_another_day(text: &str) -> Option<SystemTime> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let (day, rest) = text.split_at(text.find([',', ' '])?);
    let names = |day: &'static str| [day, &day[..3]];
    let is_short = DAYS.into_iter().flat_map(names).find(|known| *known == day)?.len() == 3;
    DAYS.into_iter()
        .find_map(|day| httpdate::parse_http_date(&format!("{}{rest}", if is_short { &day[..3] } else { day })).ok())
}

/// The date of a field; `None` where it is absent, invalid, or there more than once.
#[must_use]
pub fn of(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = fields.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => parse(line.as_bytes()),
        _ => None,
    }
}

/// A date as it is written, to the second.
#[must_use]
pub fn format(date: SystemTime) -> String {
    let seconds = date.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)))
}

/// Words as the formats write them: `THU, 18 aug 2050 02:01:18 gmt` is `Thu, 18 Aug 2050 02:01:18 GMT`.
fn cased(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut is_inside = false;
    for c in text.chars() {
        written.push(if is_inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
        is_inside = c.is_ascii_alphabetic();
    }
    match written.strip_suffix(" Gmt") {
        Some(front) => format!("{front} GMT"),
        None => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_are_one_date() {
        let date = UNIX_EPOCH + Duration::from_secs(784_111_777);
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Monday, 06-Nov-94 08:49:37 GMT",
            "Mon Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(date), "{text}");
        }
        assert_eq!(format(date), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn what_is_not_one_of_them_is_no_date() {
        for text in [
            "0",
            "-1",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Ünday, 06-Nov-94 08:49:37 GMT",
            "Someday, 06-Nov-94 08:49:37 GMT",
            ", 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_date_that_cannot_be_written_is_the_last_one() {
        assert_eq!(format(UNIX_EPOCH + Duration::from_secs(u64::MAX >> 8)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
