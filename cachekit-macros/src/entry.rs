//! From the tokens of an attribute and its item to the tokens that replace both.

use crate::args::{self, Item};
use crate::diagnostics::{Errors, shape};
use crate::{expand, model, validate};
use proc_macro2::TokenStream;
use quote::quote;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a stage gives when the code is wrong: the item as it is to be emitted beside the errors.
pub(crate) struct Plain(TokenStream);

/// Runs an attribute so that the user's item survives whatever happens: an item that vanished would cost an error per use of it.
pub(crate) fn run(
    attribute: &str,
    args: TokenStream,
    item: TokenStream,
    stage: fn(TokenStream, TokenStream, &mut Errors) -> Result<TokenStream, Plain>,
) -> TokenStream {
    let original = item.clone();
    let guarded = catch_unwind(AssertUnwindSafe(|| {
        let mut errors = Errors::default();
        let result = stage(args, item, &mut errors);
        (result, errors)
    }));
    match guarded {
        Ok((Ok(code), errors)) if errors.is_empty() => code,
        Ok((Ok(item) | Err(Plain(item)), errors)) => {
            let errors = errors.into_tokens();
            quote!(#item #errors)
        }
        Err(panic) => {
            let error = shape::our_bug(attribute, panic.as_ref()).into_compile_error();
            quote!(#original #error)
        }
    }
}

/// `#[cache(…)]`.
pub(crate) fn cache(args: TokenStream, item: TokenStream, errors: &mut Errors) -> Result<TokenStream, Plain> {
    let args = args::arguments(args, errors);
    match args::item(item.clone(), "cache", errors) {
        Item::Function(function) => {
            let plain = function.plain();
            let function = model::function(*function, errors);
            let (model, given) = model::model(args, function, None, errors);
            validate::function(&model, &given, errors);
            if errors.is_empty() { Ok(expand::function(&model)) } else { Err(Plain(plain)) }
        }
        Item::Impl(block) => {
            let plain = block.plain();
            let (block, given) = model::impl_block(args, *block, errors);
            validate::impl_block(&block, &given, errors);
            if errors.is_empty() { Ok(expand::impl_block(&block)) } else { Err(Plain(plain)) }
        }
        Item::Neither => Err(Plain(item)),
    }
}

/// `#[invalidate(…)]`.
pub(crate) fn invalidate(args: TokenStream, item: TokenStream, errors: &mut Errors) -> Result<TokenStream, Plain> {
    let args = args::invalidations(args, errors);
    match args::item(item.clone(), "invalidate", errors) {
        Item::Function(function) => {
            let plain = function.plain();
            let function = model::function(*function, errors);
            let invalidation = model::invalidation(args, function, errors);
            validate::invalidation(&invalidation, errors);
            if errors.is_empty() { Ok(expand::invalidate(&invalidation)) } else { Err(Plain(plain)) }
        }
        Item::Impl(block) => {
            errors.push(shape::invalidate_on_impl(&block));
            Err(Plain(item))
        }
        Item::Neither => Err(Plain(item)),
    }
}
