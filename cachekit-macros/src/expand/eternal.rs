//! Types without the lifetimes of a function.
//!
//! Written out, for `syn::visit_mut` would go through every kind of expression for the length of an array.

use crate::each::each_mut;
use syn::{GenericArgument, Lifetime, Path, PathArguments, Type, TypeParamBound};

/// The type with every lifetime made `'static`: anonymous constants, statics and return types may not name the function's own.
pub(super) fn eternal(ty: &Type) -> Type {
    let mut ty = ty.clone();
    within(&mut ty);
    ty
}

fn within(ty: &mut Type) {
    match ty {
        Type::Array(array) => within(&mut array.elem),
        Type::Group(group) => within(&mut group.elem),
        Type::Paren(paren) => within(&mut paren.elem),
        Type::Ptr(pointer) => within(&mut pointer.elem),
        Type::Slice(slice) => within(&mut slice.elem),
        Type::Tuple(tuple) => each_mut(&mut tuple.elems, &mut within),
        Type::Reference(reference) => {
            match &mut reference.lifetime {
                Some(lifetime) => settle(lifetime),
                missing => *missing = Some(Lifetime::new("'static", reference.and_token.span)),
            }
            within(&mut reference.elem);
        }
        Type::Path(path) => {
            if let Some(qself) = &mut path.qself {
                within(&mut qself.ty);
            }
            in_path(&mut path.path);
        }
        Type::TraitObject(object) => each_mut(&mut object.bounds, &mut in_bound),
        Type::ImplTrait(opaque) => each_mut(&mut opaque.bounds, &mut in_bound),
        // `fn(&T) -> &U` binds lifetimes of its own.
        _ => {}
    }
}

fn in_bound(bound: &mut TypeParamBound) {
    match bound {
        TypeParamBound::Lifetime(lifetime) => settle(lifetime),
        // What `for<'a>` binds is not the function's.
        TypeParamBound::Trait(bound) if bound.lifetimes.is_none() => in_path(&mut bound.path),
        _ => {}
    }
}

fn in_path(path: &mut Path) {
    each_mut(&mut path.segments, &mut |segment| {
        // `Fn(&T) -> &U` binds lifetimes of its own.
        let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return };
        let mut names_one = false;
        each_mut(&mut arguments.args, &mut |argument| match argument {
            GenericArgument::Lifetime(lifetime) => {
                names_one = true;
                settle(lifetime);
            }
            GenericArgument::Type(ty) => within(ty),
            GenericArgument::AssocType(assoc) => within(&mut assoc.ty),
            _ => {}
        });
        if segment.ident == "Cow" && !names_one {
            arguments.args.insert(0, GenericArgument::Lifetime(Lifetime::new("'static", segment.ident.span())));
        }
    });
}

fn settle(lifetime: &mut Lifetime) {
    lifetime.ident = syn::Ident::new("static", lifetime.ident.span());
}

#[cfg(test)]
mod tests {
    use super::eternal;
    use quote::ToTokens as _;
    use syn::{Type, parse_quote};

    #[test]
    fn lifetimes_become_static_wherever_they_are_the_functions() {
        let cases: [(Type, Type); 10] = [
            (parse_quote!(&str), parse_quote!(&'static str)),
            (parse_quote!(&'a mut [&'b T]), parse_quote!(&'static mut [&'static T])),
            (parse_quote!((Option<&T>, [&u8; 4])), parse_quote!((Option<&'static T>, [&'static u8; 4]))),
            (parse_quote!(std::borrow::Cow<str>), parse_quote!(std::borrow::Cow<'static, str>)),
            (parse_quote!(Cow<'a, [Cow<str>]>), parse_quote!(Cow<'static, [Cow<'static, str>]>)),
            (parse_quote!(<&'a T as Of<'a>>::Part), parse_quote!(<&'static T as Of<'static>>::Part)),
            (parse_quote!(Box<dyn Of<Item = &u8> + 'a>), parse_quote!(Box<dyn Of<Item = &'static u8> + 'static>)),
            (parse_quote!(fn(&T) -> &U), parse_quote!(fn(&T) -> &U)),
            (parse_quote!(Box<dyn Fn(&T) -> &U>), parse_quote!(Box<dyn Fn(&T) -> &U>)),
            (parse_quote!(Box<dyn for<'x> Of<'x>>), parse_quote!(Box<dyn for<'x> Of<'x>>)),
        ];
        for (given, wanted) in cases {
            assert_eq!(eternal(&given).to_token_stream().to_string(), wanted.to_token_stream().to_string());
        }
    }
}
