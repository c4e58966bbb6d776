//! `"64MiB"`.

use super::units::plain;
use crate::diagnostics::{args, size as say, units};
use syn::{Error, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, UnOp};

/// Names and bytes.
pub(super) const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// A number of bytes with its unit.
pub(super) fn size(name: &Ident, expr: &Expr) -> Result<(u64, LitStr), Error> {
    match plain(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Ok((known(name, literal)?, literal.clone())),
        Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }) => Err(say::bare_number(name, expr)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. }) if matches!(&**inner, Expr::Lit(_)) => {
            Err(say::nothing(name, expr))
        }
        _ => Err(args::wrong_shape(name, expr)),
    }
}

fn known(name: &Ident, literal: &LitStr) -> Result<u64, Error> {
    read(&literal.value()).map_err(|bad| match bad {
        Bad::Empty => units::empty(name, literal, "\"64MiB\""),
        Bad::NoUnit(number) => say::no_unit(name, literal, &number),
        Bad::Unit(number, unit) => say::unknown_unit(name, literal, &number, &unit),
        Bad::Nothing => say::nothing(name, literal),
        Bad::Overflow => say::overflow(name, literal),
        Bad::Other => say::not_a_size(name, literal),
    })
}

/// Does it read like a size, right or nearly?
pub(super) fn is_size(text: &str) -> bool {
    read(text).is_ok()
}

#[derive(Debug, PartialEq)]
enum Bad {
    Empty,
    /// The number.
    NoUnit(String),
    /// The number and what stands behind it.
    Unit(String, String),
    /// Zero or less.
    Nothing,
    Overflow,
    Other,
}

fn read(text: &str) -> Result<u64, Bad> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Bad::Empty);
    }
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    let (number, unit) = text.split_at(text.find(|c| !is_number(c)).unwrap_or(text.len()));
    let unit = unit.trim_start();
    if number.is_empty() {
        let negative = text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_number));
        return Err(if negative { Bad::Nothing } else { Bad::Other });
    }
    let digits = number.replace("_", "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() || fraction.contains('.') || number.ends_with('.') || fraction.len() > 9 {
        return Err(Bad::Other);
    }
    if unit.is_empty() {
        return Err(Bad::NoUnit(number.to_owned()));
    }
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(Bad::Unit(number.to_owned(), unit.to_owned()));
    };
    // At most 20 digits times 2^40, and 9 digits times 2^40: both fit.
    let whole = whole.parse::<u64>().map_err(|_| Bad::Overflow)?;
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().map_err(|_| Bad::Other)? };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).map_err(|_| Bad::Other)?);
    let total = u128::from(whole) * u128::from(*bytes) + part * u128::from(*bytes) / scale;
    match u64::try_from(total) {
        Ok(0) => Err(Bad::Nothing),
        Ok(total) => Ok(total),
        Err(_) => Err(Bad::Overflow),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bad, read};

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1024B", 1_024),
            ("1kB", 1_000),
            ("1KiB", 1_024),
            ("64MB", 64_000_000),
            ("64MiB", 64 << 20),
            (" 64 MiB ", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("0.001kB", 1),
            ("1_000B", 1_000),
            ("2GB", 2_000_000_000),
            ("2TB", 2_000_000_000_000),
            ("1TiB", 1 << 40),
            ("18446744073709551615B", u64::MAX),
        ] {
            assert_eq!(read(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn no_sizes() {
        assert_eq!(read(""), Err(Bad::Empty));
        assert_eq!(read("64"), Err(Bad::NoUnit("64".into())));
        assert_eq!(read("1_000.5"), Err(Bad::NoUnit("1_000.5".into())));
        for unit in ["mib", "MIB", "KB", "M", "bytes", "parsecs", "MiB!"] {
            assert_eq!(read(&format!("64 {unit}")), Err(Bad::Unit("64".into(), unit.into())));
        }
        for text in ["0B", "0.0GiB", "0.1B", "-1MiB"] {
            assert_eq!(read(text), Err(Bad::Nothing), "{text}");
        }
        for text in ["18446744073709551616B", "18446744073709551615kB", "16777216TiB"] {
            assert_eq!(read(text), Err(Bad::Overflow), "{text}");
        }
        for text in ["lots", "MiB", "-", "1.2.3MB", "1.MB", ".5MB", "0.1234567891B"] {
            assert_eq!(read(text), Err(Bad::Other), "{text}");
        }
    }
}
