//! Numbers as people read them.

use std::time::Duration;

/// `1 234 567`, with thin spaces where digits are many.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1 key`, `12 345 keys`.
pub(crate) fn many(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { several })
}

/// A part of one, as `12.5 %`.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// The same; `-` where it is of nothing.
pub(crate) fn percent_of_some(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), percent)
}

/// `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while value >= 1_023.95 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).copied().unwrap_or_default())
}

/// What is left of a time; `none` for one without end.
pub(crate) fn left(ttl: Option<Duration>) -> String {
    ttl.map_or_else(|| "no end".to_owned(), age)
}

/// A short time, with three digits that matter.
pub(crate) fn span(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (value, unit) = match nanos {
        ..1e3 => return format!("{nanos:.0} ns"),
        ..1e6 => (nanos / 1e3, "µs"),
        ..1e9 => (nanos / 1e6, "ms"),
        ..6e10 => (nanos / 1e9, "s"),
        _ => return age(time),
    };
    match value {
        ..9.995 => format!("{value:.2} {unit}"),
        ..99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// How often in a second.
pub(crate) fn rate(each_second: f64) -> String {
    match each_second {
        ..0.05 => "0".to_owned(),
        ..99.95 => format!("{each_second:.1}"),
        _ => count(each_second.round() as u64),
    }
}

/// A time in its two largest units.
pub(crate) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    let (large, small) = match seconds {
        0 => return format!("{} ms", time.as_millis()),
        1..60 => return format!("{:.1} s", time.as_secs_f64()),
        60..3_600 => ((seconds / 60, "m"), (seconds % 60, "s")),
        3_600..86_400 => ((seconds / 3_600, "h"), (seconds % 3_600 / 60, "m")),
        _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h")),
    };
    match small.0 {
        0 => format!("{} {}", large.0, large.1),
        _ => format!("{} {} {} {}", large.0, large.1, small.0, small.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(7), count(1_234), count(12_345), count(1_234_567)], ["7", "1234", "12 345", "1 234 567"]);
        assert_eq!([bytes(1_023), bytes(1_536), bytes(1_048_575)], ["1023 B", "1.5 KiB", "1.0 MiB"]);
        assert_eq!([percent(0.125), percent_of_some(Some(1.0)), percent_of_some(None)], ["12.5 %", "100.0 %", "-"]);
        assert_eq!([many(1, "key", "keys"), many(0, "key", "keys")], ["1 key", "0 keys"]);
        assert_eq!(age(Duration::from_secs(3_725)), "1 h 2 m");
        assert_eq!(
            [age(Duration::from_millis(12)), age(Duration::from_secs(86_400)), left(None)],
            ["12 ms", "1 d", "no end"]
        );
        assert_eq!(
            [span(Duration::from_nanos(999)), span(Duration::from_nanos(1_234)), span(Duration::from_micros(56_789))],
            ["999 ns", "1.23 µs", "56.8 ms"]
        );
        assert_eq!([span(Duration::from_millis(1_500)), span(Duration::from_secs(61))], ["1.50 s", "1 m 1 s"]);
        assert_eq!([rate(0.0), rate(0.25), rate(99.96), rate(12_345.6)], ["0", "0.2", "100", "12 346"]);
    }
}
