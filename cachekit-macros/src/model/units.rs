//! `"30s"` and `"80%"`.

use super::{Percent, Time};
use crate::diagnostics::units as say;
use std::time::Duration;
use syn::{Error, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, UnOp};

/// A literal with a unit, or any expression of `Duration`.
pub(super) fn time(name: &Ident, expr: Expr) -> Result<Time, Error> {
    match plain(&expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Ok(Time::Known(known(name, literal)?, literal.span())),
        Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }) => Err(say::bare_number(name, &expr)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. }) if matches!(&**inner, Expr::Lit(_)) => {
            Err(say::negative(name, &expr))
        }
        Expr::Lit(_) | Expr::Closure(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Assign(_) | Expr::Range(_) => {
            Err(crate::diagnostics::args::wrong_shape(name, &expr))
        }
        _ => Ok(Time::Expr(expr)),
    }
}

/// Without the parentheses and the invisible groups that macros leave.
pub(super) fn plain(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => plain(&group.expr),
        Expr::Paren(paren) => plain(&paren.expr),
        _ => expr,
    }
}

fn known(name: &Ident, literal: &LitStr) -> Result<Duration, Error> {
    let text = literal.value();
    match read_time(&text) {
        Ok(time) => Ok(time),
        Err(BadTime::Empty) => Err(say::empty(name, literal, "\"30s\"")),
        Err(BadTime::NoUnit) => Err(say::no_unit(name, literal)),
        Err(BadTime::Negative) => Err(say::negative(name, literal)),
        Err(BadTime::Month(number)) => Err(say::minute_or_month(name, literal, &number)),
        Err(BadTime::Unit(unit)) => Err(say::unknown_unit(name, literal, &unit)),
        Err(BadTime::Overflow) => Err(say::overflow(name, literal)),
        Err(BadTime::Zero) => Err(say::zero(name, literal)),
        Err(BadTime::Other) => Err(say::not_a_time(name, literal)),
    }
}

#[derive(Debug, PartialEq)]
enum BadTime {
    Empty,
    NoUnit,
    Negative,
    /// How many.
    Month(String),
    Unit(String),
    Overflow,
    Zero,
    Other,
}

fn read_time(text: &str) -> Result<Duration, BadTime> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadTime::Empty);
    }
    if text.starts_with('-') {
        return Err(BadTime::Negative);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_')) {
        return Err(BadTime::NoUnit);
    }
    if let Some(number) = capital_m(text) {
        return Err(BadTime::Month(number));
    }
    let time = humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::UnknownUnit { unit, .. } if !unit.is_empty() => BadTime::Unit(unit),
        humantime::DurationError::NumberOverflow => BadTime::Overflow,
        _ => BadTime::Other,
    })?;
    // Clocks count nanoseconds in a u64.
    match u64::try_from(time.as_nanos()) {
        Ok(0) => Err(BadTime::Zero),
        Ok(_) => Ok(time),
        Err(_) => Err(BadTime::Overflow),
    }
}

/// The number before a unit `M`, which is a month to who reads it and a minute to most who write it.
fn capital_m(text: &str) -> Option<String> {
    let is_letter = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_alphabetic);
    let alone = |at: &usize| !is_letter(at + 1) && !at.checked_sub(1).is_some_and(is_letter);
    let at = text.match_indices('M').map(|(at, _)| at).find(alone)?;
    let digits = text[..at].trim_end().rsplit(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_')).next();
    digits.filter(|digits| !digits.is_empty()).map(str::to_owned)
}

/// Strictly between 0 and 100.
pub(super) fn percent(name: &Ident, literal: &LitStr, example: &str) -> Result<Percent, Error> {
    let text = literal.value();
    let number = text.trim().strip_suffix('%').map(str::trim);
    match number.and_then(|number| number.parse::<f64>().ok()).filter(|value| value.is_finite()) {
        Some(value) if value > 0.0 && value < 100.0 => Ok(Percent { value, span: literal.span() }),
        Some(_) => Err(say::percentage_range(name, literal)),
        None => Err(say::not_a_percentage(name, literal, example)),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadTime, percent, read_time};
    use std::time::Duration;

    #[test]
    fn times() {
        assert_eq!(read_time("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(read_time("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(read_time(" 250ms "), Ok(Duration::from_millis(250)));
        assert_eq!(read_time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(read_time("1ns"), Ok(Duration::from_nanos(1)));
        assert_eq!(read_time("5 months"), Ok(Duration::from_secs(5 * 2_630_016)));
        assert_eq!(read_time("500y"), Ok(Duration::from_secs(500 * 31_557_600)));
    }

    #[test]
    fn no_times() {
        assert_eq!(read_time(""), Err(BadTime::Empty));
        assert_eq!(read_time("  "), Err(BadTime::Empty));
        assert_eq!(read_time("30"), Err(BadTime::NoUnit));
        assert_eq!(read_time("1.5"), Err(BadTime::NoUnit));
        assert_eq!(read_time("-5s"), Err(BadTime::Negative));
        assert_eq!(read_time("30 parsecs"), Err(BadTime::Unit("parsecs".into())));
        for text in ["5M", "5 M", "1h 5M", "1h5 M 3s"] {
            assert_eq!(read_time(text), Err(BadTime::Month("5".into())), "{text}");
        }
        assert_eq!(read_time("0s"), Err(BadTime::Zero));
        assert_eq!(read_time("0h 0m"), Err(BadTime::Zero));
        assert_eq!(read_time("soon"), Err(BadTime::Other));
        assert_eq!(read_time("M"), Err(BadTime::Other));
        assert_eq!(read_time("99999999999999999999s"), Err(BadTime::Overflow));
    }

    #[test]
    fn the_longest_time_is_what_fits_into_nanoseconds() {
        assert_eq!(read_time("18446744073s"), Ok(Duration::from_secs(18_446_744_073)));
        assert_eq!(read_time("18446744074s"), Err(BadTime::Overflow));
        assert_eq!(read_time("1000y"), Err(BadTime::Overflow));
    }

    #[test]
    fn percentages() {
        let name: syn::Ident = syn::parse_quote!(refresh_ahead);
        let read = |text: &str| {
            let literal = syn::LitStr::new(text, proc_macro2::Span::call_site());
            percent(&name, &literal, "80%").map(|percent| percent.value).map_err(|error| error.to_string())
        };
        assert_eq!(read("80%"), Ok(80.0));
        assert_eq!(read("12.5 %"), Ok(12.5));
        for text in ["0%", "100%", "150%", "-3%"] {
            assert!(read(text).is_err_and(|error| error.contains("out of range")), "{text}");
        }
        for text in ["80", "", "%", "inf%", "NaN%", "10s"] {
            assert!(read(text).is_err_and(|error| error.contains("no percentage")), "{text}");
        }
    }
}
