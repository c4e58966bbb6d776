//! What stands beside a method.

use super::context::{Context, Home};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;

impl Context<'_> {
    /// Associated functions with the method's name in front.
    pub(super) fn method_items(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        let cfgs = quote!(#(#cfgs)*);
        // What the compiler finds first has a name that says what to do in a trait impl.
        let mut items = match &self.model.batch {
            Some(_) => self.says_where_a_batch_has_a_place().into_iter().collect(),
            None => self.hidden_items(),
        };
        items.push(self.uncached_function());
        if let Some(batch) = &self.model.batch {
            items.extend(self.batch_operations(batch).iter().map(|operation| self.operation(operation)));
            items.extend(
                self.owns_cache().then(|| self.site()).map(|site| quote_spanned!(self.span=> #[doc(hidden)] #site)),
            );
            items.extend(self.owns_cache().then(|| self.invalidation_function()));
            let registration = self.registration();
            return quote!(#(#cfgs #items)* #registration);
        }
        items.push(self.operation(&self.traced()));
        items.push(self.operation(&self.refresh()));
        items.extend(self.handle().map(|handle| self.operation(&handle)));
        items.extend(self.operations_without_handle().iter().map(|operation| self.operation(operation)));
        items.extend(self.owns_cache().then(|| self.invalidation_function()));
        let registration = self.registration();
        quote!(#(#cfgs #items)* #registration)
    }

    /// `companion = false` has no place for its body.
    fn says_where_a_batch_has_a_place(&self) -> Option<TokenStream> {
        let user = self.sig.ident.unraw();
        let name = format_ident!("__{user}_in_a_trait_impl_needs_cache_on_the_impl", span = self.span);
        (self.home == Home::Beside).then(|| quote_spanned!(self.span=> #[doc(hidden)] fn #name() {}))
    }

    fn hidden_items(&self) -> Vec<TokenStream> {
        let doc = quote_spanned!(self.span=> #[doc(hidden)]);
        let mut items = vec![self.load_function()];
        if self.owns_cache() {
            items.push(self.site());
        }
        if self.lacks_handle() && self.key_mentions_self() && self.finds_whole_cache() {
            items.push(self.key_function());
        }
        if self.refreshes_in_task() {
            items.push(self.refresh_task());
        }
        items.iter_mut().for_each(|item| *item = quote!(#doc #item));
        items
    }
}
