//! The form of a key part, read from the syntax of its type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type, TypePath, TypeReference, parse_quote};

/// The form in which a parameter of this type is part of a key.
pub(super) fn form(k: &TokenStream, ty: &Type) -> TokenStream {
    match ty {
        Type::Paren(inner) => form(k, &inner.elem),
        Type::Group(inner) => form(k, &inner.elem),
        Type::Reference(reference) => match plain(&reference.elem) {
            Type::Slice(slice) if borrows(&slice.elem) => {
                let inner = form(k, &slice.elem);
                quote!(#k::form::Slice<#inner>)
            }
            _ => quote!(#k::form::Ref),
        },
        Type::Tuple(tuple) if tuple.elems.iter().any(borrows) => {
            let inner = tuple.elems.iter().map(|elem| form(k, elem));
            quote!((#(#inner,)*))
        }
        Type::Array(array) if borrows(&array.elem) => {
            let inner = form(k, &array.elem);
            quote!(#k::form::Arr<#inner>)
        }
        Type::Path(path) => match (last(path), argument(path)) {
            (Some(segment), _) if segment.ident == "Cow" => quote!(#k::form::CowForm),
            (Some(segment), Some(inner)) if segment.ident == "Option" && borrows(inner) => {
                let inner = form(k, inner);
                quote!(#k::form::Opt<#inner>)
            }
            _ => quote!(#k::form::Val),
        },
        _ => quote!(#k::form::Val),
    }
}

/// Without parentheses and invisible groups.
pub(super) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => plain(&inner.elem),
        Type::Group(inner) => plain(&inner.elem),
        ty => ty,
    }
}

fn last(path: &TypePath) -> Option<&PathSegment> {
    path.path.segments.last()
}

/// The first type argument of the last segment.
fn argument(path: &TypePath) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last(path)?.arguments else { return None };
    arguments.args.iter().find_map(|argument| if let GenericArgument::Type(ty) = argument { Some(ty) } else { None })
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

/// Something in the type is borrowed, as far as its syntax tells.
fn borrows(ty: &Type) -> bool {
    struct Borrows(bool);
    impl<'ast> Visit<'ast> for Borrows {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            self.0 |= reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static");
            visit::visit_type_reference(self, reference);
        }
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
        fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
            self.0 |= segment.ident == "Cow";
            visit::visit_path_segment(self, segment);
        }
    }
    let mut borrows = Borrows(false);
    borrows.visit_type(ty);
    borrows.0
}

/// The type with every lifetime made `'static`: anonymous constants, statics and return types may not name the function's own.
pub(super) fn eternal(ty: &Type) -> Type {
    struct Eternal;
    impl VisitMut for Eternal {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = syn::Ident::new("static", lifetime.ident.span());
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.lifetime.is_none() {
                reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span));
            }
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
            if segment.ident == "Cow"
                && let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
                && !arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_)))
            {
                arguments.args.insert(0, parse_quote!('static));
            }
            // `Fn(&T) -> &U` and `fn(&T)` bind lifetimes of their own.
            if !matches!(segment.arguments, PathArguments::Parenthesized(_)) {
                visit_mut::visit_path_segment_mut(self, segment);
            }
        }
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if !matches!(ty, Type::FnPtr(_)) {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Eternal.visit_type_mut(&mut ty);
    ty
}
