//! `http(…)`: the response of a handler is cached, and not a value.

use super::size::size;
use super::units::{plain, time};
use super::values::literal;
use super::{Function, Http, HttpClient, Key, Model, Param, Template, TemplatePart, cache, uses, values};
use crate::args::{self, Arg, Value};
use crate::diagnostics::{Errors, args as say, http};
use proc_macro2::Group;
use syn::ext::IdentExt as _;
use syn::{Error, Expr, Ident, Lit, LitInt, LitStr, Pat, Type};

/// What may stand in the parentheses, in the order in which the documentation has it.
pub(crate) const KNOWN: &[&str] =
    &["vary", "cache_control", "client_ttl", "etag", "private", "statuses", "max_body", "surrogate_keys"];

/// `http`, and what its parentheses have.
pub(super) fn http(list: Option<&Group>, function: &Function, errors: &mut Errors) -> Http {
    let mut http = Http {
        vary: Vec::new(),
        client: None,
        no_etag: false,
        private: None,
        statuses: Vec::new(),
        max_body: None,
        surrogate_keys: Vec::new(),
    };
    let Some(list) = list else { return http };
    let mut given: Vec<Ident> = Vec::new();
    for Arg { name, value } in args::arguments(list.stream(), errors) {
        if !KNOWN.iter().any(|known| name == known) {
            errors.push(http::unknown(&name));
            continue;
        }
        if given.contains(&name) {
            errors.push(say::repeated(&name));
            continue;
        }
        given.push(name.clone());
        let result = match value {
            Value::Unreadable => Ok(()),
            Value::Flag => Err(say::missing_value(&name)),
            Value::List(list) => Err(http::list_for_value(&name, &list)),
            Value::Is(expr) => http.set(&name, expr, function, errors),
        };
        errors.keep(result);
    }
    http
}

impl Http {
    fn set(&mut self, name: &Ident, expr: Expr, function: &Function, errors: &mut Errors) -> Result<(), Error> {
        match name.to_string().as_str() {
            "vary" => self.vary = fields(name, &expr)?,
            "cache_control" => self.set_client(name, HttpClient::Field(text(name, &expr)?))?,
            "client_ttl" => self.set_client(name, HttpClient::Ttl(time(name, expr)?))?,
            "etag" => self.no_etag = !values::boolean(name, &expr)?,
            "private" => {
                cache::unknown_names("private", &expr, function, errors);
                match plain(&expr) {
                    Expr::Lit(_) | Expr::Closure(_) => return Err(http::private(&expr)),
                    _ => self.private = Some(expr),
                }
            }
            "statuses" => self.statuses = statuses(name, &expr)?,
            "max_body" => self.max_body = Some(size(name, &expr)?.0),
            _ => self.surrogate_keys = surrogate_keys(name, &expr, function, errors)?,
        }
        Ok(())
    }

    fn set_client(&mut self, name: &Ident, client: HttpClient) -> Result<(), Error> {
        if self.client.is_some() {
            return Err(http::client_twice(name));
        }
        self.client = Some(client);
        Ok(())
    }
}

/// Whether the parameter is the state of the application, by the name of its type or of its pattern.
pub(crate) fn is_state(param: &Param) -> bool {
    let is_named = |path: &syn::Path| path.segments.last().is_some_and(|segment| segment.ident == "State");
    let by_type = matches!(&param.ty, Type::Path(ty) if is_named(&ty.path));
    by_type || matches!(&param.pattern, Pat::TupleStruct(pattern) if is_named(&pattern.path))
}

/// Whether a key that is written out, or whom the response is for, depends on the parameter.
pub(crate) fn is_accounted_for(model: &Model, http: &Http, param: &Param) -> bool {
    let in_expr = |expr: &Expr| param.bound.iter().any(|name| uses(expr, name));
    let in_key = match &model.key {
        Key::Params(_) => false,
        Key::Exprs(exprs) => exprs.iter().any(in_expr),
        Key::Template(template) => template.parts.iter().any(|part| match part {
            TemplatePart::Text => false,
            TemplatePart::Arg(arg) | TemplatePart::Formatted { arg, .. } => {
                param.bound.iter().any(|name| name.unraw() == arg.unraw())
            }
        }),
    };
    in_key || http.private.as_ref().is_some_and(in_expr) || model.scope.as_ref().is_some_and(in_expr)
}

/// One, or an array of them.
fn elements(expr: &Expr) -> Vec<&Expr> {
    match plain(expr) {
        Expr::Array(array) => array.elems.iter().collect(),
        other => vec![other],
    }
}

fn fields(name: &Ident, expr: &Expr) -> Result<Vec<LitStr>, Error> {
    let mut fields: Vec<LitStr> = Vec::new();
    for element in elements(expr) {
        let field = values::string(name, element)?;
        let text = field.value();
        if text == "*" || text.is_empty() || !text.bytes().all(is_token) {
            return Err(http::no_field(&field));
        }
        if fields.iter().any(|known| known.value().eq_ignore_ascii_case(&text)) {
            return Err(http::field_twice(&field));
        }
        fields.push(field);
    }
    Ok(fields)
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn text(name: &Ident, expr: &Expr) -> Result<LitStr, Error> {
    let text = values::string(name, expr)?;
    if text.value().is_empty() || !text.value().bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(http::no_value_of_a_field(&text));
    }
    Ok(text)
}

fn statuses(name: &Ident, expr: &Expr) -> Result<Vec<LitInt>, Error> {
    let elements = elements(expr);
    if elements.is_empty() {
        return Err(http::no_status(name, expr));
    }
    let status = |element: &Expr| match literal(element) {
        Some(Lit::Int(status)) => match status.base10_parse::<u16>() {
            Ok(200..=599) if status.suffix().is_empty() => Ok(status.clone()),
            _ => Err(http::no_status(name, element)),
        },
        _ => Err(http::no_status(name, element)),
    };
    elements.into_iter().map(status).collect()
}

fn surrogate_keys(name: &Ident, expr: &Expr, function: &Function, errors: &mut Errors) -> Result<Vec<Template>, Error> {
    let keys = cache::tags(name, expr, function, errors)?;
    let blank = keys.iter().find(|key| key.literal.value().contains(char::is_whitespace));
    match blank {
        Some(key) => Err(http::blank_in_a_key(&key.literal)),
        None => Ok(keys),
    }
}
