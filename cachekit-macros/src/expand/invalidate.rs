//! `#[invalidate(…)]`: what to remove is settled before the body, which may consume its arguments; it is removed after it.

use super::{named::beside, spans};
use crate::{
    each::each_mut,
    model::{Function, Invalidation, Param, Target, Template, When},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{FnArg, ReturnType, parse_quote};

pub(super) fn expand(model: &Invalidation) -> TokenStream {
    let Function { docs, cfgs, shared, body_attrs, vis, sig, body, params } = &model.function;
    let span = spans::machine(sig.ident.span());
    let k = super::context::private(&model.krate, span);
    let is_async = sig.asyncness.is_some();
    let output = match &sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let (early, late): (Vec<&Target>, Vec<&Target>) =
        model.targets.iter().partition(|target| target.over_value.is_none());
    let (mut locals, mut planned) = (Vec::new(), TokenStream::new());
    let mut plan = |plan: TokenStream| {
        let local = spans::local("invalidation", locals.len(), span);
        planned.extend(quote_spanned!(span=> let #local = #plan;));
        locals.push(local);
    };
    early.iter().for_each(|target| plan(call(target, span)));
    model.tags.iter().for_each(|tag| plan(tagged(&k, tag, model.soft.is_some(), span)));
    let finish = |plan: TokenStream| {
        if is_async { quote_spanned!(span=> #plan.await;) } else { quote_spanned!(span=> #plan.wait();) }
    };
    let run = locals.iter().map(|local| finish(quote!(#local)));
    let run = quote!(#(#run)*);
    let late = late.iter().map(|target| {
        let (plan, pattern) = (call(target, span), &target.over_value);
        let done = finish(quote_spanned!(span=> __cachekit_plan));
        quote_spanned!(span=> { let __cachekit_plan = { let #pattern = __cachekit_value; #plan }; #done })
    });
    let late = quote!(#(#late)*);
    let rebind = params
        .iter()
        .filter(|param| !is_plain(param))
        .map(|Param { name, pattern, .. }| quote_spanned!(span=> let #pattern = #name;));
    let rebind = quote!(#(#rebind)*);
    let result = if is_async {
        let body = spans::continued(&rebind, body);
        quote_spanned!(span=> #k::returning::<#output, _>(async move #body).await)
    } else {
        let body = spans::continued(&rebind, body);
        // As an argument it is an `FnOnce`, which may return a borrow of what it captures.
        quote_spanned!(span=> #k::once(move || -> #output #body))
    };
    // A `Result` is found by type; what is no `Result` always succeeds.
    let succeeded = quote_spanned! {span=> {
        use #k::{ViaAnyOutput as _, ViaResultOutput as _};
        (&#k::SuccessProbe(&__cachekit_result)).success()
    }};
    let after = match model.when {
        When::Before => quote_spanned!(span=> #run let __cachekit_result = #result;),
        When::Always => {
            let late = (!late.is_empty()).then(
                || quote_spanned!(span=> if let ::core::option::Option::Some(__cachekit_value) = #succeeded { #late }),
            );
            quote_spanned!(span=> let __cachekit_result = #result; #run #late)
        }
        When::Ok if late.is_empty() => {
            quote_spanned!(span=> let __cachekit_result = #result; if ::core::option::Option::is_some(&#succeeded) { #run })
        }
        When::Ok => {
            quote_spanned!(span=> let __cachekit_result = #result; if let ::core::option::Option::Some(__cachekit_value) = #succeeded { #run #late })
        }
    };
    let rebound = rebound(model, span);
    let mut wrapper = sig.clone();
    let mut names = params.iter().map(|param| &param.name);
    each_mut(&mut wrapper.inputs, &mut |input| {
        if let FnArg::Typed(input) = input
            && let Some(name) = names.next()
        {
            *input.pat = parse_quote!(#name);
        }
    });
    quote_spanned! {span=>
        #(#docs)* #(#cfgs)* #(#shared)* #(#body_attrs)* #vis #wrapper {
            #rebound
            #planned
            #after
            __cachekit_result
        }
    }
}

fn is_plain(param: &Param) -> bool {
    matches!(&param.pattern, syn::Pat::Ident(pattern) if pattern.mutability.is_none() && pattern.by_ref.is_none() && pattern.subpat.is_none())
}

/// `user(id)` → `user::__invalidation(id)`; `Repo::find(id)` → `Repo::__find_needs_cache_to_be_invalidated(id)`.
fn call(target: &Target, span: Span) -> TokenStream {
    let args = &target.args;
    let called = beside(&target.path, "__invalidation", method_invalidation);
    quote_spanned!(span=> #called(#(#args),*))
}

/// What it is called beside a method; of one that is not cached the compiler says that there is none.
pub(super) fn method_invalidation(method: &Ident, span: Span) -> Ident {
    format_ident!("__{}_needs_cache_to_be_invalidated", method, span = span)
}

fn tagged(k: &TokenStream, tag: &Template, is_soft: bool, span: Span) -> TokenStream {
    let literal = &tag.literal;
    let plan = if is_soft { "soft_tag_invalidation" } else { "tag_invalidation" };
    let plan = Ident::new(plan, span);
    quote_spanned!(span=> #k::#plan(::std::format!(#literal)))
}

/// Names that stand in patterns are bound by reference for what is evaluated before the body.
fn rebound(model: &Invalidation, span: Span) -> TokenStream {
    let args = model.targets.iter().filter(|target| target.over_value.is_none()).flat_map(|target| &target.args);
    let tags = model.tags.iter().map(|tag| &tag.literal);
    let mentioned = quote!(#(#args)* #(#tags)*);
    super::patterns::rebound(&model.function.params, span, &|name| {
        super::key::mentions(&mentioned, &name.unraw().to_string())
    })
}
