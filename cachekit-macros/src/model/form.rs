//! What the syntax of a type says about how it becomes part of a key, and whether it can at all.

use crate::walk::{self, Node};
use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound, TypePath, TypeTuple};

/// One layer of a type; what is inside has a form of its own.
pub(crate) enum Form<'a> {
    /// Its own owned form.
    Value,
    /// A reference to what owns itself.
    Reference,
    /// A reference to what does not: `&&str`, `&Option<&str>`.
    ReferenceTo(&'a Type),
    Option(&'a Type),
    /// `&[&str]`, `Vec<&str>`, `Box<[&str]>`.
    List(&'a Type),
    Array(&'a Type),
    Cow,
    Tuple(&'a TypeTuple),
}

/// How long the tuples are for which the runtime has a form: each length costs every user's build.
const MOST_PARTS: usize = 6;

/// The form in which a parameter of this type is part of a key.
pub(crate) fn form(ty: &Type) -> Form<'_> {
    match plain(ty) {
        Type::Reference(reference) => match plain(&reference.elem) {
            Type::Slice(slice) if borrows(&slice.elem) => Form::List(&slice.elem),
            elem if borrows(elem) => Form::ReferenceTo(elem),
            _ => Form::Reference,
        },
        Type::Tuple(tuple) if tuple.elems.iter().any(borrows) => Form::Tuple(tuple),
        Type::Array(array) if borrows(&array.elem) => Form::Array(&array.elem),
        Type::Path(path) => match (last(path), argument(path)) {
            (Some(segment), _) if segment.ident == "Cow" => Form::Cow,
            (Some(segment), Some(inner)) if borrows(inner) => match plain(inner) {
                _ if segment.ident == "Option" => Form::Option(inner),
                _ if segment.ident == "Vec" => Form::List(inner),
                Type::Slice(slice) if segment.ident == "Box" => Form::List(&slice.elem),
                _ => Form::Value,
            },
            _ => Form::Value,
        },
        _ => Form::Value,
    }
}

/// The first type in it that no form makes owned although it borrows.
pub(crate) fn unownable(ty: &Type) -> Option<&Type> {
    match form(ty) {
        Form::Value => outlived(ty).then_some(ty),
        Form::Reference => None,
        Form::Cow => {
            let Type::Path(path) = plain(ty) else { return None };
            argument(path).is_some_and(outlived).then_some(ty)
        }
        Form::ReferenceTo(inner) | Form::Option(inner) | Form::List(inner) | Form::Array(inner) => unownable(inner),
        // The parts of longer ones are not made owned one by one.
        Form::Tuple(tuple) if tuple.elems.len() > MOST_PARTS => Some(ty),
        Form::Tuple(tuple) => tuple.elems.iter().find_map(unownable),
    }
}

/// What is borrowed within, where one reference, also in an `Option`, and a `Cow` can be made owned by themselves.
pub(crate) fn borrowed_within(ty: &Type) -> Option<&Type> {
    let inner = match plain(ty) {
        Type::Reference(reference) => &reference.elem,
        Type::Path(path) => match (last(path), argument(path)) {
            (Some(segment), Some(inner)) if segment.ident == "Cow" => inner,
            (Some(segment), Some(inner)) if segment.ident == "Option" => match plain(inner) {
                Type::Reference(reference) => &reference.elem,
                _ => ty,
            },
            _ => ty,
        },
        ty => ty,
    };
    outlived(inner).then_some(inner)
}

/// Without parentheses and invisible groups.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => plain(&inner.elem),
        Type::Group(inner) => plain(&inner.elem),
        ty => ty,
    }
}

pub(crate) fn last(path: &TypePath) -> Option<&PathSegment> {
    path.path.segments.last()
}

/// The first type argument of the last segment.
pub(crate) fn argument(path: &TypePath) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last(path)?.arguments else { return None };
    arguments.args.iter().find_map(|argument| if let GenericArgument::Type(ty) = argument { Some(ty) } else { None })
}

/// Something in the type is not its own owned form, as far as its syntax tells. A `Cow` is keyed by what it would own, however long it lives.
fn borrows(ty: &Type) -> bool {
    asked(ty, &|_| true)
}

/// It is not `'static`, as far as its syntax tells.
pub(crate) fn outlived(ty: &Type) -> bool {
    // A lifetime that is written is seen where it stands.
    asked(ty, &|cow| match &cow.arguments {
        PathArguments::AngleBracketed(arguments) => {
            !arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_)))
        }
        _ => false,
    })
}

fn asked(ty: &Type, cow: &dyn Fn(&PathSegment) -> bool) -> bool {
    let mut found = false;
    walk::ty(ty, &mut |node| {
        match node {
            Node::Type(Type::Reference(reference)) => found |= reference.lifetime.is_none(),
            Node::Lifetime(lifetime) => found |= lifetime.ident != "static",
            Node::Segment(segment) => found |= segment.ident == "Cow" && cow(segment),
            // The lifetimes of function types and of `for<'a>` are their own; what a projection comes to need not borrow.
            Node::Type(Type::FnPtr(_)) | Node::Parenthesized => return false,
            Node::Type(Type::Path(path)) => return path.qself.is_none(),
            Node::Type(Type::TraitObject(object)) => {
                let own =
                    |bound: &TypeParamBound| matches!(bound, TypeParamBound::Trait(bound) if bound.lifetimes.is_some());
                return !object.bounds.iter().any(own);
            }
            _ => {}
        }
        true
    });
    found
}

#[cfg(test)]
mod tests {
    use super::{borrowed_within, unownable};
    use quote::ToTokens as _;
    use syn::{Type, parse_quote};

    #[test]
    fn what_a_form_makes_owned_may_borrow() {
        let types: [Type; 24] = [
            parse_quote!(u64),
            parse_quote!((u8, u8, u8, u8, u8, &str)),
            parse_quote!((u8, u8, u8, u8, u8, u8, &'static str)),
            parse_quote!(&W),
            parse_quote!(&&'a str),
            parse_quote!(&&&str),
            parse_quote!(&[&str; 2]),
            parse_quote!(&(u8, &str)),
            parse_quote!(&Option<&str>),
            parse_quote!(&Cow<str>),
            parse_quote!(&Vec<&[&str]>),
            parse_quote!(Vec<Option<&str>>),
            parse_quote!(Box<[Cow<'_, str>]>),
            parse_quote!((u8, [(&str, Cow<'a, [u8]>); 2])),
            parse_quote!(Option<Vec<&Path>>),
            parse_quote!(W<'static>),
            parse_quote!(Arc<[Cow<'static, str>]>),
            parse_quote!(Result<&'static str, u8>),
            parse_quote!(fn(&str) -> &str),
            parse_quote!(Option<fn(&W<'_>)>),
            parse_quote!(Handler<fn(&str)>),
            parse_quote!(Arc<dyn for<'a> Of<'a>>),
            parse_quote!(<T as Of<'a>>::Part),
            parse_quote!(Arc<dyn Fn(&str) -> u8>),
        ];
        for ty in types {
            assert!(unownable(&ty).is_none(), "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn what_none_makes_owned_is_found() {
        let types: [(Type, Type); 11] = [
            (parse_quote!(W<'_>), parse_quote!(W<'_>)),
            (parse_quote!(&[(u8, u8, u8, u8, u8, u8, &str)]), parse_quote!((u8, u8, u8, u8, u8, u8, &str))),
            (parse_quote!(&W<'a>), parse_quote!(W<'a>)),
            (parse_quote!(Result<&str, u8>), parse_quote!(Result<&str, u8>)),
            (parse_quote!(Vec<Result<&str, u8>>), parse_quote!(Result<&str, u8>)),
            (parse_quote!((u8, Option<&mut Arc<[&str]>>)), parse_quote!(Arc<[&str]>)),
            (parse_quote!(Box<&str>), parse_quote!(Box<&str>)),
            (parse_quote!(Arc<[Cow<str>]>), parse_quote!(Arc<[Cow<str>]>)),
            (parse_quote!(Cow<'static, [&'a str]>), parse_quote!(Cow<'static, [&'a str]>)),
            (parse_quote!([(W<'_>, u8); 2]), parse_quote!(W<'_>)),
            (parse_quote!(Box<dyn Of + 'a>), parse_quote!(Box<dyn Of + 'a>)),
        ];
        for (ty, wanted) in types {
            let found = unownable(&ty).map(|found| found.to_token_stream().to_string());
            assert_eq!(found, Some(wanted.to_token_stream().to_string()));
        }
    }

    #[test]
    fn one_reference_is_made_owned_by_itself() {
        let owned: [Type; 6] = [
            parse_quote!(u64),
            parse_quote!(&'a [u8]),
            parse_quote!(Option<&str>),
            parse_quote!(Cow<'a, str>),
            parse_quote!(&&'static str),
            parse_quote!(Vec<fn(&str)>),
        ];
        for ty in owned {
            assert!(borrowed_within(&ty).is_none(), "{}", ty.to_token_stream());
        }
        let borrowing: [Type; 6] = [
            parse_quote!(&&str),
            parse_quote!(&[&'a str]),
            parse_quote!(Vec<&str>),
            parse_quote!((u8, &str)),
            parse_quote!(Option<Option<&str>>),
            parse_quote!(W<'_>),
        ];
        for ty in borrowing {
            assert!(borrowed_within(&ty).is_some(), "{}", ty.to_token_stream());
        }
    }
}
