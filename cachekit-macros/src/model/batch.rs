//! `batch`: which parameter is the ids, and whose entries they share.

use super::{Function, Key, Param, units::plain};
use crate::diagnostics::{Errors, args as say, batch as say_batch};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Error, Expr, GenericArgument, Ident, Path, PathArguments, Type, parse_quote};

/// A function over several ids.
pub(crate) struct Batch {
    /// The parameter that is the ids, by index.
    pub(crate) ids: usize,
    /// `T` of `&[T]` or `Vec<T>`.
    pub(crate) element: Type,
    /// `Vec<T>`, and not `&[T]`.
    pub(crate) is_owned: bool,
    /// The single function whose entries these are.
    pub(crate) of: Option<Path>,
    /// The argument.
    pub(crate) name: Ident,
}

/// `batch`, or `batch = ids`.
pub(crate) struct BatchArg {
    pub(crate) name: Ident,
    pub(crate) ids: Option<Ident>,
}

pub(super) fn argument(name: &Ident, expr: &Expr, function: &Function) -> Result<BatchArg, Error> {
    let Expr::Path(path) = plain(expr) else { return Err(say::wrong_shape(name, expr)) };
    let Some(ids) = path.path.get_ident() else { return Err(say::wrong_shape(name, expr)) };
    let known = function.names();
    if !known.iter().any(|known| known.unraw() == ids.unraw()) {
        return Err(crate::diagnostics::template::unknown_name("batch", ids, &ids.to_string(), &known));
    }
    Ok(BatchArg { name: name.clone(), ids: Some(ids.clone()) })
}

/// `of = user`, `of = Repo::user`.
pub(super) fn single(name: &Ident, expr: &Expr) -> Result<Path, Error> {
    match plain(expr) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        expr => Err(say::wrong_shape(name, expr)),
    }
}

/// The cache of the single function: `user::cache()`, `Repo::user_cache()`.
pub(super) fn cache_of(of: &Path) -> Expr {
    let mut path = of.clone();
    let Some(last) = path.segments.pop() else { return parse_quote!(#of) };
    let (name, arguments) = (&last.ident, &last.arguments);
    let of_type = path.segments.last().is_some_and(|segment| segment.ident.to_string().starts_with(char::is_uppercase));
    let called = if of_type {
        let handle = format_ident!("{}_cache", name.unraw(), span = name.span());
        quote!(#path #handle #arguments)
    } else {
        let handle = Ident::new("cache", name.span());
        quote!(#path #name::#handle #arguments)
    };
    parse_quote!(#called())
}

pub(super) fn batch(
    arg: &BatchArg,
    of: Option<Path>,
    function: &Function,
    key: &Key,
    errors: &mut Errors,
) -> Option<Batch> {
    let params = &function.params;
    let keyed = |index: usize| !matches!(key, Key::Params(indices) if !indices.contains(&index));
    let index = match &arg.ids {
        Some(ids) => params.iter().position(|param| param.bound.iter().any(|bound| bound.unraw() == ids.unraw()))?,
        None => {
            let is_list = |(index, param): &(usize, &Param)| keyed(*index) && list(&param.ty).is_some();
            let lists: Vec<(usize, &Param)> = params.iter().enumerate().filter(is_list).collect();
            match lists.as_slice() {
                [(index, _)] => *index,
                [] => {
                    // What is no list because of that has been reported, or will be.
                    let is_reported =
                        |param: &Param| matches!(&param.ty, Type::ImplTrait(_)) || is_mut_slice(&param.ty);
                    if !params.iter().any(is_reported) {
                        errors.push(say_batch::no_ids(arg, function));
                    }
                    return None;
                }
                several => {
                    let names: Vec<&Ident> = several.iter().map(|(_, param)| &param.name).collect();
                    errors.push(say_batch::several_ids(&arg.name, &names));
                    return None;
                }
            }
        }
    };
    let param = params.get(index)?;
    let Some((element, is_owned)) = list(&param.ty) else {
        errors.push(say_batch::not_a_list(&param.ty, &param.name));
        return None;
    };
    Some(Batch { ids: index, element, is_owned, of, name: arg.name.clone() })
}

fn is_mut_slice(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_some() && matches!(&*reference.elem, Type::Slice(_)))
}

/// The element of `&[T]` or `Vec<T>`, and whether it is the latter.
fn list(ty: &Type) -> Option<(Type, bool)> {
    match ty {
        Type::Paren(inner) => list(&inner.elem),
        Type::Group(inner) => list(&inner.elem),
        Type::Reference(reference) if reference.mutability.is_none() => match &*reference.elem {
            Type::Slice(slice) => Some(((*slice.elem).clone(), false)),
            _ => None,
        },
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.ident == "Vec")?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            match arguments.args.first() {
                Some(GenericArgument::Type(element)) => Some((element.clone(), true)),
                _ => None,
            }
        }
        _ => None,
    }
}
