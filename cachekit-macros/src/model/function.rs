//! The function's attributes sorted by where they go, and its parameters.

use super::{Function, Param, names};
use crate::args::FnItem;
use crate::diagnostics::{Errors, shape};
use quote::format_ident;
use syn::{Attribute, FnArg, Ident, Meta, Pat, PatType, Type};

pub(crate) fn function(item: FnItem, errors: &mut Errors) -> Function {
    let FnItem { attrs, vis, sig, body } = item;
    let (mut docs, mut cfgs, mut shared, mut body_attrs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for attr in attrs {
        match kind(&attr).as_str() {
            "doc" => docs.push(attr),
            "cfg" => cfgs.push(attr),
            "must_use" | "deprecated" => shared.push(attr),
            _ => body_attrs.push(attr),
        }
    }
    let typed = |arg: &FnArg| if let FnArg::Typed(typed) = arg { Some(typed.clone()) } else { None };
    let params: Vec<PatType> = sig.inputs.iter().filter_map(typed).collect();
    let params = named(params);
    if let Some(variadic) = &sig.variadic {
        errors.push(shape::variadic(variadic));
    }
    Function { docs, cfgs, shared, body_attrs, vis, sig, body, params }
}

impl Function {
    /// The names of all parameters, and those that their patterns bind.
    pub(crate) fn names(&self) -> Vec<&Ident> {
        let mut names = Vec::new();
        self.params.iter().for_each(|param| names.extend(&param.bound));
        names
    }
}

/// The attribute's name; of a `cfg_attr` the name of what it would put there.
fn kind(attr: &Attribute) -> String {
    let name = attr.path().get_ident().map(ToString::to_string).unwrap_or_default();
    match (&attr.meta, name.as_str()) {
        (Meta::List(list), "cfg_attr") => {
            let mut tokens = list.tokens.clone().into_iter().skip_while(|tree| tree.to_string() != ",");
            tokens.nth(1).map(|tree| tree.to_string()).unwrap_or_default()
        }
        _ => name,
    }
}

/// Without the invisible group that a `$ty:ty` of `macro_rules!` leaves, so that the type's form can be seen.
fn ungrouped(ty: Type) -> Type {
    match ty {
        Type::Group(group) => ungrouped(*group.elem),
        ty => ty,
    }
}

fn named(params: Vec<PatType>) -> Vec<Param> {
    let mut taken = Vec::new();
    params.iter().for_each(|param| taken.extend(names::bound(&param.pat)));
    let param = |(index, PatType { mut attrs, pat, ty, .. }): (usize, PatType)| {
        let bound = names::bound(&pat);
        let name = match &*pat {
            Pat::Ident(pat) if pat.subpat.is_none() => pat.ident.clone(),
            _ => {
                let mut name = format_ident!("__arg{index}");
                while taken.contains(&name) {
                    name = format_ident!("{name}_");
                }
                name
            }
        };
        attrs.retain(|attr| attr.path().is_ident("cfg"));
        Param { attrs, name, ty: ungrouped(*ty), bound, pattern: *pat }
    };
    params.into_iter().enumerate().map(param).collect()
}
