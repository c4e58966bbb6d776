//! `#[cache]` on an impl block: the methods in their places, and for a trait impl what belongs beside them in an inherent impl.

use super::function;
use crate::model::{BlockItem, ImplModel};
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn expand(model: &ImplModel) -> TokenStream {
    let head = &model.head;
    let (mut inherent, mut outside) = (TokenStream::new(), TokenStream::new());
    let items: Vec<_> = model
        .items
        .iter()
        .map(|item| match item {
            BlockItem::Cached(model) => {
                let expansion = function::expand(model);
                inherent.extend(expansion.inherent);
                outside.extend(expansion.outside);
                expansion.here
            }
            BlockItem::Other(tokens) => tokens.clone(),
        })
        .collect();
    let beside = (!inherent.is_empty()).then(|| {
        let (generics, _, clause) = model.block.generics.split_for_impl();
        let self_ty = &model.block.self_ty;
        let cfgs = &model.block.cfgs;
        quote!(#(#cfgs)* impl #generics #self_ty #clause { #inherent })
    });
    quote!(#head { #(#items)* } #beside #outside)
}
