//! `Self::Item` in a trait impl: what moves into an inherent impl beside it says `<Self as Trait>::Item`.

use crate::args::{BlockPart, FnItem};
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::Type;

/// The names of the types that the block defines.
pub(super) fn types(parts: &[BlockPart]) -> Vec<String> {
    let others = parts.iter().filter_map(|part| match part {
        BlockPart::Other(tokens) => Some(tokens.clone()),
        BlockPart::Cached(..) => None,
    });
    let named = others.filter_map(|tokens| {
        let mut words =
            tokens.into_iter().skip_while(|tree| !matches!(tree, TokenTree::Ident(ident) if ident == "type"));
        words.nth(1).map(|name| name.to_string())
    });
    named.collect()
}

pub(super) fn qualify(function: &mut FnItem, types: &[String], of_trait: &Type) {
    if types.is_empty() {
        return;
    }
    let sig = qualified(function.sig.to_token_stream(), types, of_trait);
    if let Ok(sig) = syn::parse2(sig) {
        function.sig = sig;
        function.body = qualified(function.body.clone(), types, of_trait);
    }
}

fn qualified(tokens: TokenStream, types: &[String], of_trait: &Type) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut written = TokenStream::new();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        at += 1;
        match tree {
            TokenTree::Group(group) => {
                let mut changed = Group::new(group.delimiter(), qualified(group.stream(), types, of_trait));
                changed.set_span(group.span());
                written.extend([TokenTree::Group(changed)]);
            }
            TokenTree::Ident(this) if this == "Self" && is_type(trees.get(at..), types) => {
                written.extend(in_trait(this, of_trait));
            }
            tree => written.extend([tree.clone()]),
        }
    }
    written
}

/// `::Item` follows.
fn is_type(rest: Option<&[TokenTree]>, types: &[String]) -> bool {
    let Some([TokenTree::Punct(one), TokenTree::Punct(two), TokenTree::Ident(name), ..]) = rest else { return false };
    one.as_char() == ':' && two.as_char() == ':' && types.iter().any(|ty| name == ty)
}

fn in_trait(this: &Ident, of_trait: &Type) -> TokenStream {
    quote_spanned!(this.span()=> <#this as #of_trait>)
}
