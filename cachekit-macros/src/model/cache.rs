//! Gives every argument of `#[cache]` its meaning, one by one.

use super::batch::{self, BatchArg};
use super::far::{self, Backend, FarDraft};
use super::size::size;
use super::template::template;
use super::units::{plain, time};
use super::{Bound, Companion, Freshness, Function, LoadTimeout, Outcome, Strategy, Template, names, values};
use crate::args::{Arg, KNOWN, Value};
use crate::diagnostics::{self, Errors, args as say, key as say_key};
use proc_macro2::Group;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Token};

/// The arguments before they are put together.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) krate: Option<Path>,
    pub(super) backend: Option<Vec<Backend>>,
    /// What is said about entries as bytes.
    pub(super) far: FarDraft,
    pub(super) strategy: Option<Strategy>,
    pub(super) capacity: Option<Bound>,
    pub(super) max_bytes: Option<(u64, LitStr)>,
    pub(super) weigher: Option<Expr>,
    pub(super) hasher: Option<Path>,
    pub(super) name: Option<LitStr>,
    pub(super) version: Option<u64>,
    pub(super) key: Option<KeyArg>,
    pub(super) skip: Vec<Ident>,
    pub(super) freshness: Freshness,
    pub(super) outcome: Outcome,
    pub(super) no_single_flight: bool,
    pub(super) max_loads: Option<Expr>,
    pub(super) load_timeout: Option<LoadTimeout>,
    pub(super) tags: Vec<Template>,
    pub(super) on_removal: Option<Expr>,
    pub(super) companion: Option<Companion>,
    pub(super) cache: Option<Expr>,
    pub(super) batch: Option<BatchArg>,
    /// `of = user`: the path of the single function.
    pub(super) of: Option<Path>,
    #[cfg(feature = "axum")]
    pub(super) http: Option<Box<super::Http>>,
    #[cfg(feature = "axum")]
    pub(super) scope: Option<Expr>,
    /// What was given, right or wrong, so that no check complains about the absence of an argument that merely is wrong.
    pub(super) given: Vec<Ident>,
    /// Unknown names, and the known ones that were probably meant.
    pub(super) meant: Vec<Ident>,
}

pub(super) enum KeyArg {
    Template(Template),
    Exprs(Vec<Expr>),
}

pub(super) fn draft(args: Vec<Arg>, function: &Function, errors: &mut Errors) -> Draft {
    let mut draft = Draft::default();
    for Arg { name, value } in args {
        let known = KNOWN.iter().any(|known| name == known);
        if !known {
            let value = if let Value::Is(expr) = &value { Some(expr) } else { None };
            errors.push(say::unknown(&name, value));
            draft.meant.extend(meant(&name));
            draft.meant.push(name);
            continue;
        }
        let repeated = draft.given.contains(&name);
        draft.given.push(name.clone());
        if repeated {
            errors.push(say::repeated(&name));
            continue;
        }
        let result = match (name.to_string().as_str(), value) {
            (_, Value::Unreadable) => Ok(()),
            ("skip", Value::List(list)) => skip(&name, &list, function, errors).map(|names| draft.skip = names),
            ("skip", Value::Is(expr)) => Err(say::value_for_list(&name, &expr)),
            ("skip", Value::Flag) => Err(say_key::nothing_skipped(&name)),
            ("batch", Value::Flag) => {
                draft.batch = Some(BatchArg { name: name.clone(), ids: None });
                Ok(())
            }
            ("method", Value::Flag) => Ok(()),
            ("method", Value::Is(expr)) => Err(say::flag_with_value(&name, &expr)),
            ("method", Value::List(list)) => Err(say::flag_with_value(&name, &list)),
            #[cfg(feature = "axum")]
            ("http", Value::Flag) => {
                draft.http = Some(Box::new(super::http::http(None, function, errors)));
                Ok(())
            }
            #[cfg(feature = "axum")]
            ("http", Value::List(list)) => {
                draft.http = Some(Box::new(super::http::http(Some(&list), function, errors)));
                Ok(())
            }
            #[cfg(not(feature = "axum"))]
            ("http" | "scope", _) => Err(diagnostics::far::no_axum(&name)),
            #[cfg(feature = "axum")]
            ("http", Value::Is(expr)) => Err(diagnostics::http::value(&expr)),
            (_, Value::Flag) => Err(say::missing_value(&name)),
            (_, Value::List(list)) => {
                let tokens =
                    if list.stream().is_empty() { proc_macro2::TokenTree::Group(list).into() } else { list.stream() };
                Err(say::list_for_value(&name, &tokens))
            }
            (_, Value::Is(expr)) => draft.set(&name, expr, function, errors),
        };
        errors.keep(result);
    }
    draft
}

/// The argument that an unknown name stands for, as far as checks are concerned.
fn meant(name: &Ident) -> Option<Ident> {
    let text = name.to_string();
    let ours = match text.as_str() {
        "time" | "ttl_secs" | "ttl_millis" | "expires" | "time_to_live" | "expire_after_write" => "ttl",
        "time_to_idle" | "expire_after_access" => "idle",
        "max_capacity" | "maxsize" => "capacity",
        "max_weight" | "maximum_weight" | "max_memory" => "max_bytes",
        text if diagnostics::store::STRATEGIES.iter().any(|strategy| strategy.replace("-", "_") == text) => "strategy",
        "convert" => "key",
        "disk" | "redis" | "file" => "backend",
        text => diagnostics::nearest(text, KNOWN)?,
    };
    let mut ident = Ident::parse_any.parse_str(ours).ok()?;
    ident.set_span(name.span());
    Some(ident)
}

impl Draft {
    fn set(&mut self, name: &Ident, expr: Expr, function: &Function, errors: &mut Errors) -> Result<(), Error> {
        match name.to_string().as_str() {
            "backend" => self.backend = far::backend(name, &expr, errors),
            "codec" => self.far.codec = Some(far::codec(name, &expr)?),
            "compress" => self.far.compress = Some(far::compress(name, &expr)?),
            "near_ttl" => self.far.near_ttl = Some(values::ttl(name, expr)?),
            "timeout" => self.far.timeout = Some(time(name, expr)?),
            "lock" => self.far.lock = Some(time(name, expr)?),
            "on_backend_error" => self.far.fails = far::on_backend_error(name, &expr)?,
            "strategy" => self.strategy = Some(values::strategy(name, &expr)?),
            "capacity" => self.capacity = Some(values::capacity(name, expr)?),
            "max_bytes" => self.max_bytes = Some(size(name, &expr)?),
            "weigher" => self.weigher = Some(values::path(name, &expr).map(|_| expr)?),
            "hasher" => self.hasher = Some(values::hasher(name, &expr)?),
            "name" => self.name = Some(values::name(name, &expr)?),
            "version" => self.version = Some(values::version(name, &expr)?),
            "key" => self.key = Some(key(name, expr, function, errors)?),
            "ttl" => self.freshness.ttl = Some(values::ttl(name, expr)?),
            "idle" => self.freshness.idle = Some(time(name, expr)?),
            "jitter" => self.freshness.jitter = Some(values::jitter(name, expr)?),
            "refresh_ahead" => self.freshness.refresh_ahead = Some(values::refresh_ahead(name, &expr)?),
            "stale_while_revalidate" => self.freshness.stale_while_revalidate = Some(time(name, expr)?),
            "stale_if_error" => self.freshness.stale_if_error = Some(time(name, expr)?),
            "refresh" => self.freshness.inline_refresh = values::refresh(name, &expr)?,
            "errors" => self.outcome.errors = Some(time(name, expr)?),
            "none" => self.outcome.none = values::none(name, expr)?,
            "cache_if" => self.outcome.cache_if = Some(values::cache_if(name, expr)?),
            "bypass_if" => {
                unknown_names("bypass_if", &expr, function, errors);
                self.outcome.bypass_if = Some(values::bypass_if(name, expr)?);
            }
            "single_flight" => self.no_single_flight = !values::boolean(name, &expr)?,
            "max_loads" => self.max_loads = Some(values::max_loads(name, expr)?),
            "load_timeout" => self.load_timeout = Some(values::load_timeout(name, &expr)?),
            "on_removal" => self.on_removal = Some(values::path(name, &expr).map(|_| expr)?),
            "tags" => self.tags = tags(name, &expr, function, errors)?,
            "companion" => self.companion = Some(values::companion(name, &expr)?),
            "cache" => match plain(&expr) {
                Expr::Lit(_) | Expr::Closure(_) => return Err(say::wrong_shape(name, &expr)),
                _ => self.cache = Some(expr),
            },
            "batch" => self.batch = Some(batch::argument(name, &expr, function)?),
            "of" => self.of = Some(batch::single(name, &expr)?),
            #[cfg(feature = "axum")]
            "scope" => {
                unknown_names("scope", &expr, function, errors);
                self.scope = Some(expr);
            }
            "crate" => self.krate = Some(values::path(name, &expr)?),
            _ => return Err(say::missing_value(name)),
        }
        Ok(())
    }
}

/// The names in `skip(…)`; `self` among them as it stands.
fn skip(name: &Ident, list: &Group, function: &Function, errors: &mut Errors) -> Result<Vec<Ident>, Error> {
    if list.stream().is_empty() {
        return Err(say_key::nothing_skipped(name));
    }
    let entries = Punctuated::<Expr, Token![,]>::parse_terminated
        .parse2(list.stream())
        .map_err(|error| say_key::skip_unreadable(error.span()))?;
    let known = function.names();
    let mut skipped: Vec<Ident> = Vec::new();
    for entry in entries {
        let Expr::Path(path) = plain(&entry) else {
            errors.push(say_key::skip_entry(&entry));
            continue;
        };
        let Some(ident) = path.path.get_ident() else {
            errors.push(say_key::skip_entry(&entry));
            continue;
        };
        if skipped.contains(ident) {
            errors.push(say_key::skipped_twice(ident));
        } else if ident == "self" && function.sig.receiver().is_none() {
            errors.push(say_key::no_self(ident));
        } else if ident == "self" || known.iter().any(|known| known.unraw() == ident.unraw()) {
            skipped.push(ident.clone());
        } else {
            errors.push(diagnostics::template::unknown_name("skip", ident, &ident.to_string(), &known));
        }
    }
    Ok(skipped)
}

fn key(name: &Ident, expr: Expr, function: &Function, errors: &mut Errors) -> Result<KeyArg, Error> {
    match expr {
        Expr::Paren(paren) => key(name, *paren.expr, function, errors),
        Expr::Group(group) => key(name, *group.expr, function, errors),
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => template("key", &literal, function).map(KeyArg::Template),
        Expr::Lit(_) | Expr::Closure(_) | Expr::Assign(_) | Expr::Range(_) => Err(say::wrong_shape(name, &expr)),
        Expr::Tuple(tuple) => {
            for expr in &tuple.elems {
                unknown_names("key", expr, function, errors);
            }
            Ok(KeyArg::Exprs(tuple.elems.into_iter().collect()))
        }
        expr => {
            unknown_names("key", &expr, function, errors);
            Ok(KeyArg::Exprs(vec![expr]))
        }
    }
}

/// Lower-case names that nothing in the expression binds can only be parameters: constants and types are spelled otherwise.
pub(super) fn unknown_names(argument: &str, expr: &Expr, function: &Function, errors: &mut Errors) {
    let known = function.names();
    for name in names::mentioned(expr) {
        let text = name.unraw().to_string();
        let constant = text.starts_with(char::is_uppercase) || text.starts_with("__") || text == "_";
        let receiver = text == "self" && function.sig.receiver().is_some();
        if !constant && !receiver && !known.iter().any(|known| known.unraw() == text) {
            errors.push(diagnostics::template::unknown_name(argument, &name, &text, &known));
        }
    }
}

pub(super) fn tags(
    name: &Ident,
    expr: &Expr,
    function: &Function,
    errors: &mut Errors,
) -> Result<Vec<Template>, Error> {
    let Expr::Array(array) = plain(expr) else { return Err(say::wrong_shape(name, expr)) };
    if array.elems.is_empty() {
        return Err(say_key::no_tags(array));
    }
    let mut tags: Vec<Template> = Vec::new();
    for entry in &array.elems {
        let tag = values::string(name, entry).and_then(|literal| {
            if literal.value().is_empty() {
                return Err(say_key::empty_tag(&literal));
            }
            if tags.iter().any(|tag| tag.literal.value() == literal.value()) {
                return Err(say_key::tag_twice(&literal));
            }
            template("tags", &literal, function)
        });
        tags.extend(errors.keep(tag));
    }
    match array.elems.iter().nth(16) {
        Some(too_many) => Err(say_key::too_many_tags(too_many, array.elems.len())),
        None => Ok(tags),
    }
}
