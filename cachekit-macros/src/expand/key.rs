//! The parts of the key: which they are, what they mention, and the code that borrows them.

use super::{
    context::Context,
    eternal::eternal,
    forms,
    patterns::{is_wrapper, rebound},
    spans,
};
use crate::model::{Key, Model, Param, Template, TemplatePart, uses};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Expr, Ident, Type, parse_quote};

#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// A parameter, of a type that is written down.
    Param(&'a Param),
    /// One of the ids of a batch, which stand in this parameter, with its type.
    Element(&'a Param, &'a Type),
    /// A name that a parameter's pattern binds, of a type that is not.
    Bound(&'a Ident),
    /// `{x:.2}`.
    Formatted(&'a Ident, &'a str),
    Expr(&'a Expr),
}

impl Part<'_> {
    /// The type, if it is known.
    pub(super) fn declared(&self) -> Option<Type> {
        match self {
            Part::Param(param) => Some(param.ty.clone()),
            Part::Element(_, ty) => Some((*ty).clone()),
            Part::Formatted(..) => Some(parse_quote!(::std::string::String)),
            Part::Bound(_) | Part::Expr(_) => None,
        }
    }
}

pub(super) fn parts<'a>(model: &'a Model, present: &dyn Fn(usize) -> bool) -> Vec<Part<'a>> {
    let params = &model.function.params;
    match &model.key {
        Key::Params(indices) => {
            let mut parts = Vec::new();
            for index in indices {
                let Some(param) = params.get(*index).filter(|_| present(*index)) else { continue };
                match &model.batch {
                    Some(batch) if batch.ids == *index => parts.push(Part::Element(param, &batch.element)),
                    _ if is_wrapper(param) => parts.extend(param.bound.iter().map(Part::Bound)),
                    _ => parts.push(Part::Param(param)),
                }
            }
            parts
        }
        Key::Exprs(exprs) => exprs.iter().map(|expr| of_expr(params, expr)).collect(),
        Key::Template(template) => template.parts.iter().filter_map(|part| of_template(params, part)).collect(),
    }
}

/// A parameter by itself has a type that is written down.
fn of_expr<'a>(params: &'a [Param], expr: &'a Expr) -> Part<'a> {
    let name = if let Expr::Path(path) = expr { path.path.get_ident() } else { None };
    name.and_then(|name| params.iter().find(|param| same(&param.name, name))).map_or(Part::Expr(expr), Part::Param)
}

fn of_template<'a>(params: &'a [Param], part: &'a TemplatePart) -> Option<Part<'a>> {
    match part {
        TemplatePart::Text => None,
        TemplatePart::Arg(name) => {
            Some(params.iter().find(|param| same(&param.name, name)).map_or(Part::Bound(name), Part::Param))
        }
        TemplatePart::Formatted { arg, spec } => Some(Part::Formatted(arg, spec)),
    }
}

pub(super) fn same(one: &Ident, other: &Ident) -> bool {
    one.unraw() == other.unraw()
}

/// A name occurs in the tokens, placeholders of format strings included.
pub(super) fn mentions(tokens: &dyn ToTokens, name: &str) -> bool {
    fn within(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident.unraw() == name,
            TokenTree::Group(group) => within(group.stream(), name),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
            }
            TokenTree::Punct(_) => false,
        })
    }
    within(tokens.to_token_stream(), name)
}

fn template_mentions(template: &Template, name: &Ident) -> bool {
    template.parts.iter().any(|part| match part {
        TemplatePart::Text => false,
        TemplatePart::Arg(arg) | TemplatePart::Formatted { arg, .. } => same(arg, name),
    })
}

impl<'a> Context<'a> {
    /// The parameters that the key mentions.
    pub(super) fn keys(&self) -> Vec<&'a Param> {
        self.params.iter().copied().filter(|param| self.in_key(param)).collect()
    }

    /// Those and the ones that only tags mention.
    pub(super) fn keys_and_tags(&self) -> Vec<&'a Param> {
        self.params.iter().copied().filter(|param| self.in_key(param) || self.in_tags(param)).collect()
    }

    fn in_key(&self, param: &Param) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Param(other) | Part::Element(other, _) => same(&other.name, &param.name),
            Part::Bound(name) | Part::Formatted(name, _) => param.bound.iter().any(|bound| same(bound, name)),
            Part::Expr(expr) => param.bound.iter().any(|bound| uses(expr, bound)),
        })
    }

    fn in_tags(&self, param: &Param) -> bool {
        param.bound.iter().any(|bound| self.model.tags.iter().any(|tag| template_mentions(tag, bound)))
    }

    /// The name of a part that is a parameter, `_` where no tag mentions it; `None` for a part of another kind.
    pub(super) fn bound_in_tags(&self, part: &Part<'_>) -> Option<TokenStream> {
        let (Part::Param(param) | Part::Element(param, _)) = part else { return None };
        match &param.bound[..] {
            [name] if !self.in_tags(param) => Some(quote_spanned!(name.span()=> _)),
            [name] if same(name, &param.name) => Some(quote!(#name)),
            _ => None,
        }
    }

    pub(super) fn key_mentions_self(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Expr(expr) if mentions(expr, "self")))
    }

    /// Names that stand in patterns, bound by reference for an expression that mentions them.
    pub(super) fn rebound(&self, mentioned: &dyn Fn(&Ident) -> bool) -> TokenStream {
        rebound(self.params.iter().copied(), self.span, mentioned)
    }

    /// The names that one of the expressions mentions.
    pub(super) fn rebound_for(&self, tokens: &dyn ToTokens) -> TokenStream {
        self.rebound(&|name| mentions(tokens, &name.unraw().to_string()))
    }

    /// A block whose value is `use_parts`, in which `__cachekit_parts` borrows the arguments.
    pub(super) fn with_parts(&self, use_parts: &TokenStream) -> TokenStream {
        self.parts_block(use_parts, false)
    }

    /// In the wrapper, which is the one place to report expressions that cannot be part of a key.
    pub(super) fn with_checked_parts(&self, use_parts: &TokenStream) -> TokenStream {
        self.parts_block(use_parts, true)
    }

    fn parts_block(&self, use_parts: &TokenStream, checked: bool) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let mentioned = |name: &Ident| {
            self.parts.iter().any(|part| match part {
                Part::Param(_) | Part::Element(..) => false,
                Part::Bound(other) | Part::Formatted(other, _) => same(other, name),
                Part::Expr(expr) => uses(expr, name),
            })
        };
        let rebound = self.rebound(&mentioned);
        let (known, found) = (self.probe("PartProbe"), self.probe("FormProbe"));
        let mut bindings = Vec::new();
        let mut parts = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let local = spans::local("part", index, span);
            match part {
                Part::Param(param) => {
                    let (name, form) = (&param.name, forms::form(k, &param.ty));
                    parts.push(quote_spanned!(span=> (&#k::#known::<_, #form>::new(&#name)).part()));
                }
                Part::Element(_, ty) => {
                    let form = forms::form(k, ty);
                    parts.push(quote_spanned!(span=> (&#k::#known::<_, #form>::new(__cachekit_id)).part()));
                }
                Part::Formatted(name, spec) => {
                    let format = format!("{{:{spec}}}");
                    bindings.push(quote_spanned!(span=> let #local = ::std::format!(#format, #name);));
                    parts.push(quote_spanned!(span=> (&#k::#known::<_, #k::form::Val>::new(&#local)).part()));
                }
                Part::Bound(name) => {
                    bindings.extend(checked.then(|| self.stored_assertion(name)).flatten());
                    parts.push(quote_spanned!(span=> (&&&#k::#found::new(#name)).part()));
                }
                Part::Expr(expr) => {
                    bindings.push(quote_spanned!(span=> let #local = &(#expr);));
                    if checked {
                        let at = spans::of(expr);
                        let (k, local) = (self.k_at(at), spans::placed(&local, at));
                        bindings.push(quote_spanned!(at=> #k::assert_part(&(&&&#k::FormProbe::new(#local)).part());));
                        bindings.extend(self.stored_assertion(&local));
                    }
                    parts.push(quote_spanned!(span=> (&&&#k::#found::new(#local)).part()));
                }
            }
        }
        let imports = self.part_imports();
        let parts = one_or_tuple(&parts);
        quote_spanned!(span=> { #imports #rebound #(#bindings)* let __cachekit_parts = #parts; #use_parts })
    }

    /// The traits that find out about parts, as far as they are used.
    fn part_imports(&self) -> TokenStream {
        let k = &self.k;
        let declared = self.parts.iter().any(|part| part.declared().is_some());
        let found = self.parts.iter().any(|part| part.declared().is_none());
        let declared = declared.then(|| quote_spanned!(self.span=> use #k::{ViaUnusable as _, ViaUsable as _};));
        let found =
            found.then(|| quote_spanned!(self.span=> use #k::{ViaBorrowed as _, ViaOwned as _, ViaRejected as _};));
        quote!(#declared #found)
    }

    /// `(u64, String)` in the machine's words, for types that are known and concrete.
    pub(super) fn concrete_key(&self) -> TokenStream {
        let (k, probe) = (&self.k, self.probe("KeyProbe"));
        let owned: Vec<_> = self
            .declared_parts()
            .map(|(ty, form)| {
                let ty = spans::repeated(&ty);
                quote_spanned!(self.span=> <#ty as #k::KeyOr<#form, {
                    use #k::KeyFallback as _;
                    <#k::#probe<#ty, #form>>::OK
                }>>::Owned)
            })
            .collect();
        one_or_tuple(&owned)
    }

    /// The same where they may depend on type parameters; `None` if a type is not known.
    pub(super) fn generic_key(&self) -> Option<TokenStream> {
        if self.parts.iter().any(|part| part.declared().is_none()) {
            return None;
        }
        let owned: Vec<_> = self
            .declared_parts()
            .map(|(ty, form)| {
                let (span, ty) = (spans::of(&ty), spans::repeated(&ty));
                let k = self.k_at(span);
                // What owns itself is named as it is: an unfit type would be reported once more for a projection.
                if forms::owns(&form) { ty } else { quote_spanned!(span=> <#ty as #k::KeyPart<#form>>::Owned) }
            })
            .collect();
        Some(one_or_tuple(&owned))
    }

    pub(super) fn declared_parts(&self) -> impl Iterator<Item = (Type, TokenStream)> {
        self.parts.iter().filter_map(|part| part.declared()).map(|ty| (eternal(&ty), forms::form(&self.k, &ty)))
    }

    /// One statement per part, at its type: the one place where an unfit type is an error.
    pub(super) fn key_assertions(&self) -> TokenStream {
        let k = &self.k;
        let assertions = self.parts.iter().filter_map(|part| match part {
            Part::Param(param) => {
                let (span, ty, form) = (spans::of(&param.ty), &param.ty, forms::form(k, &param.ty));
                let k = self.k_at(span);
                let stored = self.far().map(|_| {
                    let name = spans::blamed(&param.name, span);
                    quote_spanned!(span=> {
                        use #k::{ViaUnusable as _, ViaUsable as _};
                        #k::assert_stored_part(&(&#k::PartProbe::<_, #form>::new(&#name)).part());
                    })
                });
                let is_param = |ident: &Ident| self.sig.generics.type_params().any(|param| param.ident == *ident);
                let assertion = match forms::plain(ty) {
                    Type::Path(path) if path.path.get_ident().is_some_and(is_param) => {
                        quote_spanned!(span=> #k::assert_own_key::<#ty>();)
                    }
                    _ => quote_spanned!(span=> #k::assert_key::<#ty, #form>();),
                };
                Some(quote!(#assertion #stored))
            }
            // What a backend asks of it is asked where there is one.
            Part::Element(_, ty) => {
                let (span, form) = (spans::of(ty), forms::form(k, ty));
                let k = self.k_at(span);
                Some(quote_spanned!(span=> #k::assert_key::<#ty, #form>();))
            }
            Part::Formatted(..) | Part::Bound(_) | Part::Expr(_) => None,
        });
        quote!(#(#assertions)*)
    }
}

/// One part is the key itself, several are a tuple, none is `()`.
fn one_or_tuple(parts: &[TokenStream]) -> TokenStream {
    match parts {
        [one] => one.clone(),
        parts => quote!((#(#parts),*)),
    }
}
