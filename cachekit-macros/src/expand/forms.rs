//! The form of a key part, read from the syntax of its type.

pub(super) use crate::model::plain;
use crate::model::{self, Form, argument, last};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{GenericArgument, Ident, PathArguments, Type};

/// The form in which a parameter of this type is part of a key.
pub(super) fn form(k: &TokenStream, ty: &Type) -> TokenStream {
    let around = |name: &str, inner: &Type| {
        let (name, inner) = (Ident::new(name, Span::call_site()), form(k, inner));
        quote!(#k::form::#name<#inner>)
    };
    match model::form(ty) {
        Form::Value => quote!(#k::form::Val),
        Form::Reference => quote!(#k::form::Ref),
        Form::Cow => quote!(#k::form::CowForm),
        Form::ReferenceTo(inner) => around("RefTo", inner),
        Form::Option(inner) => around("Opt", inner),
        Form::List(inner) => around("Slice", inner),
        Form::Array(inner) => around("Arr", inner),
        Form::Tuple(tuple) => {
            let inner = tuple.elems.iter().map(|elem| form(k, elem));
            quote!((#(#inner,)*))
        }
    }
}

/// `Option<…>`: what is in it.
pub(super) fn optional(ty: &Type) -> Option<&Type> {
    match plain(ty) {
        Type::Path(path) if last(path)?.ident == "Option" => argument(path),
        _ => None,
    }
}

/// `Cow<'_, B>`.
pub(super) fn is_cow(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(path) if last(path).is_some_and(|segment| segment.ident == "Cow"))
}

/// The last segment ends in `Result`: what signatures in generic code go by.
pub(super) fn reads_like_result(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(path) if last(path).is_some_and(|segment| segment.ident.to_string().ends_with("Result")))
}

/// The form is that of a value, which is its own owned form.
pub(super) fn owns(form: &TokenStream) -> bool {
    form.to_string().ends_with("Val")
}

/// A type that is fit for everything beyond doubt, so that nothing needs to be asked of it.
pub(super) fn is_common(ty: &Type) -> bool {
    const PLAIN: [&str; 17] = [
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
        "f64", "String",
    ];
    const OF_OTHERS: [&str; 5] = ["Option", "Result", "Vec", "Box", "Arc"];
    match plain(ty) {
        Type::Reference(reference) => {
            reference.mutability.is_none()
                && matches!(plain(&reference.elem), Type::Path(path) if path.path.is_ident("str") || is_common(&reference.elem))
        }
        Type::Tuple(tuple) => tuple.elems.iter().all(is_common),
        Type::Array(array) => is_common(&array.elem),
        Type::Path(path) => last(path).is_some_and(|segment| match &segment.arguments {
            PathArguments::None => {
                path.path.get_ident().is_some_and(|ident| PLAIN.contains(&ident.to_string().as_str()))
            }
            PathArguments::AngleBracketed(arguments) => {
                OF_OTHERS.contains(&segment.ident.to_string().as_str())
                    && arguments
                        .args
                        .iter()
                        .all(|argument| matches!(argument, GenericArgument::Type(ty) if is_common(ty)))
            }
            PathArguments::Parenthesized(_) => false,
        }),
        _ => false,
    }
}
