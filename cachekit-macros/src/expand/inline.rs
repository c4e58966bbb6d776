//! A method beside which nothing may stand: cache, look and body are in the wrapper.

use super::{context::Context, spans};
use crate::model::Param;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Pat;

impl Context<'_> {
    /// All that the method does. The body is reached in one place: a second copy would have statics, and caches, of its own.
    pub(super) fn inline_flow(&self) -> TokenStream {
        let (k, span, output) = (&self.k, self.span, self.output_bound());
        let trace = quote_spanned!(span=> &mut #k::Outcome::new());
        // A static stands here once, whatever asks for it. A user's expression may make temporaries that live no longer than one statement.
        let cache = self.inline_cache();
        let hoisted = self.owns_cache().then(|| quote_spanned!(span=> let __cachekit_cache = #cache;));
        let cache = if hoisted.is_some() { quote_spanned!(span=> __cachekit_cache) } else { cache };
        let found = self.with_checked_parts(&quote_spanned!(span=> #k::look(#cache, &__cachekit_parts)));
        let stale = self.stale(&quote_spanned!(span=> return), &quote_spanned!(span=> __cachekit_miss));
        let tagged = self.confirmed(&trace).unwrap_or_else(|| self.tagged());
        let look = quote_spanned! {span=>
            let __cachekit_miss = match #found {
                #k::Look::Hit(__cachekit_value) => return __cachekit_output.wrap(__cachekit_value),
                #k::Look::Stale(__cachekit_stale) => #stale,
                #k::Look::Miss(__cachekit_miss) => __cachekit_miss,
            };
            #tagged
        };
        let loader = self.inline_loader();
        let Some(condition) = &self.model.outcome.bypass_if else {
            let run = self.run_by(&trace, &loader);
            return quote_spanned!(span=> #output #hoisted #look #run);
        };
        let test = self.bypass_test(condition);
        let (load, uncached) =
            (quote_spanned!(span=> __cachekit_load), self.boxed(quote_spanned!(span=> __cachekit_load())));
        let run = self.run_by(&trace, &load);
        quote_spanned! {span=>
            #output
            #hoisted
            let __cachekit_missed = if #test {
                #k::bypass(#cache, #trace);
                ::core::option::Option::None
            } else {
                #look
                ::core::option::Option::Some(__cachekit_miss)
            };
            let __cachekit_load = #loader;
            match __cachekit_missed {
                ::core::option::Option::Some(__cachekit_miss) => #run,
                ::core::option::Option::None => #uncached,
            }
        }
    }

    /// The closure that runs the body. The type that it gives is what `?` and `return` infer from.
    fn inline_loader(&self) -> TokenStream {
        let (k, span, output, body) = (&self.k, self.span, &self.output, &self.function().body);
        let bindings = self.params.iter().filter_map(|Param { name, pattern, .. }| {
            let plain = matches!(pattern, Pat::Ident(pat) if pat.mutability.is_none() && pat.by_ref.is_none() && pat.subpat.is_none());
            (!plain).then(|| quote_spanned!(span=> let #pattern = #name;))
        });
        let body = spans::continued(&quote!(#(#bindings)*), body);
        if !self.is_async {
            return quote_spanned!(span=> move || -> #output #body);
        }
        let body = quote_spanned!(span=> async move #body);
        // Where the closure stands in a call that tells the type, it would be said twice.
        if self.model.outcome.bypass_if.is_none() {
            return quote_spanned!(span=> move || #body);
        }
        quote_spanned!(span=> move || #k::returning::<#output, _>(#body))
    }
}
