//! Writes code from the model.
//!
//! A cached function becomes a wrapper ([`mod@function`]) and what stands beside it: the body under another name, the static ([`site`]), the function that
//! loads ([`load`]) or refreshes ([`refresh`]), and the operations ([`companion`], [`method`]).

mod batch;
mod batch_companion;
mod bounds;
mod callbacks;
mod companion;
mod context;
mod docs;
mod eternal;
mod far;
mod forms;
mod function;
#[cfg(feature = "axum")]
mod http;
mod impl_block;
mod inline;
mod invalidate;
mod key;
mod keyed;
mod load;
mod method;
mod named;
mod patterns;
mod refresh;
mod register;
mod site;
mod spans;

use crate::model::{ImplModel, Invalidation, Model};
use proc_macro2::TokenStream;
pub(crate) use register::registrations;

/// An annotated function.
pub(crate) fn function(model: &Model) -> TokenStream {
    function::expand(model).here
}

/// An impl block with annotated methods.
pub(crate) fn impl_block(block: &ImplModel) -> TokenStream {
    impl_block::expand(block)
}

/// A function that invalidates.
pub(crate) fn invalidate(invalidation: &Invalidation) -> TokenStream {
    invalidate::expand(invalidation)
}

#[cfg(test)]
mod tests;
