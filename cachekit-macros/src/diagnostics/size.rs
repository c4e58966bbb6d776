//! Sizes in bytes, and what weighs entries.

use super::{at, code, did_you_mean};
use quote::ToTokens;
use syn::{Error, Expr, Ident, LitStr};

const UNITS: &[&str] = &["B", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB"];

pub(crate) fn no_unit(name: &Ident, literal: &LitStr, number: &str) -> Error {
    at(
        literal,
        "CK107",
        &format!(
            "`{name} = \"{number}\"` has no unit: write `{name} = \"{number}B\"` for bytes (or `kB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`)"
        ),
    )
}

pub(crate) fn bare_number(name: &Ident, literal: &Expr) -> Error {
    let number = code(literal);
    let digits: String = number.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    at(
        literal,
        "CK107",
        &format!(
            "`{name} = {number}` is a bare number: write a string with a unit, `{name} = \"{digits}B\"` for bytes or `{name} = \"64MiB\"`"
        ),
    )
}

pub(crate) fn unknown_unit(name: &Ident, literal: &LitStr, number: &str, unit: &str) -> Error {
    at(literal, "CK108", &format!("`{name}`: `{unit}` is not a unit of size; {}", unit_meant(number, unit)))
}

/// A letter stands for two units, of thousands and of 1024s, and only an `i` tells which.
fn unit_meant(number: &str, unit: &str) -> String {
    let lower = unit.to_lowercase();
    let mut letters = lower.chars();
    let family = match letters.next() {
        Some('k') => Some(("kB", "KiB", "")),
        Some('m') => Some(("MB", "MiB", "²")),
        Some('g') => Some(("GB", "GiB", "³")),
        Some('t') => Some(("TB", "TiB", "⁴")),
        _ => None,
    };
    match (family, letters.as_str()) {
        (Some((decimal, binary, power)), rest)
            if matches!(rest, "" | "b") || rest.ends_with("byte") || rest.ends_with("bytes") =>
        {
            format!("did you mean `{number}{decimal}` (1000{power} bytes each) or `{number}{binary}` (1024{power})?")
        }
        (Some((_, binary, _)), "i" | "ib") => format!("did you mean `{number}{binary}`?"),
        (None, _) if matches!(&*lower, "b" | "byte" | "bytes") => format!("did you mean `{number}B`?"),
        _ => did_you_mean(unit, UNITS)
            .unwrap_or_else(|| "the units are `B`, `kB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`, `TB` and `TiB`".into()),
    }
}

/// Zero or less.
pub(crate) fn nothing(name: &Ident, found: &dyn ToTokens) -> Error {
    at(
        found,
        "CK109",
        &format!(
            "`{name} = {}` keeps nothing: write the most that all entries may weigh, `{name} = \"64MiB\"`, or take `#[cache]` off",
            code(found)
        ),
    )
}

pub(crate) fn overflow(name: &Ident, literal: &LitStr) -> Error {
    at(
        literal,
        "CK110",
        &format!(
            "`{name} = \"{}\"` is more than 64 bits can count (16 EiB); for a cache without a bound write `capacity = \"unbounded\"`",
            literal.value()
        ),
    )
}

pub(crate) fn not_a_size(name: &Ident, literal: &LitStr) -> Error {
    at(
        literal,
        "CK111",
        &format!(
            "`{name} = \"{}\"` is not a size: write a number and a unit, as in `{name} = \"64MiB\"` or `{name} = \"1.5GB\"`",
            literal.value()
        ),
    )
}

pub(crate) fn two_bounds(bytes: &Ident) -> Error {
    at(
        bytes,
        "CK112",
        "a cache is bounded by `max_bytes` or by `capacity`, which counts entries, and not by both: leave one of the two out",
    )
}

pub(crate) fn weigher_alone(name: &Ident) -> Error {
    at(
        name,
        "CK113",
        "`weigher` has no effect without `max_bytes`, which is what it weighs entries for: add `max_bytes = \"64MiB\"`, or leave it out",
    )
}

#[cfg(test)]
mod tests {
    use super::unit_meant;

    #[test]
    fn what_units_were_meant() {
        for (unit, meant) in [
            ("mib", "did you mean `64MiB`?"),
            ("Mi", "did you mean `64MiB`?"),
            ("b", "did you mean `64B`?"),
            ("bytes", "did you mean `64B`?"),
            ("KB", "did you mean `64kB` (1000 bytes each) or `64KiB` (1024)?"),
            ("M", "did you mean `64MB` (1000² bytes each) or `64MiB` (1024²)?"),
            ("gb", "did you mean `64GB` (1000³ bytes each) or `64GiB` (1024³)?"),
            ("megabytes", "did you mean `64MB` (1000² bytes each) or `64MiB` (1024²)?"),
            ("MiBs", "did you mean `MiB`?"),
            ("entries", "the units are `B`, `kB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`, `TB` and `TiB`"),
            ("", "the units are `B`, `kB`, `KiB`, `MB`, `MiB`, `GB`, `GiB`, `TB` and `TiB`"),
        ] {
            assert_eq!(unit_meant("64", unit), meant, "{unit}");
        }
    }
}
