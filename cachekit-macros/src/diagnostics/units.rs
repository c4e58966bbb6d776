//! Times and percentages.

use super::{at, code, did_you_mean};
use syn::{Error, Expr, Ident, LitStr};

const UNITS: &[&str] =
    &["ns", "us", "ms", "s", "m", "h", "d", "w", "seconds", "minutes", "hours", "days", "weeks", "months", "years"];

pub(crate) fn no_unit(name: &Ident, literal: &LitStr) -> Error {
    let number = literal.value();
    let number = number.trim();
    let (unit, meaning, others) = likely(name);
    at(
        literal,
        "CK015",
        &format!(
            "`{name} = \"{number}\"` has no unit: write `{name} = \"{number}{unit}\"` for {meaning} (or {others})"
        ),
    )
}

/// The unit that a time of this name most likely has, what it means, and the other ones.
fn likely(name: &Ident) -> (&'static str, &'static str, &'static str) {
    if name == "timeout" { ("ms", "milliseconds", "`s`") } else { ("s", "seconds", "`ms`, `m`, `h`, `d`") }
}

pub(crate) fn bare_number(name: &Ident, literal: &Expr) -> Error {
    let number = code(literal);
    let digits: String = number.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    let unit = &number[digits.len()..];
    let right =
        if unit.is_empty() || matches!(unit, "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64") {
            format!("{}{}", digits.replace("_", ""), likely(name).0)
        } else {
            number.clone()
        };
    let what =
        if right == number { "is not in quotes: write" } else { "is a bare number: write a string with a unit," };
    at(literal, "CK016", &format!("`{name} = {number}` {what} `{name} = \"{right}\"`"))
}

pub(crate) fn jitter_number(name: &Ident, found: &impl quote::ToTokens, number: &str) -> Error {
    let percent = match number.trim().parse::<f64>() {
        Ok(part) if part < 1.0 => format!("{}%", (part * 1000.0).round() / 10.0),
        Ok(percent) if percent < 100.0 => format!("{percent}%"),
        _ => "10%".to_owned(),
    };
    let number = number.trim();
    at(
        found,
        "CK015",
        &format!(
            "`{name} = {}` has no unit: write `{name} = \"{percent}\"` of the ttl, or a time, `{name} = \"{number}s\"`",
            code(found)
        ),
    )
}

pub(crate) fn unknown_unit(name: &Ident, literal: &LitStr, unit: &str) -> Error {
    let hint = did_you_mean(unit, UNITS)
        .unwrap_or_else(|| "the units are `ns`, `us`, `ms`, `s`, `m`, `h`, `d` and `w`".into());
    at(literal, "CK017", &format!("`{name}`: `{unit}` is not a unit of time; {hint}"))
}

pub(crate) fn minute_or_month(name: &Ident, literal: &LitStr, number: &str) -> Error {
    at(
        literal,
        "CK017",
        &format!("`{name}`: `M` is not a unit of time; did you mean `{number}m` (minutes) or `{number} months`?"),
    )
}

pub(crate) fn zero(name: &Ident, literal: &LitStr) -> Error {
    let instead = match name.to_string().as_str() {
        "ttl" => "to compute every time, take `#[cache]` off; to skip the cache for some calls, write `bypass_if = …`",
        "none" => "to not store a `None`, write `none = false`",
        "errors" => "an `Err` is not stored unless `errors` says so: leave it out",
        "timeout" => "to not wait for backends, leave them out; to wait less, write `timeout = \"50ms\"`",
        "soft" | "hard" => "leave it out, or give the load some time, as in \"200ms\"",
        _ => "leave it out, or give it some time, as in \"30s\"",
    };
    at(literal, "CK018", &format!("`{name} = \"{}\"` is no time at all: {instead}", literal.value()))
}

pub(crate) fn negative(name: &Ident, found: &impl quote::ToTokens) -> Error {
    at(found, "CK019", &format!("`{name}` is negative: write a time from now on, as in `{name} = \"30s\"`"))
}

pub(crate) fn overflow(name: &Ident, literal: &LitStr) -> Error {
    at(
        literal,
        "CK020",
        &format!(
            "`{name} = \"{}\"` is longer than 584 years, the most that fits; for entries that never expire leave `{name}` out",
            literal.value()
        ),
    )
}

pub(crate) fn not_a_time(name: &Ident, literal: &LitStr) -> Error {
    let text = literal.value();
    if is_code(&text) {
        return at(
            literal,
            "CK021",
            &format!(
                "`{name} = \"{text}\"` is not a time; an expression stands without quotes: write `{name} = {text}`"
            ),
        );
    }
    at(
        literal,
        "CK021",
        &format!(
            "`{name} = \"{text}\"` is not a time: write a number and a unit, as in `{name} = \"30s\"` or `{name} = \"1h 30m\"`"
        ),
    )
}

/// `Duration::from_secs(30)`, `config.ttl`, `TTL`
fn is_code(text: &str) -> bool {
    match syn::parse_str::<Expr>(text) {
        Ok(Expr::Path(path)) => {
            path.path.get_ident().is_none_or(|ident| !ident.to_string().contains(char::is_lowercase))
        }
        Ok(expr) => matches!(expr, Expr::Call(_) | Expr::MethodCall(_) | Expr::Field(_) | Expr::Closure(_)),
        Err(_) => false,
    }
}

pub(crate) fn empty(name: &Ident, literal: &LitStr, example: &str) -> Error {
    at(literal, "CK022", &format!("`{name}` is empty: write `{name} = {example}`, or leave it out"))
}

pub(crate) fn not_a_percentage(name: &Ident, found: &impl quote::ToTokens, example: &str) -> Error {
    let text = code(found);
    let right = match text.trim_matches('"').trim().parse::<f64>() {
        Ok(part) if part > 0.0 && part < 1.0 => format!("{}%", (part * 100.0).round()),
        Ok(percent) if (1.0..100.0).contains(&percent) => format!("{percent}%"),
        _ => example.to_owned(),
    };
    at(
        found,
        "CK023",
        &format!("`{name}` is a part of the ttl, and `{text}` is no percentage: write `{name} = \"{right}\"`"),
    )
}

pub(crate) fn percentage_range(name: &Ident, literal: &LitStr) -> Error {
    let why = match name.to_string().as_str() {
        "refresh_ahead" => {
            "a refresh starts within the ttl, after more than 0% and before 100% of it: write `refresh_ahead = \"80%\"`"
        }
        _ => "jitter takes more than 0% and less than 100% off the ttl: write `jitter = \"10%\"`, or leave it out",
    };
    at(literal, "CK024", &format!("`{name} = \"{}\"` is out of range; {why}", literal.value()))
}
