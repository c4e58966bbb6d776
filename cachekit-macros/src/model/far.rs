//! Where entries are, and what is said about those that are bytes.

use super::units::plain;
use super::values::literal;
use super::{Time, Ttl};
use crate::diagnostics::{Errors, args as say, far};
use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{Error, Expr, Ident, Lit, LitStr, Path};

/// Where the entries of a cache are.
pub(crate) enum Tiers {
    /// In the typed memory of the process alone.
    Memory,
    Far(Box<Far>),
    /// Has been reported.
    Unreadable,
}

/// At least one backend holds entries as bytes.
pub(crate) struct Far {
    /// Nearest first; not empty.
    pub(crate) backends: Vec<Backend>,
    /// Default: by the value's type.
    pub(crate) codec: Option<Codec>,
    /// `compress = "lz4"`.
    pub(crate) compress: Option<Span>,
    pub(crate) near_ttl: Option<Ttl>,
    pub(crate) timeout: Option<Time>,
    pub(crate) lock: Option<Time>,
    /// `on_backend_error = "fail"`.
    pub(crate) fails: Option<Span>,
}

pub(crate) enum Backend {
    /// The typed memory, which is the nearest one.
    Memory(LitStr),
    File(LitStr),
    Redis(LitStr),
    /// Any expression of a type that implements `Backend`.
    Own(Expr),
}

impl Backend {
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self, Backend::Memory(_))
    }

    /// Processes may share it.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(self, Backend::Redis(_) | Backend::Own(_))
    }

    fn is(&self, other: &Backend) -> bool {
        match (self, other) {
            (Backend::Own(one), Backend::Own(other)) => {
                one.to_token_stream().to_string() == other.to_token_stream().to_string()
            }
            (Backend::Own(_), _) | (_, Backend::Own(_)) => false,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

pub(crate) enum Codec {
    Named(LitStr, Format),
    /// A type that implements `Codec` of the value, and `Default`.
    Custom(Path),
}

/// The formats that come with cachekit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Postcard,
    MsgPack,
    Bincode,
}

/// The arguments about bytes before it is known whether there are any.
#[derive(Default)]
pub(super) struct FarDraft {
    pub(super) codec: Option<Codec>,
    pub(super) compress: Option<Span>,
    pub(super) near_ttl: Option<Ttl>,
    pub(super) timeout: Option<Time>,
    pub(super) lock: Option<Time>,
    pub(super) fails: Option<Span>,
}

/// `given`: there was an argument `backend`, right or wrong.
pub(super) fn tiers(backends: Option<Vec<Backend>>, draft: FarDraft, given: bool) -> Tiers {
    match backends {
        Some(backends) if !backends.iter().all(Backend::is_memory) => {
            let FarDraft { codec, compress, near_ttl, timeout, lock, fails } = draft;
            Tiers::Far(Box::new(Far { backends, codec, compress, near_ttl, timeout, lock, fails }))
        }
        None if given => Tiers::Unreadable,
        _ => Tiers::Memory,
    }
}

/// One backend, or an array of them. `None`: what is wrong with it has been reported.
pub(super) fn backend(name: &Ident, expr: &Expr, errors: &mut Errors) -> Option<Vec<Backend>> {
    let Expr::Array(array) = plain(expr) else { return errors.keep(one(name, expr)).map(|one| vec![one]) };
    if array.elems.is_empty() {
        errors.push(far::no_backend(array));
        return None;
    }
    let mut backends: Vec<Backend> = Vec::new();
    for expr in &array.elems {
        let Some(backend) = errors.keep(one(name, expr)) else { continue };
        if backends.iter().any(|other| other.is(&backend)) {
            errors.push(far::backend_twice(expr));
        } else if backend.is_memory() && !backends.is_empty() {
            errors.push(far::memory_not_first(expr));
        }
        backends.push(backend);
    }
    (backends.len() == array.elems.len()).then_some(backends)
}

fn one(name: &Ident, expr: &Expr) -> Result<Backend, Error> {
    match plain(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(literal) => match literal.value().as_str() {
                "memory" => Ok(Backend::Memory(literal.clone())),
                "file" => Ok(Backend::File(literal.clone())),
                "redis" => Ok(Backend::Redis(literal.clone())),
                _ => Err(far::backend(literal)),
            },
            _ => Err(say::wrong_shape(name, expr)),
        },
        Expr::Path(path) => match path.path.get_ident().map(ToString::to_string) {
            Some(ident) if far::BACKENDS.contains(&ident.as_str()) => Err(far::unquoted(name, path, &ident)),
            _ => Ok(Backend::Own(expr.clone())),
        },
        Expr::Closure(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Assign(_) | Expr::Range(_) => {
            Err(say::wrong_shape(name, expr))
        }
        _ => Ok(Backend::Own(expr.clone())),
    }
}

pub(super) fn codec(name: &Ident, expr: &Expr) -> Result<Codec, Error> {
    match plain(expr) {
        Expr::Path(path) if path.qself.is_none() => match path.path.get_ident().map(ToString::to_string) {
            Some(ident) if format(&ident).is_some() => Err(far::unquoted(name, path, &ident)),
            _ => Ok(Codec::Custom(path.path.clone())),
        },
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Struct(_) => Err(far::codec_value(name, expr)),
        expr => match literal(expr) {
            Some(Lit::Str(literal)) => match format(&literal.value()) {
                Some(format) => Ok(Codec::Named(literal.clone(), format)),
                None => Err(far::codec(literal)),
            },
            _ => Err(say::wrong_shape(name, expr)),
        },
    }
}

fn format(name: &str) -> Option<Format> {
    Some(match name {
        "json" => Format::Json,
        "postcard" => Format::Postcard,
        "msgpack" => Format::MsgPack,
        "bincode" => Format::Bincode,
        _ => return None,
    })
}

pub(super) fn compress(name: &Ident, expr: &Expr) -> Result<Span, Error> {
    match literal(expr) {
        Some(Lit::Str(literal)) if literal.value() == "lz4" => Ok(literal.span()),
        Some(Lit::Str(literal)) => Err(far::compression(literal)),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

/// Where `"fail"` stands.
pub(super) fn on_backend_error(name: &Ident, expr: &Expr) -> Result<Option<Span>, Error> {
    match literal(expr) {
        Some(Lit::Str(literal)) if literal.value() == "fail" => Ok(Some(literal.span())),
        Some(Lit::Str(literal)) if literal.value() == "bypass" => Ok(None),
        Some(Lit::Str(literal)) => Err(far::on_backend_error(literal)),
        _ => Err(say::wrong_shape(name, expr)),
    }
}

#[cfg(test)]
mod tests {
    use super::format;
    use crate::diagnostics::far::CODECS;

    #[test]
    fn every_codec_that_messages_name_is_there() {
        for name in CODECS {
            assert!(format(name).is_some(), "{name}");
        }
        assert!(format("JSON").is_none());
    }
}
