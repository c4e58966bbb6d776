//! One reader per kind of value.

use super::size::is_size;
use super::units::{percent, plain, time};
use super::{Bound, Jitter, LoadTimeout, NonePolicy, Percent, Strategy, Time, Ttl};
use crate::diagnostics::{args as say, freshness, outcome, store, units};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprAssign, ExprLit, ExprUnary, Ident, Lit, LitStr, Path, UnOp};

type Result<T> = std::result::Result<T, Error>;

pub(super) fn literal(expr: &Expr) -> Option<&Lit> {
    match plain(expr) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

pub(super) fn string(name: &Ident, expr: &Expr) -> Result<LitStr> {
    match literal(expr) {
        Some(Lit::Str(literal)) => Ok(literal.clone()),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn boolean(name: &Ident, expr: &Expr) -> Result<bool> {
    match literal(expr) {
        Some(Lit::Bool(literal)) => Ok(literal.value),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn path(name: &Ident, expr: &Expr) -> Result<Path> {
    match plain(expr) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn strategy(name: &Ident, expr: &Expr) -> Result<Strategy> {
    match plain(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => match variant(&literal.value()) {
            Some(variant) => Ok(Strategy::Named { name: literal.clone(), variant }),
            None => Err(store::strategy(literal)),
        },
        Expr::Path(path) if path.qself.is_none() => {
            let quoted = path.path.get_ident().map(|ident| ident.to_string().replace("_", "-"));
            match quoted.filter(|name| store::STRATEGIES.contains(&name.as_str())) {
                Some(quoted) => Err(store::unquoted_strategy(path, &quoted)),
                None => Ok(Strategy::Custom(path.path.clone())),
            }
        }
        _ => Err(say::wrong_shape(name, expr)),
    }
}

/// The variant of the runtime's `Strategy`.
fn variant(name: &str) -> Option<&'static str> {
    Some(match name {
        "lru" => "Lru",
        "lfu" => "Lfu",
        "fifo" => "Fifo",
        "sieve" => "Sieve",
        "s3-fifo" => "S3Fifo",
        "s3-tinylfu" => "S3TinyLfu",
        "w-tinylfu" => "WTinyLfu",
        "lirs" => "Lirs",
        "adaptive" => "Adaptive",
        _ => return None,
    })
}

pub(super) fn hasher(name: &Ident, expr: &Expr) -> Result<Path> {
    match plain(expr) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Struct(_) => Err(store::hasher_value(name, expr)),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn capacity(name: &Ident, expr: Expr) -> Result<Bound> {
    match plain(&expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.base10_parse::<u128>().is_ok_and(|value| value == 0) => {
            Err(store::no_capacity(int))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(Bound::Entries(expr)),
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) if literal.value() == "unbounded" => Ok(Bound::Unbounded),
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => {
            Err(store::capacity_string(literal, is_size(&literal.value())))
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => Err(store::negative_capacity(&expr)),
        Expr::Lit(_) | Expr::Closure(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Range(_) | Expr::Assign(_) => {
            Err(say::wrong_shape(name, &expr))
        }
        _ => Ok(Bound::Entries(expr)),
    }
}

pub(super) fn version(name: &Ident, expr: &Expr) -> Result<u64> {
    match literal(expr) {
        Some(Lit::Int(int)) => int.base10_parse().map_err(|_| store::version_range(int)),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn name(name: &Ident, expr: &Expr) -> Result<LitStr> {
    let literal = string(name, expr)?;
    let text = literal.value();
    if text.trim().is_empty() {
        return Err(units::empty(name, &literal, "\"users\""));
    }
    if text.contains(char::is_control) { Err(store::name_of_lines(&literal)) } else { Ok(literal) }
}

pub(super) fn ttl(name: &Ident, expr: Expr) -> Result<Ttl> {
    match plain(&expr) {
        Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(Ttl::ByValue(closure.clone())),
        Expr::Closure(closure) => Err(outcome::one_value(name, closure)),
        _ => time(name, expr).map(Ttl::Time),
    }
}

pub(super) fn jitter(name: &Ident, expr: Expr) -> Result<Jitter> {
    let number = |text: &str| text.trim().parse::<f64>().is_ok_and(|number| number > 0.0);
    match literal(&expr) {
        Some(Lit::Str(literal)) if literal.value().contains('%') => percent(name, literal, "10%").map(Jitter::Percent),
        // A part of the ttl more likely than seconds.
        Some(Lit::Str(literal)) if number(&literal.value()) => {
            Err(units::jitter_number(name, literal, &literal.value()))
        }
        Some(Lit::Int(int)) if number(int.base10_digits()) => Err(units::jitter_number(name, int, int.base10_digits())),
        Some(Lit::Float(float)) if number(float.base10_digits()) => {
            Err(units::jitter_number(name, float, float.base10_digits()))
        }
        _ => time(name, expr).map(Jitter::Time),
    }
}

pub(super) fn refresh_ahead(name: &Ident, expr: &Expr) -> Result<Percent> {
    match literal(expr) {
        Some(Lit::Str(literal)) => percent(name, literal, "80%"),
        _ => Err(units::not_a_percentage(name, expr, "80%")),
    }
}

/// `"inline"`.
pub(super) fn refresh(name: &Ident, expr: &Expr) -> Result<bool> {
    match literal(expr) {
        Some(Lit::Str(literal)) if literal.value() == "inline" => Ok(true),
        Some(Lit::Str(literal)) => Err(freshness::refresh_mode(literal)),
        Some(Lit::Bool(literal)) => Err(freshness::refresh_bool(literal)),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

pub(super) fn none(name: &Ident, expr: Expr) -> Result<Option<NonePolicy>> {
    match literal(&expr) {
        Some(Lit::Bool(bool)) if !bool.value => Ok(Some(NonePolicy::NotStored(bool.span()))),
        // The default, said aloud.
        Some(Lit::Bool(_)) => Ok(None),
        _ => time(name, expr).map(|time| Some(NonePolicy::Ttl(time))),
    }
}

pub(super) fn cache_if(name: &Ident, expr: Expr) -> Result<Expr> {
    match plain(&expr) {
        Expr::Closure(closure) if closure.inputs.len() != 1 => Err(outcome::one_value(name, closure)),
        Expr::Closure(_) | Expr::Path(_) => Ok(expr),
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => Err(outcome::constant(name, &expr)),
        _ => Err(say::wrong_shape(name, &expr)),
    }
}

pub(super) fn bypass_if(name: &Ident, expr: Expr) -> Result<Expr> {
    match plain(&expr) {
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => Err(outcome::constant(name, &expr)),
        Expr::Closure(closure) => Err(outcome::bypass_closure(closure)),
        Expr::Lit(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Assign(_) | Expr::Range(_) => {
            Err(say::wrong_shape(name, &expr))
        }
        _ => Ok(expr),
    }
}

pub(super) fn max_loads(name: &Ident, expr: Expr) -> Result<Expr> {
    match plain(&expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.base10_parse::<u128>().is_ok_and(|value| value == 0) => {
            Err(outcome::no_loads(int))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(expr),
        Expr::Lit(_)
        | Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. })
        | Expr::Closure(_)
        | Expr::Tuple(_)
        | Expr::Array(_) => Err(say::wrong_shape(name, &expr)),
        _ => Ok(expr),
    }
}

/// `(soft = "200ms", hard = "2s")`, either alone too.
pub(super) fn load_timeout(name: &Ident, expr: &Expr) -> Result<LoadTimeout> {
    let parts: Vec<&Expr> = match expr {
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().collect(),
        Expr::Paren(paren) => vec![&paren.expr],
        _ => return Err(say::wrong_shape(name, expr)),
    };
    let (mut soft, mut hard) = (None::<Time>, None::<Time>);
    for part in parts {
        let Expr::Assign(ExprAssign { left, right, .. }) = part else { return Err(say::wrong_shape(name, part)) };
        let Ok(which) = path(name, left).and_then(|path| path.require_ident().cloned()) else {
            return Err(freshness::load_timeout_part(left));
        };
        let slot = match which.to_string().as_str() {
            "soft" => &mut soft,
            "hard" => &mut hard,
            _ => return Err(freshness::load_timeout_part(left)),
        };
        if slot.is_some() {
            return Err(say::repeated(&which));
        }
        *slot = Some(time(&which, (**right).clone())?);
    }
    Ok(LoadTimeout { soft, hard, span: expr.span() })
}

pub(super) fn companion(name: &Ident, expr: &Expr) -> Result<super::Companion> {
    match plain(expr) {
        Expr::Lit(ExprLit { lit: Lit::Bool(bool), .. }) if !bool.value => Ok(super::Companion::Off),
        Expr::Path(path) if path.qself.is_none() && path.path.get_ident().is_some() => {
            path.path.require_ident().cloned().map(super::Companion::Named)
        }
        _ => Err(say::wrong_shape(name, expr)),
    }
}

#[cfg(test)]
mod tests {
    use super::variant;
    use crate::diagnostics::store::STRATEGIES;

    #[test]
    fn every_strategy_that_messages_name_is_there() {
        for name in STRATEGIES {
            assert!(variant(name).is_some(), "{name}");
        }
        assert_eq!(variant("LRU"), None);
    }
}
