//! Writes code from the model.

use crate::model::{BlockItem, Function, ImplModel, Invalidation, Model};
use proc_macro2::TokenStream;
use quote::quote;

/// An annotated function.
pub(crate) fn function(model: &Model) -> TokenStream {
    plain(&model.function)
}

/// An impl block with annotated methods.
pub(crate) fn impl_block(block: &ImplModel) -> TokenStream {
    let head = &block.head;
    let items = block.items.iter().map(|item| match item {
        BlockItem::Cached(model) => function(model),
        BlockItem::Other(tokens) => tokens.clone(),
    });
    quote!(#head { #(#items)* })
}

/// A function that invalidates.
pub(crate) fn invalidate(invalidation: &Invalidation) -> TokenStream {
    plain(&invalidation.function)
}

fn plain(function: &Function) -> TokenStream {
    let Function { docs, cfgs, shared, body_attrs, vis, sig, body, .. } = function;
    quote!(#(#docs)* #(#cfgs)* #(#shared)* #(#body_attrs)* #vis #sig #body)
}
