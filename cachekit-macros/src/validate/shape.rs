//! The signature.

use crate::diagnostics::{Errors, shape as say};
use crate::model::{Given, Model, Place};
use syn::visit::{self, Visit};
use syn::{Lifetime, ParenthesizedGenericArguments, ReturnType, Safety, Type, TypeFnPtr, TypeImplTrait, TypeReference};

pub(super) fn qualifiers(model: &Model, _: &Given, errors: &mut Errors) {
    let sig = &model.function.sig;
    if let Some(abi) = &sig.abi {
        errors.push(say::abi(abi));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(say::unsafe_fn(token));
    }
    if let Some(token) = &sig.constness {
        errors.push(say::const_fn(token, "cache"));
    }
}

pub(super) fn impl_parameters(model: &Model, _: &Given, errors: &mut Errors) {
    for param in &model.function.params {
        if let Some(found) = first_impl(&param.ty) {
            errors.push(say::impl_param(found, &param.name));
        }
    }
}

fn first_impl(ty: &Type) -> Option<&TypeImplTrait> {
    struct Find<'ast>(Option<&'ast TypeImplTrait>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
            self.0.get_or_insert(ty);
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

pub(super) fn returns_something(model: &Model, _: &Given, errors: &mut Errors) {
    if is_main(model) {
        return;
    }
    match &model.function.sig.output {
        ReturnType::Default => errors.push(say::nothing_returned(&model.function.sig.ident, "nothing")),
        ReturnType::Type(_, ty) => match ungrouped(ty) {
            Type::Tuple(tuple) if tuple.elems.is_empty() => errors.push(say::nothing_returned(ty, "`()`")),
            Type::Never(_) => errors.push(say::nothing_returned(ty, "`!`")),
            _ => {}
        },
    }
}

/// `$ty:ty` of `macro_rules!` leaves an invisible group.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        ty => ty,
    }
}

pub(super) fn returns_a_named_type(model: &Model, _: &Given, errors: &mut Errors) {
    if let ReturnType::Type(_, ty) = &model.function.sig.output
        && let Some(found) = first_impl(ty)
    {
        errors.push(say::impl_return(found));
    }
}

pub(super) fn returns_nothing_borrowed(model: &Model, _: &Given, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &model.function.sig.output else { return };
    if first_impl(ty).is_some() {
        return;
    }
    let mut borrows = Borrows(false);
    borrows.visit_type(ty);
    if borrows.0 {
        errors.push(say::borrowed_return(ty, ty));
    }
}

/// References and lifetimes that are not `'static`; those in function types are the functions' own.
struct Borrows(bool);

impl<'ast> Visit<'ast> for Borrows {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        self.0 |= reference.lifetime.is_none();
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.0 |= lifetime.ident != "static";
    }

    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

pub(super) fn not_main(model: &Model, _: &Given, errors: &mut Errors) {
    if is_main(model) {
        errors.push(say::main_function(&model.function.sig.ident));
    }
}

fn is_main(model: &Model) -> bool {
    let sig = &model.function.sig;
    matches!(model.place, Place::Free) && sig.ident == "main" && sig.inputs.is_empty()
}
